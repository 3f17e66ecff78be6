-- Replaces the state of an attachment that still is as it was read.
--
-- KEYS  1 attachments  hash: attachment → its state, a letter, and more
-- ARGV  1 attachment
--       2 was          the value that was read
--       3 state        the new one
-- Returns 1 if it was in that state, else 0.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3] .. string.sub(ARGV[2], 2))
return 1
