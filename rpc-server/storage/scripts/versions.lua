-- Reads a message, its earlier texts, and all that decides who may read them.
--
-- log.lua, restraint.lua and change.lua come before it.
-- KEYS  1 log      sorted set: position → 16 digits of the position, then the stored message
--       2 room     hash: visibility, …
--       3 members  hash: user → "role since"
--       4 edits    sorted set: 0 → 16 digits of a message's position, 16 digits of a version's, then its text
-- ARGV  1 now       microseconds since 1970; "" for Redis's own clock
--       2 position  of the message, as 16 digits
--       3 oldest    the first position that retention has not removed
--       4 member    must be a member of a private room; "" is no check
--       5 exists    "1": the room must exist
--       6 from      the least member of edits
--       7 limit     of earlier texts
-- Returns  1 outcome  0, or an outcome of change.lua
--          2 member   of the log, or ""
--          3 role     "role since" of the member, or ""
--          4 earlier  members of edits
local position, user = ARGV[2], ARGV[4]

local refused = admit(KEYS[2], KEYS[3], user, ARGV[5] == '1', false, clock(ARGV[1]))
if refused then
  return {refused, '', '', {}}
end
local member, role, earlier = '', '', {}
if tonumber(position) >= tonumber(ARGV[3]) then
  member = call('ZRANGE', KEYS[1], position, position, 'BYSCORE', 'LIMIT', 0, 1)[1] or ''
end
if user ~= '' then
  role = call('HGET', KEYS[3], user) or ''
end
if member ~= '' and (user == '' or is_admin(role)) then
  earlier = call('ZRANGE', KEYS[4], '[' .. ARGV[6], '(' .. position .. ':', 'BYLEX', 'LIMIT', 0, ARGV[7])
end
return {0, member, role, earlier}
