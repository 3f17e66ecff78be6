-- Leases the attachments that are due for a check.
--
-- KEYS  1 look   sorted set: when to look at it, in microseconds → "<chat> <attachment>"
-- ARGV  1 now    in microseconds
--       2 again  the time of the next check if the caller fails
--       3 limit
-- Returns the entries.
local due = redis.call('ZRANGE', KEYS[1], '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, ARGV[3])
for i = 1, #due do
  redis.call('ZADD', KEYS[1], ARGV[2], due[i])
end
return due
