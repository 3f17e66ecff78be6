-- Takes a room from a user's list, unless it was put there again.
--
-- KEYS  1 rooms   sorted set: when the room was put there, in microseconds since 1970 → the room
-- ARGV  1 room    id
--       2 listed  when it was put there, as far as is known
--       3 recent  a room that was put there since then stays: who did so may be about to make the user a member
-- Returns 1 where it was taken, else 0.
local rooms, room = KEYS[1], ARGV[1]
local listed, recent = tonumber(ARGV[2]), tonumber(ARGV[3])

local known = tonumber(redis.call('ZSCORE', rooms, room) or -1)
if known ~= listed or known >= recent then
  return 0
end
return redis.call('ZREM', rooms, room)
