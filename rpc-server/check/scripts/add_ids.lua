-- Adds the missing ids of a message to its chat: the two entries that append.lua adds. It changes nothing if a
-- concurrent append has used the id.
--
-- KEYS  1 log       sorted set: position → 16 digits of the position, then the stored message
--       2 ids       sorted set: position → "sender/id", and the same with the text's digest before it
-- ARGV  1 position  of the message
--       2 member    of the log
--       3 id        "sender/id"
--       4 digest    of the text, beginning with "#"
--       5 window    how long an id is recognised, in microseconds
-- Returns how many entries were added: 0 where none is missing, the message is gone or older than the window, or the
-- id belongs to another message by now.
local log, ids = KEYS[1], KEYS[2]
local position, member, id = ARGV[1], ARGV[2], ARGV[3]
local digest, window = ARGV[4], tonumber(ARGV[5])

local time = redis.call('TIME')
local left = tonumber(position) + window - (tonumber(time[1]) * 1000000 + tonumber(time[2]))
local stored = redis.call('ZSCORE', log, member)
if left <= 0 or not stored or tonumber(stored) ~= tonumber(position) then
  return 0
end
local known = redis.call('ZSCORE', ids, id)
if known and tonumber(known) ~= tonumber(position) then
  return 0
end

local added = redis.call('ZADD', ids, 'NX', position, id, position, digest .. id)
local milliseconds = math.ceil(left / 1000)
if redis.call('PTTL', ids) < milliseconds then -- -1 where it has no end
  redis.call('PEXPIRE', ids, string.format('%.0f', milliseconds))
end
return added
