-- Adds an open report, unless the same user has an open one of the same.
--
-- KEYS  1 reports   hash: 16 digits of a time → JSON
--       2 open      sorted set: a time → 16 digits of it
--       3 resolved  sorted set: the same
--       4 reported  hash: the reporter and the message → 16 digits
-- ARGV  1 value  JSON of the report
--       2 field  of reported
--       3 most   how many open reports there may be
--       4 now    microseconds since 1970; "" for Redis's own clock
-- Returns the time of the report, or 0 where there are too many.
local reports, open, resolved, reported = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local now = tonumber(ARGV[4])

local known = redis.call('HGET', reported, ARGV[2])
if known and redis.call('ZSCORE', open, known) then
  return tonumber(known)
end
if redis.call('ZCARD', open) >= tonumber(ARGV[3]) then
  return 0
end
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000000 + tonumber(time[2])
end
for _, key in ipairs({open, resolved}) do
  local newest = redis.call('ZREVRANGE', key, 0, 0)[1]
  now = math.max(now, tonumber(newest or 0) + 1)
end
local id = string.format('%016.0f', now)
redis.call('HSET', reports, id, ARGV[1])
redis.call('ZADD', open, id, id)
redis.call('HSET', reported, ARGV[2], id)
return now
