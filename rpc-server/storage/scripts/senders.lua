-- Finds the senders of the newest entries of a chat below a position, for a caller who shows only some senders.
--
-- KEYS  1 log      sorted set: position → 16 digits of the position, then the stored message
--       2 members  hash: user → "role since"; where the chat is a room
-- ARGV  1 oldest   the first position that retention has not removed
--       2 below    the position from which to look back, exclusive
--       3 user     must be a member, if the chat is a room
-- Returns the position of the last entry that was read, or "" at the end of the log. The name and the newest position
-- of each sender follow. The sender "" is that of a notice, or of a damaged entry.
--
-- At most a hundred entries are read. entry.lua comes before it.
local oldest, below, user = ARGV[1], ARGV[2], ARGV[3]
local part = 100

if KEYS[2] and redis.call('HEXISTS', KEYS[2], user) == 0 then
  return {''}
end
local found = redis.call('ZRANGE', KEYS[1], '(' .. below, oldest, 'BYSCORE', 'REV', 'LIMIT', 0, part)
local answer, seen = {''}, {}
if #found == part then
  answer[1] = sub(found[part], 1, 16)
end
for _, stored in ipairs(found) do
  local sender, kind = head(stored)
  if not sender or kind == kind_notice then
    sender = ''
  end
  if not seen[sender] and kind ~= kind_change and kind ~= kind_deletion then
    seen[sender] = true
    answer[#answer + 1] = sender
    answer[#answer + 1] = sub(stored, 1, 16)
  end
end
return answer
