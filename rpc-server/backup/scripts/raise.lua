-- Begins the import of a chat's messages: from now on, servers give positions above the newest of them.
--
-- KEYS  1 activity  sorted set: newest position of a chat → the chat
--       2 log       sorted set: position → 16 digits of the position, then the stored message
-- ARGV  1 chat      canonical id
--       2 newest    position that the chat's activity must reach
--       3 known     the activity when the log was compared with the messages; 0 for none
-- Returns 1, or 0 where messages came meanwhile at positions that the import may have too: compare again.
local activity, log, chat, newest, known = KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3]

if redis.call('ZCOUNT', log, '(' .. known, newest) > 0 and tonumber(redis.call('ZSCORE', activity, chat) or 0) > tonumber(known) then
  return 0
end
redis.call('ZADD', activity, 'GT', newest, chat)
return 1
