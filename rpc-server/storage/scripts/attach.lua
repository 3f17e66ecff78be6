-- Stores a new attachment.
--
-- KEYS  1 attachments  hash: attachment → its metadata
--       2 look         sorted set: when to look at it, in microseconds → "<chat> <attachment>"
-- ARGV  1 attachment
--       2 value
--       3 entry        "<chat> <attachment>"
--       4 at           when to look at it
-- Returns 1.
redis.call('ZADD', KEYS[2], ARGV[4], ARGV[3])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
