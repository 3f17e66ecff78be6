-- Removes users without push subscriptions from the list of those who have some, unless they were listed of late: a
-- subscription may be on its way.
--
-- KEYS  1 pushed  sorted set: when it was listed, in microseconds since 1970 → a user
-- ARGV  1 before  only users listed before this time
--       2…        the users
-- Returns how many were removed.
local pushed, before = KEYS[1], tonumber(ARGV[1])

local removed = 0
for i = 2, #ARGV do
  local listed = tonumber(redis.call('ZSCORE', pushed, ARGV[i]) or nil)
  if listed and listed < before then
    removed = removed + redis.call('ZREM', pushed, ARGV[i])
  end
end
return removed
