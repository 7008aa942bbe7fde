-- Puts in what was loaded, where the lease is still held and no tag of it was invalidated since it was given.
--
-- KEYS[2...]  for each key: its record, its lease
-- ARGV[3...]  for each key: the token of its lease; the record, as it lies but for life, count and since; for
--             how many microseconds after `since` to keep it (-1 for ever, 0 not at all)
--
-- Returns for each key 1 where it was put in, and else 0.

local reply = {}
for i = 2, #KEYS, 2 do
  local arg = i / 2 * 3
  local lease, record, whole = text(KEYS[i + 1]), ARGV[arg + 1], number(ARGV[arg + 2])
  local held = lease and #lease == 32 and sub(lease, 1, 8) == ARGV[arg]
  if held then
    call('DEL', KEYS[i + 1]) -- it ends either way
    local tags = string.byte(record, 65)
    held = sub(lease, 9, 16) == life
      and (tags == 0 or none_later(read('>I8', lease, 17), record, tags))
  end
  if held then
    record = sub(record, 1, 8) .. sub(lease, 9) .. sub(record, 33)
    local age = math.max(0, now - read('>I8', lease, 25)) -- the clock may have gone back
    local left = math.ceil((whole - age) / 1000)
    if whole < 0 then
      call('SET', KEYS[i], record)
    elseif left > 0 then
      call('SET', KEYS[i], record, 'PX', string.format('%.0f', left))
    else
      call('DEL', KEYS[i])
    end
  end
  reply[i / 2] = held and 1 or 0
end
return reply
