-- What there is for keys, or the right to load them.
--
-- KEYS[2...]  for each key: its record, its lease
-- ARGV[3]     how long a record may be; ARGV[4]  1 to renew what is fresh; ARGV[5]  milliseconds of a lease
-- ARGV[6...]  for each key: the token of a lease
--
-- Returns for each key one of
--   0                      another loads it
--   1                      the caller is to load it
--   2, age, record         fresh
--   3, age, record         not fresh, and another loads it
--   4, age, record         not fresh, and the caller is to load it

local head, longest, renews = ARGV[2], number(ARGV[3]), ARGV[4] == '1'
local reply, n, count = {}, 0, nil
for i = 2, #KEYS, 2 do
  local record, age, fresh = text(KEYS[i]), 0, false
  local length = record and #record or 0
  if length > 64
    and length <= longest
    and sub(record, 1, 8) == head
    and sub(record, 9, 16) == life
    and length >= 65 + 8 * string.byte(record, 65)
  then
    local mark, since, lasts = read('>I8I8I8', record, 17)
    local tags = string.byte(record, 65)
    if tags == 0 or none_later(mark, record, tags) then
      age = math.max(0, now - since) -- the clock may have gone back
      fresh = age < lasts
    else
      record = nil
    end
  else
    record = nil -- half of one, or another's, or of before
  end

  local answer = 2
  if renews or not fresh then
    local lease = text(KEYS[i + 1])
    local held = lease and #lease == 32 and sub(lease, 9, 16) == life
    if not held then
      count = count or number(call('HGET', state, 'count') or 0)
      lease = ARGV[5 + i / 2] .. life .. struct.pack('>I8I8', count, now)
      call('SET', KEYS[i + 1], lease, 'PX', ARGV[5])
    end
    answer = (record and 3 or 0) + (held and 0 or 1)
  end
  n = n + 1
  reply[n] = answer
  if record then
    reply[n + 1], reply[n + 2] = age, record
    n = n + 2
  end
end
return reply
