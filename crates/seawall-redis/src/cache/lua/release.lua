-- Gives leases back, where they are still held.
--
-- KEYS[2...]  for each key: its lease
-- ARGV[3...]  for each key: the token of its lease

for i = 2, #KEYS do
  local lease = redis.pcall('GET', KEYS[i])
  if type(lease) == 'string' and string.sub(lease, 1, 8) == ARGV[i + 1] then
    redis.call('DEL', KEYS[i])
  end
end
return 1
