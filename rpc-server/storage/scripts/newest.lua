-- Reads what an inbox is sorted by, of a user's chats in one partition.
--
-- KEYS  1 activity  sorted set: newest position of a chat → the chat
--       2…          read, a hash for each chat: reader → cursor
-- ARGV  1 reader    whose cursors are wanted
--       2…          the chats, in the order of their hashes
-- Returns for each chat two strings: the position of its newest message, then the reader's cursor. "" is none.
local activity, reader = KEYS[1], ARGV[1]

local found = {}
for i = 2, #KEYS do
  found[#found + 1] = redis.call('ZSCORE', activity, ARGV[i]) or ''
  found[#found + 1] = redis.call('HGET', KEYS[i], reader) or ''
end
return found
