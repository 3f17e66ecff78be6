-- Removes a registered word.
--
-- KEYS  words  hash
-- ARGV  field  of the word
-- Returns 1, or 0 if it is not registered.
local words, field = KEYS[1], ARGV[1]
local call = redis.call

if call('HDEL', words, field) == 0 then
  return 0
end
local time = call('TIME')
local version = math.max(time[1] * 1000000 + time[2], tonumber(call('HGET', words, 'version') or 0) + 1)
call('HSET', words, 'version', string.format('%.0f', version))
return 1
