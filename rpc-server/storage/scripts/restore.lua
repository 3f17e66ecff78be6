-- Ends the suspension of a user, and keeps the entry of it.
--
-- KEYS  1 suspended  hash: user → "since JSON"; "" → version
--       2 log        sorted set: the audit log of services
--       3 other      sorted set: that of users
-- ARGV  1 user
--       2 entry      of the audit log
--       3 keep       entries of the audit log
--       4 now        microseconds since 1970; "" for Redis's own clock
-- Returns 1, or 0 where the user is not suspended: nothing changed.
local suspended, log, other = KEYS[1], KEYS[2], KEYS[3]
local user, entry, keep, now = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

if redis.call('HDEL', suspended, user) == 0 then
  return 0
end
redis.call('HSET', suspended, '', string.format('%.0f', audit(log, other, entry, keep, now)))
return 1
