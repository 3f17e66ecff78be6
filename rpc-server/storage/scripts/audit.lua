-- The function of the scripts that keep an entry of the audit log.

-- Adds an entry to a log at now, or just after the newest one of it and of the other log, and removes the oldest of the log
-- beyond keep. Returns when it is.
local function audit(log, other, entry, keep, now)
  if not now then
    local time = redis.call('TIME')
    now = tonumber(time[1]) * 1000000 + tonumber(time[2])
  end
  local at = now
  for _, key in ipairs({log, other}) do
    local newest = redis.call('ZREVRANGE', key, 0, 0, 'WITHSCORES')[2]
    at = math.max(at, tonumber(newest or 0) + 1)
  end
  redis.call('ZADD', log, string.format('%.0f', at), string.format('%016.0f', at) .. entry)
  redis.call('ZREMRANGEBYRANK', log, 0, -keep - 1)
  return at
end
