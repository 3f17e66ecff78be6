-- Deletes an account and its sessions, for good. The remaining key keeps the name from being registered again.
--
-- KEYS  1 account   hash: hash, name, created; or only deleted, and perhaps kept
--       2 sessions  hash: session → what is kept of it
-- ARGV  1 now       microseconds since 1970; "" for Redis's own clock
-- Returns when the account was deleted.
local account, sessions = KEYS[1], KEYS[2]
local now = tonumber(ARGV[1])

local known = tonumber(redis.call('HGET', account, 'deleted') or nil)
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000000 + tonumber(time[2])
end
redis.call('HDEL', account, 'hash', 'name', 'created')
redis.call('DEL', sessions)
redis.call('HSET', account, 'deleted', string.format('%.0f', known or now))
return known or now
