-- Reads the positions by which an inbox sorts a user's chats in one partition.
--
-- KEYS  1 activity  sorted set: newest position of a chat → the chat
--       2…          of each chat the hash read, reader → cursor; of a room members too, user → "role since"
-- ARGV  1 reader    the reader of the cursors
--       2 user      the reader's
--       3…          the chats, in the order of their hashes
-- Returns the time in seconds and the microseconds beside them, and then for each chat three strings: the position of
-- its newest message, the reader's cursor, and the user's value as a member. "" stands for none.
local activity, reader, user = KEYS[1], ARGV[1], ARGV[2]

local found = redis.call('TIME')
local positions = {}
for i = 3, #ARGV, 1000 do -- no more can be handed over at once than Lua's stack takes
  for _, position in ipairs(redis.call('ZMSCORE', activity, unpack(ARGV, i, math.min(i + 999, #ARGV)))) do
    positions[#positions + 1] = position
  end
end
local key = 2
for i = 3, #ARGV do
  local chat, member = ARGV[i], ''
  found[#found + 1] = positions[i - 2] or ''
  found[#found + 1] = redis.call('HGET', KEYS[key], reader) or ''
  if not string.find(chat, ':', 1, true) then
    key = key + 1
    member = redis.call('HGET', KEYS[key], user) or ''
  end
  found[#found + 1] = member
  key = key + 1
end
return found
