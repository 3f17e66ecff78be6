-- Moves a reader's cursor in a chat forward, never back.
--
-- KEYS  1 read     hash: reader → cursor
-- ARGV  1 reader   who has read
--       2 cursor   all before it is read
--       3 publish  "publish", or "spublish" in a cluster
--       4 channel  of the partition's news
--       5 event    encoded: that the reader is at cursor; published where the cursor has moved
-- Returns where the cursor stands.
local read, reader, cursor = KEYS[1], ARGV[1], ARGV[2]
local publish, channel, event = ARGV[3], ARGV[4], ARGV[5]

local known = tonumber(redis.call('HGET', read, reader) or 0) or 0 -- numbers below 2^53 are exact
if tonumber(cursor) <= known then
  return known
end
redis.call('HSET', read, reader, cursor)
redis.pcall(publish, channel, event) -- a user who may not publish may still read
return tonumber(cursor)
