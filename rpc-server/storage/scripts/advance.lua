-- Moves a reader's cursor in a chat: forward, or with force to wherever it is said; never past the chat's end.
--
-- KEYS  1 read      hash: reader → cursor
--       2 activity  sorted set: newest position of a chat → the chat
--       3 chats     sorted set: 0, a time or -1 → a chat of the reader's; only where the user's list may not have this one yet, and
--                   there is no cluster. Where nothing was ever said it is not added
-- ARGV  1 reader   the reader
--       2 cursor   all before it is read
--       3 force    "1": the cursor may move back
--       4 publish  "publish", or "spublish" in a cluster
--       5 channel  of the partition's news
--       6 before   the event that the reader is at the cursor, encoded, up to the cursor's eight bytes; it is published
--                  where the cursor has moved
--       7 after    what comes after them
--       8 chat     canonical id
--       9 listed   its score in chats
--      10 devices  how many of a user may have a cursor in the chat
-- Returns the cursor, or -1 if it would be that of a new device of a user who has the maximum of devices. The end is
-- one past the newest position, even if that message has expired. It is 0 if the chat never had a message.
local read, activity, reader, cursor, force = KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1'
local publish, channel, before, after, chat = ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8]

-- The number in eight bytes, the highest first; numbers below 2^53 are exact.
local function bytes(number)
  local eight = {}
  for i = 8, 1, -1 do
    eight[i] = string.char(number % 256)
    number = math.floor(number / 256)
  end
  return table.concat(eight)
end

local known = tonumber(redis.call('HGET', read, reader) or 0) or 0
local newest = redis.call('ZSCORE', activity, chat)
if KEYS[3] and newest then -- where nothing was ever said nothing is read; whatever lies there, the cursor is moved
  redis.pcall('ZADD', KEYS[3], 'NX', ARGV[9], chat)
end
local last, stood = 0, known
if newest then
  last = tonumber(newest) + 1
  stood = math.min(known, last) -- earlier releases let a cursor stand past the end, where nothing ever is unread
end
cursor = math.min(cursor, last)
if not force then
  cursor = math.max(cursor, stood)
end
if cursor == known then
  return known
end
local slash = string.find(reader, '/', 1, true)
if slash and redis.call('HEXISTS', read, reader) == 0 then -- a new device
  local mine, devices = string.sub(reader, 1, slash), 0
  for _, other in ipairs(redis.call('HKEYS', read)) do
    if string.sub(other, 1, slash) == mine then
      devices = devices + 1
    end
  end
  if devices >= tonumber(ARGV[10]) then
    return -1
  end
end
redis.call('HSET', read, reader, string.format('%.0f', cursor))
redis.pcall(publish, channel, before .. bytes(cursor) .. after) -- a user who may not publish may still read
return cursor
