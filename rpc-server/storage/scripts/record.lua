-- Adds an entry to the audit log.
--
-- KEYS  1 log    sorted set: the audit log
-- ARGV  1 entry
--       2 keep   entries of the log
--       3 now    microseconds since 1970; "" for Redis's own clock
-- Returns when the entry is.
local log = KEYS[1]
local entry, keep, now = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])

return audit(log, entry, keep, now)
