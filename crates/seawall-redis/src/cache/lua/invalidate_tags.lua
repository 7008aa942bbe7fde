-- Counts, writes the count into the places of tags, and tells of them.
--
-- KEYS[2...]  for each tag: what is told
-- ARGV[3...]  for each tag: its 8 bytes

call('DEL', KEYS[2]) -- a write that is allowed where memory is short, as are all after it
local count = call('HINCRBY', state, 'count', 1)
for i = 2, #KEYS do
  call('HSET', state, read('>I2', ARGV[i + 1], 7) % PLACES, count)
  tell(KEYS[i])
end
return 1
