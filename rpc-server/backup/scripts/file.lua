-- Counts a file for its user, once.
--
-- KEYS  1 files  hash: attachment → "bytes chat"; "" → the sum of the bytes
-- ARGV  1 attachment
--       2 value  "bytes chat"
--       3 bytes
-- Returns 1 if it was not counted yet, else 0.
if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 0 then
  return 0
end
redis.call('HINCRBY', KEYS[1], '', ARGV[3])
return 1
