-- Suspends a user, unless the user is suspended, so that running servers see it.
--
-- KEYS  1 suspended  hash: user → "since JSON"; "" → version: the time of the last change, in microseconds since 1970
-- ARGV  1 user
--       2 value      of the user
-- Returns 1, or 0 where the user is suspended: nothing changed.
local suspended = KEYS[1]
local user, value = ARGV[1], ARGV[2]

if redis.call('HSETNX', suspended, user, value) == 0 then
  return 0
end
local time = redis.call('TIME')
local version = tonumber(redis.call('HGET', suspended, '') or 0)
redis.call('HSET', suspended, '', string.format('%.0f', math.max(version + 1, time[1] * 1000000 + time[2])))
return 1
