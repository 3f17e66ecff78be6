-- Stores an attachment that is not there.
--
-- KEYS  1 attachments  hash: attachment → its metadata
--       2 lookat       sorted set: when to look at it, in microseconds → "<chat> <attachment>"
-- ARGV  1 attachment
--       2 value
--       3 entry        "<chat> <attachment>"
--       4 at           when to look at it
-- Returns 1 if it was missing, else 0.
if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 0 then
  return 0
end
redis.call('ZADD', KEYS[2], ARGV[4], ARGV[3])
return 1
