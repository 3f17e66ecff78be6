-- Counts a file for its user, once, unless there would be too many bytes.
--
-- KEYS  1 files  hash: attachment → "bytes chat"; "" → the sum of the bytes
-- ARGV  1 attachment
--       2 value  "bytes chat"
--       3 bytes
--       4 quota  the largest sum; 0 is any
-- Returns 1 where the file is counted, else 0.
local bytes, quota = tonumber(ARGV[3]), tonumber(ARGV[4])
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then
  return 1
end
local sum = tonumber(redis.call('HGET', KEYS[1], '') or 0) + bytes
if quota > 0 and sum > quota then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2], '', string.format('%.0f', sum))
return 1
