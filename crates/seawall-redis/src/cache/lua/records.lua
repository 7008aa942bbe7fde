local time = call('TIME')
local now = time[1] * 1000000 + time[2]

-- The string there, if it is one: what another program made of a key is nothing here.
local function text(key)
  local found = redis.pcall('GET', key)
  return type(found) == 'string' and found
end

-- Whether none of the tags that a record has at 65 was invalidated after `mark`.
local function none_later(mark, record, tags)
  local places = {}
  for i = 1, tags do
    places[i] = read('>I2', record, 64 + 8 * i) % PLACES
  end
  for _, last in ipairs(call('HMGET', state, unpack(places))) do
    if last and number(last) > mark then
      return false
    end
  end
  return true
end
