-- Takes back what was booked and is not wanted any more, where nobody has booked after it: then the
-- debts are as they would be had it never been booked. Else nothing is changed.
--
-- KEYS[i]   as for a decision
-- ARGV      for each quota: when its debt was to be paid off (microseconds, parts), what was booked
--           (microseconds, parts), and how many parts there are
--
-- Returns   1 where it was taken back.

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])

local function moment(us, f)
  local text = string.format('%.0f', us)
  if f > 0 then
    text = text .. string.format(':%.0f', f)
  end
  return text
end

local arg = function(i, which) return tonumber(ARGV[(i - 1) * 5 + which]) end

for i = 1, #KEYS do
  if redis.call('GET', KEYS[i]) ~= moment(arg(i, 1), arg(i, 2)) then
    return 0
  end
end
for i = 1, #KEYS do
  local us, f = arg(i, 1) - arg(i, 3), arg(i, 2) - arg(i, 4)
  if f < 0 then
    us, f = us - 1, f + arg(i, 5)
  end
  if us < now then
    redis.call('DEL', KEYS[i])
  else
    redis.call('SET', KEYS[i], moment(us, f), 'PX', math.floor((us - now) / 1000) + 1)
  end
end
return 1
