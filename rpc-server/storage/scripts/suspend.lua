-- Suspends a user, and keeps the entry of it.
--
-- KEYS  1 suspended  hash: user → "since JSON"; "" → version
--       2 log        sorted set: the audit log of services
--       3 other      sorted set: that of users
-- ARGV  1 user
--       2 value      the JSON that is kept of the suspension
--       3 entry      of the audit log
--       4 keep       entries of the audit log
--       5 now        microseconds since 1970; "" for Redis's own clock
-- Returns since when the user is suspended. A user with the same value stays as before, without an entry.
local suspended, log, other = KEYS[1], KEYS[2], KEYS[3]
local user, value, entry, keep, now = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])

local since, known = string.match(redis.call('HGET', suspended, user) or '', '^(%d+) (.*)$')
if known == value then
  return tonumber(since)
end
local at = audit(log, other, entry, keep, now)
since = tonumber(since) or at
redis.call('HSET', suspended, user, string.format('%.0f', since) .. ' ' .. value, '', string.format('%.0f', at))
return since
