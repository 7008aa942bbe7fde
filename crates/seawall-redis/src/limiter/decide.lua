-- One decision of a rate limiter over all its quotas, all or nothing.
--
-- KEYS[i]   when the debt of quota i is paid off: microseconds since the epoch, and where a cell is no
--           whole number of them, a colon and a count of parts
-- ARGV[1]   how many cells more to take if they are there
-- ARGV[2]   how many microseconds the caller will wait
-- then for each quota, as microseconds and parts of one:
--           the price asked, the price of one cell, how many parts there are, what may be owed
--
-- Returns   1 or 0, how many cells more, the time, and for each quota its debt: with the price where it
--           was paid, else as it is, and nothing is written.
--
-- No more than a burst and the longest wait is ever owed. What is above (the clock went back, as after a
-- failover, or the quota shrank) is cut to a burst, once.
--
-- All numbers are whole and below 2^53, up to where a double holds every one.

local number, call = tonumber, redis.call
local more, patience = number(ARGV[1]), number(ARGV[2])
local horizon = 3600000000 -- the longest wait that can be booked
local time = call('TIME')
local now = time[1] * 1000000 + time[2]

local reply, owed = { 1, 0, now }, {}
for i = 1, #KEYS do
  local arg, at = i * 7 - 4, i * 2 + 2 -- where the quota's numbers begin, here and in the reply
  local parts, most, most_f = number(ARGV[arg + 4]), number(ARGV[arg + 5]), number(ARGV[arg + 6])

  local debt, debt_f = 0, 0
  local kept = call('GET', KEYS[i])
  if kept then
    local us, f = number(kept), 0
    if not us then
      us, f = string.match(kept, '^(%d+):(%d+)$')
      us, f = number(us) or 0, number(f)
    end
    if us >= now then
      debt, debt_f = us - now, f
      if debt_f >= parts then -- they are those of another quota
        debt, debt_f = debt + 1, 0
      end
      if debt > most + horizon then -- cut here, or it would be cut to a burst each time it is looked at
        debt, debt_f = most, 0
        call('SET', KEYS[i], string.format('%.0f', now + debt), 'PX', math.floor(debt / 1000) + 1)
      end
    end
  end
  reply[at], reply[at + 1] = debt, debt_f

  debt, debt_f = debt + ARGV[arg], debt_f + ARGV[arg + 1]
  if debt_f >= parts then
    debt, debt_f = debt + 1, debt_f - parts
  end
  owed[at], owed[at + 1] = debt, debt_f

  local room, room_f = most + patience - debt, most_f - debt_f
  if room_f < 0 then
    room, room_f = room - 1, room_f + parts
  end
  if room < 0 then
    reply[1] = 0
  elseif more > 0 then
    local cell, cell_f = number(ARGV[arg + 2]), number(ARGV[arg + 3])
    more = math.min(more, math.floor((room + room_f / parts) / (cell + cell_f / parts)))
    while more > 0 do -- the quotient may have been rounded up
      local f = more * cell_f
      local us = more * cell + (f - f % parts) / parts
      if us < room or (us == room and f % parts <= room_f) then
        break
      end
      more = more - 1
    end
  end
end
if reply[1] == 0 then
  return reply
end

reply[2] = more
for i = 1, #KEYS do
  local arg, at = i * 7 - 4, i * 2 + 2
  local debt, debt_f = owed[at], owed[at + 1]
  if more > 0 then
    local parts = number(ARGV[arg + 4])
    local f = debt_f + more * ARGV[arg + 3]
    debt, debt_f = debt + more * ARGV[arg + 2] + (f - f % parts) / parts, f % parts
  end
  reply[at], reply[at + 1] = debt, debt_f

  local ends = string.format('%.0f', now + debt)
  if debt_f > 0 then
    ends = ends .. string.format(':%.0f', debt_f)
  end
  -- Gone when it is paid off: a key that is not there owes nothing.
  call('SET', KEYS[i], ends, 'PX', math.floor(debt / 1000) + 1)
end
return reply
