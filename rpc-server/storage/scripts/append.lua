-- Appends a batch of plain messages: no ids, listed chats, senders who need no check.
--
-- log.lua and append_one.lua come before it.
-- KEYS  for each message two:
--       activity  sorted set: newest position of a chat → the chat
--       log       sorted set: position → 16 digits of the position, then the stored message
-- ARGV  7 of append_one.lua, then for each message one: encoded
-- Returns an integer for each message: its position, or an outcome of append_one.lua. Then the results of
-- with_followers.
local KEYS, ARGV = KEYS, ARGV
local results = {}
for i = 0, #KEYS / 2 - 1 do
  results[i + 1] = append_one(KEYS[2 * i + 1], KEYS[2 * i + 2], ARGV[8 + i], false, i)
  if refusal then
    return refusal
  end
end
return with_followers(results)
