-- Replaces messages of a log that have not gone meanwhile, each at its position.
--
-- KEYS  1 log   sorted set: position → 16 digits of the position, then the stored message
-- ARGV  pairs   of a member, and what it becomes; both begin with the same 16 digits
-- Returns how many were replaced.
local log = KEYS[1]

local replaced = 0
for i = 1, #ARGV, 2 do
  if redis.call('ZREM', log, ARGV[i]) == 1 then
    redis.call('ZADD', log, string.sub(ARGV[i + 1], 1, 16), ARGV[i + 1])
    replaced = replaced + 1
  end
end
return replaced
