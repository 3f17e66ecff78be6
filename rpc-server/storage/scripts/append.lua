-- Appends a message to its chat's log: once for each id, at a position after all others.
--
-- KEYS  1 log       sorted set: position → 16 digits of the position, then the stored message
--       2 ids       sorted set: position → "sender/id", and the same with the text's digest before it
--       3 activity  sorted set: newest position of a chat → the chat
--       4 read      hash: reader → cursor; who sends has read all before
-- ARGV  1 chat          canonical id
--       2 message       encoded
--       3 id            "sender/id", or "" where the message has no id
--       4 window        how long an id is recognised, in microseconds
--       5 retention     how long a message is kept, in microseconds; 0 is for ever
--       6 max_messages  how many messages a chat keeps; 0 is all
--       7 now           microseconds since 1970, at least 1: 0 and below mean other things; "" for Redis's own clock
--       8 digest        of the text, beginning with "#", as no sender does; "" where there is no id
--       9 publish       "publish", or "spublish" in a cluster
--      10 channel       of the partition's hints, which a stored message is published on: "chat position"
--      11 sender        whose cursor is moved behind the message
-- Returns one integer: the position   appended
--                      -position      the id was known, with this text: nothing is stored
--                      0              the chat's positions are used up: nothing changed
--                      -2^53          the id was known, with another text: nothing changed
--
-- Positions are below 2^53, so doubles hold them exactly; they are printed with '%.0f' because tostring and ..
-- would round them. Redis returns a number as an integer.
local log, ids, activity, read = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local chat, message, id = ARGV[1], ARGV[2], ARGV[3]
local window, retention = tonumber(ARGV[4]), tonumber(ARGV[5])
local max_messages, now, digest = tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8]
local publish, channel, sender = ARGV[9], ARGV[10], ARGV[11]

local max_position = 9007199254740990 -- 2^53 - 2: the cursor after it is still below 2^53

local function text(n)
  return string.format('%.0f', n)
end

if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000000 + tonumber(time[2])
end

if id ~= '' then
  redis.call('ZREMRANGEBYSCORE', ids, '-inf', '(' .. text(now - window))
  local known = redis.call('ZSCORE', ids, id)
  if known then
    if redis.call('ZSCORE', ids, digest .. id) then
      redis.call('PEXPIRE', ids, text(math.ceil(window / 1000))) -- a write, so that WAIT waits for the copies of the first
      return -tonumber(known)
    end
    return -9007199254740992
  end
end

-- position = max(now, last + 1), in one call where time has passed since the last message
local position = now
if position > max_position then
  return 0
end
if redis.call('ZADD', activity, 'GT', 'CH', text(now), chat) == 0 then
  position = tonumber(redis.call('ZINCRBY', activity, 1, chat))
  if position > max_position then
    redis.call('ZINCRBY', activity, -1, chat)
    return 0
  end
end

local score = text(position)
redis.call('ZADD', log, score, string.format('%016.0f', position) .. message)
if id ~= '' then
  redis.call('ZADD', ids, score, id, score, digest .. id)
  redis.call('PEXPIRE', ids, text(math.ceil(window / 1000)))
end
if retention > 0 then
  redis.call('ZREMRANGEBYSCORE', log, '-inf', '(' .. text(now - retention))
  redis.call('PEXPIRE', log, text(math.ceil(retention / 1000)))
else
  redis.call('PERSIST', log) -- it may have an end from a time with retention
end
if max_messages > 0 then
  redis.call('ZREMRANGEBYRANK', log, 0, -max_messages - 1)
end
local stands = redis.call('HGET', read, sender)
if not stands or tonumber(stands) <= position then -- never back: a reader may have said that she is further
  redis.call('HSET', read, sender, text(position + 1))
end
redis.pcall(publish, channel, chat .. ' ' .. score) -- it is a hint only: a user who may not publish may store
return position
