-- Removes the metadata of an attachment and its next check.
--
-- KEYS  1 attachments  hash: attachment → its metadata
--       2 look         sorted set: when to look at it → "<chat> <attachment>"
-- ARGV  1 attachment   or "" for the mark of a whole chat
--       2 entry        "<chat> <attachment>"
-- Returns 1.
if ARGV[1] ~= '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
end
redis.call('ZREM', KEYS[2], ARGV[2])
return 1
