-- Reads the registered words, if they have changed.
--
-- KEYS  words  hash
-- ARGV  known  the version that the caller has
-- Returns {version, clock in microseconds, field, value...}; without fields if the version is known.
local words, known = KEYS[1], ARGV[1]

local time = redis.call('TIME')
local version = redis.call('HGET', words, 'version') or '0'
local answer = {version, string.format('%.0f', time[1] * 1000000 + time[2])}
if version ~= known then
  for _, value in ipairs(redis.call('HGETALL', words)) do
    answer[#answer + 1] = value
  end
end
return answer
