-- Tells all who listen. The name says it, and nothing stays.
--
-- Where memory is short, a script may write all the same after it has removed something: remove first.
local function tell(name)
  redis.call('SET', name, '')
  redis.call('DEL', name)
end
