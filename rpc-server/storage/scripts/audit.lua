-- The function of the scripts that keep an entry of the audit log.

-- Adds an entry at now, or just after the newest one, and removes the oldest beyond keep. Returns when it is.
local function audit(log, entry, keep, now)
  if not now then
    local time = redis.call('TIME')
    now = tonumber(time[1]) * 1000000 + tonumber(time[2])
  end
  local newest = redis.call('ZREVRANGE', log, 0, 0, 'WITHSCORES')[2]
  local at = math.max(now, tonumber(newest or 0) + 1)
  redis.call('ZADD', log, string.format('%.0f', at), string.format('%016.0f', at) .. entry)
  redis.call('ZREMRANGEBYRANK', log, 0, -keep - 1)
  return at
end
