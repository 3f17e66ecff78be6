-- What stands before every script that adds to a chat's log.
--
-- Positions are below 2^53, so doubles hold them exactly; they are printed with '%.0f' because tostring and ..
-- would round them. Redis returns a number as an integer.
local max_position = 9007199254740990 -- 2^53 - 2: the cursor after it is still below 2^53

local function text(n)
  return string.format('%.0f', n)
end

-- clock is the time that was given, or Redis's own where that is "", in microseconds since 1970.
local function clock(given)
  local now = tonumber(given)
  if not now then
    local time = redis.call('TIME')
    now = tonumber(time[1]) * 1000000 + tonumber(time[2])
  end
  return now
end

-- next_position takes a chat's next position, max(now, last + 1), and returns it, or 0 where none is left. It is one call
-- where time has passed since the last message.
local function next_position(activity, chat, now)
  if now > max_position then
    return 0
  end
  if redis.call('ZADD', activity, 'GT', 'CH', text(now), chat) == 1 then
    return now
  end
  local position = tonumber(redis.call('ZINCRBY', activity, 1, chat))
  if position > max_position then
    redis.call('ZINCRBY', activity, -1, chat)
    return 0
  end
  return position
end

-- store returns the entry.
local function store(log, position, message)
  local entry = string.format('%016.0f', position) .. message
  redis.call('ZADD', log, text(position), entry)
  return entry
end

-- trim removes what is older than retention, where that is not 0, and all but the newest max_messages, where that is not.
local function trim(log, now, retention, max_messages)
  if retention > 0 then
    redis.call('ZREMRANGEBYSCORE', log, '-inf', '(' .. text(now - retention))
    redis.call('PEXPIRE', log, text(math.ceil(retention / 1000)))
  else
    redis.call('PERSIST', log) -- it may have an end from a time with retention
  end
  if max_messages > 0 then
    redis.call('ZREMRANGEBYRANK', log, 0, -max_messages - 1)
  end
end

