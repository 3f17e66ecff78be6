-- Drops a chat that has been empty for long: its position, its read cursors and, outside a cluster, its place in lists.
--
-- log.lua comes before it.
-- KEYS  1 activity  sorted set: newest position of a chat → the chat
--       2 dropped   hash: "" → highest position of a dropped chat; in a cluster also chat → mark
--       3 read      hash: reader → cursor
--       4…6         log, ids and room of the chat: while one of them exists, the chat stays
--       7, 8        threads and reactions of the chat: sorted sets
--       9 delivered hash: user → position
--       10 edits    sorted set: 0 → an earlier text of a message
--       11…         chats: sorted sets of the chat's users
-- ARGV  1 now   microseconds since 1970; "" for Redis's own clock
--       2 age   how long ago the newest message must have been sent, in microseconds
--       3 chat  canonical id
--       4 mark  "1" in a cluster: the lists have the chat still
-- Returns 1 where the chat was dropped, else 0.
local activity, dropped, chat = KEYS[1], KEYS[2], ARGV[3]
local now, age = clock(ARGV[1]), tonumber(ARGV[2])

local newest = tonumber(call('ZSCORE', activity, chat) or now)
if newest > now - age or call('EXISTS', KEYS[4], KEYS[5], KEYS[6]) > 0 then
  return 0
end
if newest > tonumber(call('HGET', dropped, '') or 0) then
  call('HSET', dropped, '', digits(newest))
end
if ARGV[4] == '1' then
  call('HSET', dropped, chat, text(now))
end
call('ZREM', activity, chat)
call('UNLINK', KEYS[3], KEYS[7], KEYS[8], KEYS[9], KEYS[10])
for i = 11, #KEYS do
  call('ZREM', KEYS[i], chat)
end
return 1
