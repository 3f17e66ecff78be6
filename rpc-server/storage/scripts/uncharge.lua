-- Ends the count of a file for its user, once.
--
-- KEYS  1 files  hash: attachment → "bytes chat"; "" → the sum of the bytes
-- ARGV  1 attachment
-- Returns 1 where the file was counted, else 0.
local value = redis.call('HGET', KEYS[1], ARGV[1])
if not value then
  return 0
end
redis.call('HDEL', KEYS[1], ARGV[1])
if redis.call('HLEN', KEYS[1]) == 1 then
  redis.call('DEL', KEYS[1])
  return 1
end
local sum = tonumber(redis.call('HGET', KEYS[1], '') or 0) - tonumber(string.match(value, '^%d+'))
redis.call('HSET', KEYS[1], '', string.format('%.0f', sum))
return 1
