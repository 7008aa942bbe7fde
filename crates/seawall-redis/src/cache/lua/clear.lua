-- Begins a life anew: all records and leases of before are nothing from now on.
--
-- KEYS[2]     what is told

call('DEL', state)
call('HSET', state, 'life', ARGV[1])
tell(KEYS[2])
return 1
