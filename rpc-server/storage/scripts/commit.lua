-- Stores how far a projection has come in a partition.
--
-- KEYS  state    hash
--       cursors  hash: chat → cursor
--       dead     hash: events that could not be handled → when, in microseconds, and why
--       groups   set: the groups of its counters
--       what the keys of its counters begin with
-- ARGV  token    of the lease
--       floor    the events of all positions before it were handled
--       handled  events since the last commit
--       failing  since when no event could be handled, in microseconds; 0: not failing
--       error    the last one
--       most     dead letters that are kept
--       JSON     {"cursors": [[chat, cursor, expected, [[group, counter, amount]...]]...], "dead": [[event, text]...], "revived": [event...]}
-- Returns 1, or 0 where the lease is another's now: then nothing was stored.
local state, cursors, dead, groups, counts = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local call = redis.call

if call('HGET', state, 'token') ~= ARGV[1] then
  return 0
end
local changes = cjson.decode(ARGV[7])

for _, c in ipairs(changes.cursors) do
  local chat, cursor, expected = c[1], c[2], c[3]
  if #c[4] > 0 and (call('HGET', cursors, chat) or '') == expected then
    for _, count in ipairs(c[4]) do
      call('SADD', groups, count[1])
      call('HINCRBY', counts .. count[1], count[2], count[3])
    end
  end
  if cursor == '' then
    call('HDEL', cursors, chat)
  else
    call('HSET', cursors, chat, cursor)
  end
end
for _, event in ipairs(changes.revived) do
  call('HDEL', dead, event)
end
for _, letter in ipairs(changes.dead) do
  if call('HLEN', dead) < tonumber(ARGV[6]) then
    call('HSET', dead, letter[1], letter[2])
  end
end
call('HSET', state, 'floor', ARGV[2])
if ARGV[3] ~= '0' then
  call('HINCRBY', state, 'handled', ARGV[3])
end
if ARGV[4] == '0' then
  call('HDEL', state, 'failing', 'error')
else
  call('HSET', state, 'failing', ARGV[4], 'error', ARGV[5])
end
return 1
