-- Fragment: a chat's log. It precedes every script that adds to one.
--
-- Positions are below 2^53, so doubles hold them exactly. They are printed with a format, because tostring and .. would
-- round them. Redis returns a number as an integer.
local call, pcall = redis.call, redis.pcall -- a local is found faster than a field of a global
local byte, format, sub = string.byte, string.format, string.sub

local max_position = 9007199254740990 -- 2^53 - 2: the cursor after it is still below 2^53

local function text(n)
  return format('%.0f', n)
end

-- clock returns the given time, or Redis's own for "", in microseconds since 1970.
local function clock(given)
  local now = tonumber(given)
  if not now then
    local time = call('TIME')
    now = tonumber(time[1]) * 1000000 + tonumber(time[2])
  end
  return now
end

-- position_after returns the position of the message after before: max(now, before + 1), or nil where no position is
-- left. before is the chat's score in activity, or false.
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

-- last_position returns the position that the next message of a chat must exceed, or false. For a chat that activity
-- does not have, it is the highest of the partition's dropped chats: this may be one of them.
local function last_position(activity, chat)
  local newest = call('ZSCORE', activity, chat)
  if newest then
    return newest
  end
  local dropped = pcall('HGET', sub(activity, 1, -9) .. 'dropped', '')
  return type(dropped) == 'string' and dropped
end

-- digits formats a position as the first 16 bytes of a log's member. The position is also the member's score.
local function digits(position)
  return format('%016.0f', position)
end

-- trim removes messages older than retention, and all but the newest max_messages. 0 removes nothing.
local function trim(log, now, retention, max_messages)
  if retention > 0 then
    call('ZREMRANGEBYSCORE', log, '-inf', '(' .. text(now - retention))
    call('PEXPIRE', log, text(math.ceil(retention / 1000)))
  else
    call('PERSIST', log) -- an earlier setting may have set an expiry
  end
  if max_messages > 0 then
    call('ZREMRANGEBYRANK', log, 0, -max_messages - 1)
  end
end

