-- Replaces an open report by its resolved form, and adds its entry to the audit log.
--
-- audit.lua comes before it.
-- KEYS  1 reports, 2 open, 3 resolved, 4 reported   as report.lua's
--       5 log    sorted set: the audit log of services
--       6 other  sorted set: that of users
-- ARGV  1 id     16 digits of the report
--       2 value  JSON of what it becomes, with a mark where the time is
--       3 mark
--       4 field  of reported
--       5 entry  of the audit log
--       6 keep   entries of the audit log, and resolved reports
--       7 now    microseconds since 1970; "" for Redis's own clock
-- Returns when, or 0 where the report is not open.
local reports, open, resolved, reported = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, value, mark, keep = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[6])

if redis.call('ZREM', open, id) == 0 then
  return 0
end
local at = audit(KEYS[5], KEYS[6], ARGV[5], keep, tonumber(ARGV[7]))
local from, to = string.find(value, mark, 1, true)
redis.call('HSET', reports, id, string.sub(value, 1, from - 1) .. string.format('%.0f', at) .. string.sub(value, to + 1))
redis.call('HDEL', reported, ARGV[4])
redis.call('ZADD', resolved, id, id)
local oldest = redis.call('ZRANGE', resolved, 0, -keep - 1)
for _, gone in ipairs(oldest) do
  redis.call('HDEL', reports, gone)
  redis.call('ZREM', resolved, gone)
end
return at
