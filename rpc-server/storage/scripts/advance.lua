-- Moves a reader's cursor in a chat forward, never back.
--
-- KEYS  1 read     hash: reader → cursor
--       2 chats    sorted set: 0, a time or -1 → a chat of the reader's; only where her list may not have this one yet, and
--                  there is no cluster
-- ARGV  1 reader   who has read
--       2 cursor   all before it is read
--       3 publish  "publish", or "spublish" in a cluster
--       4 channel  of the partition's news
--       5 event    encoded: that the reader is at cursor; published where the cursor has moved
--       6 chat     canonical id
--       7 listed   its score in chats
-- Returns where the cursor stands.
local read, reader, cursor = KEYS[1], ARGV[1], ARGV[2]
local publish, channel, event = ARGV[3], ARGV[4], ARGV[5]

if KEYS[2] then -- whatever lies there, the cursor is moved
  redis.pcall('ZADD', KEYS[2], 'NX', ARGV[7], ARGV[6])
end
local known = tonumber(redis.call('HGET', read, reader) or 0) or 0 -- numbers below 2^53 are exact
if tonumber(cursor) <= known then
  return known
end
redis.call('HSET', read, reader, cursor)
redis.pcall(publish, channel, event) -- a user who may not publish may still read
return tonumber(cursor)
