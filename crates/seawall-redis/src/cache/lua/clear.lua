-- Begins a life anew: all records and leases of before are nothing from now on.
--
-- KEYS[1]     the state; KEYS[2]  what is told
-- ARGV[1]     the life

redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'life', ARGV[1])
tell(KEYS[2])
return 1
