-- Appends a batch of plain messages: without ids, in chats that are listed, from senders who may send.
--
-- log.lua and append_one.lua come before it.
-- KEYS  of each message two:
--       activity  sorted set: newest position of a chat → the chat
--       log       sorted set: position → 16 digits of the position, then the stored message
-- ARGV  7 of append_one.lua, then of each message one: encoded
-- Returns an integer for each message: its position, or an outcome of append_one.lua. Then as with_followers has it.
local KEYS, ARGV = KEYS, ARGV
local results = {}
for i = 0, #KEYS / 2 - 1 do
  results[i + 1] = append_one(KEYS[2 * i + 1], KEYS[2 * i + 2], ARGV[8 + i], false, i)
  if refusal then
    return refusal
  end
end
return with_followers(results)
