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

local longest, renews = number(ARGV[3]), ARGV[4] == '1'
local reply = {}
for i = 2, #KEYS, 2 do
  local record = text(KEYS[i])
  local there = holds(record, longest)
  local old = there and age(read('>I8', record, 25))
  local answer
  if there and not renews and old < read('>I8', record, 33) then
    answer = 2
  else
    local lease = text(KEYS[i + 1])
    local held = lease and #lease == 32 and sub(lease, 9, 16) == life
    if not held then
      lease = ARGV[5 + i / 2] .. life .. write('>I8I8', count, now)
      call('SET', KEYS[i + 1], lease, 'PX', ARGV[5])
    end
    answer = (there and 3 or 0) + (held and 0 or 1)
  end
  reply[#reply + 1] = answer
  if there then
    reply[#reply + 1] = old
    reply[#reply + 1] = record
  end
end
return reply
