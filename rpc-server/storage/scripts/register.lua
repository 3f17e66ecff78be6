-- Keeps an account, unless the user has one, or had one that was deleted.
--
-- KEYS  1 account  hash: hash, name, created; or only deleted
-- ARGV  1 hash     of the password
--       2 name     for people
--       3 now      microseconds since 1970; "" for Redis's own clock
-- Returns created, or 0 where the user has an account: nothing changed.
local account = KEYS[1]
local hash, name, now = ARGV[1], ARGV[2], tonumber(ARGV[3])

if redis.call('EXISTS', account) == 1 then
  return 0
end
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000000 + tonumber(time[2])
end
redis.call('HSET', account, 'hash', hash, 'name', name, 'created', string.format('%.0f', now))
return now
