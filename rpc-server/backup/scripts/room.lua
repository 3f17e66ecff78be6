-- Stores a room with its members, unless there is one.
--
-- KEYS  1 room      hash: visibility, name, created, admins and more; see rpc-server/storage/scripts/room.lua
--       2 members   hash: user → "role since"; "" → the room's rules
--       3 barred    hash: the room's bans and mutes
-- ARGV  1 expires   when a deleted room's hash expires, in milliseconds since 1970; 0 is never
--       2 fields    how many values of the room's hash follow after the next
--       3 barred    how many values of barred follow them; then those of members
-- Returns 1: stored; 0: this room is there already; -1: another room has the id.
local room, members, barred = KEYS[1], KEYS[2], KEYS[3]
local expires, n, bars = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])

local function field(name)
  for i = 4, n + 3, 2 do
    if ARGV[i] == name then
      return ARGV[i + 1]
    end
  end
end
if redis.call('EXISTS', room) == 1 then
  local visibility = redis.call('HGET', room, 'visibility')
  if field('visibility') == 'deleted' or
    visibility ~= 'deleted' and redis.call('HGET', room, 'created') == field('created') then
    return 0
  end
  return -1
end
for i = 4, n + 3, 2 do
  redis.call('HSET', room, ARGV[i], ARGV[i + 1])
end
for i = n + 4, n + bars + 3, 2 do
  redis.call('HSET', barred, ARGV[i], ARGV[i + 1])
end
for i = n + bars + 4, #ARGV, 2 do
  redis.call('HSET', members, ARGV[i], ARGV[i + 1])
end
if expires ~= '0' then
  redis.call('PEXPIREAT', room, expires)
end
return 1
