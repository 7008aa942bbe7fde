-- The state of a part of a cache, as the scripts find it that begin with this.
--
-- KEYS[1]   a hash:
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

local call, sub, number, read = redis.call, string.sub, tonumber, struct.unpack
local PLACES = 16384 -- of tags: two that fall together end together

local state = KEYS[1]
local life = call('HGET', state, 'life')
if not life then
  life = ARGV[1]
  call('DEL', state) -- after a script has written, it may go on where memory is short
  call('HSET', state, 'life', life)
end
