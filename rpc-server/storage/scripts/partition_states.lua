-- Returns the clock, in microseconds, and then the newest position of each of some partitions, or 0.
--
-- KEYS  activity of each partition
local time = redis.call('TIME')
local newest = {tonumber(time[1]) * 1000000 + tonumber(time[2])}
for i, activity in ipairs(KEYS) do
  local last = redis.call('ZREVRANGE', activity, 0, 0, 'WITHSCORES')
  newest[i + 1] = last[2] and tonumber(last[2]) or 0
end
return newest
