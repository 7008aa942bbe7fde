-- Ends what is there for keys, and tells of it, also where nothing is there: somebody may have a copy.
--
-- KEYS[2...]  for each key: its record, its lease, what is told

for i = 2, #KEYS, 3 do
  redis.call('DEL', KEYS[i], KEYS[i + 1])
  tell(KEYS[i + 2])
end
return 1
