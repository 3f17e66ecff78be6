-- Marks a room in a user's list as one that the user has left, unless it was put into the list again.
--
-- KEYS  1 rooms   sorted set: when the room was put there, in microseconds since 1970, or -1 where the user has left it → the
--                 room
-- ARGV  1 room    id
--       2 listed  when it was put there, as far as is known
--       3 recent  a room that was listed since then stays: the user may be about to become a member
-- Returns 1 if it was removed, else 0.
local rooms, room = KEYS[1], ARGV[1]
local listed, recent = tonumber(ARGV[2]), tonumber(ARGV[3])

local known = tonumber(redis.call('ZSCORE', rooms, room) or -1)
if known ~= listed or known >= recent then
  return 0
end
redis.call('ZADD', rooms, -1, room)
return 1
