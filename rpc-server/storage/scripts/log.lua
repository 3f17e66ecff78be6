-- Fragment: a chat's log. It stands before every script that adds to one.
--
-- Positions are below 2^53, so doubles hold them exactly. They are printed with a format, because tostring and ..
-- would round them. Redis returns a number as an integer.
local call, pcall = redis.call, redis.pcall -- a local is found faster than a field of a global
local byte, format, sub = string.byte, string.format, string.sub

local max_position = 9007199254740990 -- 2^53 - 2: the cursor after it is still below 2^53

local function text(n)
  return format('%.0f', n)
end

-- clock returns the given time, or Redis's own where it is "", in microseconds since 1970.
local function clock(given)
  local now = tonumber(given)
  if not now then
    local time = call('TIME')
    now = tonumber(time[1]) * 1000000 + tonumber(time[2])
  end
  return now
end

-- position_after returns the position of a message that comes after before, which is the chat's score in activity or
-- false: max(now, before + 1), or nil where no position is left.
local function position_after(before, now)
  local position = now
  if before then
    local last = tonumber(before)
    if last >= now then
      position = last + 1
    end
  end
  if position <= max_position then
    return position
  end
end

-- digits is a position as the first 16 bytes of a log's member. It is also the member's score.
local function digits(position)
  return format('%016.0f', position)
end

-- trim removes messages that are older than retention and all but the newest max_messages. 0 removes nothing.
local function trim(log, now, retention, max_messages)
  if retention > 0 then
    call('ZREMRANGEBYSCORE', log, '-inf', '(' .. text(now - retention))
    call('PEXPIRE', log, text(math.ceil(retention / 1000)))
  else
    call('PERSIST', log) -- it may expire because of an earlier setting
  end
  if max_messages > 0 then
    call('ZREMRANGEBYRANK', log, 0, -max_messages - 1)
  end
end

