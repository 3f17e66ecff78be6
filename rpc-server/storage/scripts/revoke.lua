-- Records that a user was deleted, so that the user's access tokens are refused. Removes users whose tokens have all expired.
--
-- KEYS  1 revoked  sorted set: when, in microseconds since 1970 → user
-- ARGV  1 user
--       2 keep     for how long to note it, in microseconds
--       3 now      microseconds since 1970; "" for Redis's own clock
-- Returns now.
local revoked, user, keep, now = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])

if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000000 + tonumber(time[2])
end
redis.call('ZREMRANGEBYSCORE', revoked, '-inf', string.format('(%.0f', now - keep))
redis.call('ZADD', revoked, string.format('%.0f', now), user)
return now
