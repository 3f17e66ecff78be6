-- Reads the message that a change is about, and all that decides whether it may be made.
--
-- log.lua, restraint.lua and change.lua come before it.
-- KEYS  1 log        sorted set: position → 16 digits of the position, then the stored message
--       2 ids        sorted set: position → "sender/id", and the same with the digest before it
--       3 room       hash: visibility, …
--       4 members    hash: user → "role since"
--       5 reactions  sorted set: 1 → 16 digits of a position, then "emoji user"
-- ARGV  1 now        microseconds since 1970; "" for Redis's own clock
--       2 window     how long an id is recognised, in microseconds
--       3 position   of the message, as 16 digits
--       4 oldest     the first position that retention has not removed
--       5 id         "sender/id" of the change, or ""
--       6 digest     of the change
--       7 member     must be a member of a private room; "" is no check
--       8 exists     "1": the room must exist
--       9 sender     whose role is read; "" reads none: that field has the rules of the room
--       10 emoji     whose users are read, or ""
--       11 few       how many of them
--       12 speaks    "1": a muted member may not make the change
-- Returns  1 outcome  0, or the position of an earlier change with the id, or an outcome of change.lua
--          2 now
--          3 member   of the log, or ""
--          4 role     "role since" of the sender, or ""
--          5 reacted  1 where the sender is one of the emoji's users, else 0
--          6 count    of the emoji's users
--          7 users    the first few of them
local now = clock(ARGV[1])
local position = ARGV[3]

local outcome = admit(KEYS[3], KEYS[4], ARGV[7], ARGV[8] == '1', ARGV[12] == '1', now)
  or recognise(KEYS[2], ARGV[5], ARGV[6], now - tonumber(ARGV[2])) or 0
if outcome ~= 0 then
  return {outcome, now, '', '', 0, 0, {}}
end
local member = ''
if tonumber(position) >= tonumber(ARGV[4]) then
  member = call('ZRANGE', KEYS[1], position, position, 'BYSCORE', 'LIMIT', 0, 1)[1] or ''
end
local reacted, count, users = 0, 0, {}
if ARGV[10] ~= '' then
  local prefix = position .. ARGV[10] .. ' '
  local from, to = '[' .. prefix, '(' .. prefix .. '\255' -- no name has such a byte
  reacted = call('ZSCORE', KEYS[5], prefix .. ARGV[9]) and 1 or 0
  count = call('ZLEXCOUNT', KEYS[5], from, to)
  for i, reaction in ipairs(call('ZRANGE', KEYS[5], from, to, 'BYLEX', 'LIMIT', 0, ARGV[11])) do
    users[i] = sub(reaction, #prefix + 1)
  end
end
local role = ARGV[9] ~= '' and call('HGET', KEYS[4], ARGV[9]) or ''
return {0, now, member, role, reacted, count, users}
