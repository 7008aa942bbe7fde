-- What the scripts of a cache share: it stands before each of them.
--
-- KEYS[1]   the state of a part of the cache, a hash:
--             life    8 bytes: who began it. All records and leases name theirs; those of another are nothing
--             count   how often tags were invalidated in this life
--             0...    for each place of a tag: the count at its last invalidation
-- ARGV[1]   8 bytes: the life to begin where there is none (the state was lost, and with it which tags end what)
-- ARGV[2]   8 bytes: how a record begins that the caller can read
--
-- A record, a string, numbers with the high byte first:
--
--     1  how it begins: magic, version, codec, schema
--     9  life          17  count          25  since, microseconds of this server's clock
--    33  for how long after `since` it is fresh, microseconds
--    41  (stale, error, took: nothing to the scripts)
--    65  how many tags, one byte; then eight bytes for each; then what is nothing to the scripts
--
-- A lease, a string: its token, life, count, since; 8 bytes each.

local call, sub, number = redis.call, string.sub, tonumber
local read, write = struct.unpack, struct.pack
local time = call('TIME')
local now = time[1] * 1000000 + time[2]
local PLACES = 16384 -- of tags: two that fall together end together

local state = KEYS[1]
local kept = call('HMGET', state, 'life', 'count')
local life, count = kept[1], number(kept[2] or 0)
if not life then
  life = ARGV[1]
  call('DEL', state) -- after a script has written, it may go on where memory is short
  call('HSET', state, 'life', life)
end

-- The string there, if it is one: what another program made of a key is nothing here.
local function text(key)
  local found = redis.pcall('GET', key)
  return type(found) == 'string' and found
end

local function place(bytes, at)
  return read('>I2', bytes, at + 6) % PLACES
end

-- Whether none of the tags was invalidated after `mark`: there are some at 65.
local function none_later(mark, record)
  local tags = string.byte(record, 65)
  if tags == 0 then
    return true
  end
  local places = {}
  for i = 1, tags do
    places[i] = place(record, 58 + 8 * i)
  end
  for _, last in ipairs(call('HMGET', state, unpack(places))) do
    if last and number(last) > mark then
      return false
    end
  end
  return true
end

-- Whether it is a record that can be read, of this life, and none of its tags has ended it.
local function holds(record, longest)
  return record
    and #record <= longest
    and sub(record, 1, 8) == ARGV[2]
    and #record >= 65
    and sub(record, 9, 16) == life
    and #record >= 65 + 8 * string.byte(record, 65)
    and none_later(read('>I8', record, 17), record)
end

local function age(since)
  return math.max(0, now - since) -- the clock may have gone back
end

-- Keeps it for `whole` microseconds from `since` on: for ever, if negative; not at all, if that is over.
local function keep(key, record, since, whole)
  local left = math.ceil((whole - age(since)) / 1000)
  if whole < 0 then
    call('SET', key, record)
  elseif left > 0 then
    call('SET', key, record, 'PX', string.format('%.0f', left))
  else
    call('DEL', key)
  end
end

-- Tells all who listen. The name says it, and nothing stays. (Removed first, for short memory too.)
local function tell(name)
  call('DEL', name)
  call('SET', name, '')
  call('DEL', name)
end
