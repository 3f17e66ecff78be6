-- Adds an entry to the audit log.
--
-- KEYS  1 log    sorted set: the audit log of services, or of users
--       2 other  sorted set: the other one
-- ARGV  1 entry
--       2 keep   entries of the log
--       3 now    microseconds since 1970; "" for Redis's own clock
-- Returns when the entry is.
local log, other = KEYS[1], KEYS[2]
local entry, keep, now = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])

return audit(log, other, entry, keep, now)
