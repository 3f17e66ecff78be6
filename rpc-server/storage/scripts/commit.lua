-- Stores how far a projection has come in a partition.
--
-- KEYS  state    hash
--       cursors  hash: chat → cursor
--       dead     hash: events that could not be handled → when, in microseconds, and why
--       groups   sorted set: the groups of its counters, by when they are removed, in seconds; +inf is never
--       what the keys of its counters begin with
-- ARGV  token    of the lease
--       floor    the events of all positions before it were handled
--       handled  events since the last commit
--       failing  since when no event could be handled, in microseconds; 0: not failing
--       error    the last one
--       most     dead letters that are kept
--       JSON     {"cursors": [[chat, cursor, expected, [[group, counter, amount, expires]...]]...], "dead": [[event, text]...], "revived": [event...]}
-- Returns 1, or 0 where the lease is another's now: then nothing was stored.
local state, cursors, dead, groups, counts = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local call = redis.call

if call('HGET', state, 'token') ~= ARGV[1] then
  return 0
end
local changes = cjson.decode(ARGV[7])
local now = tonumber(call('TIME')[1])

-- prune removes some groups whose time has passed.
local function prune()
  for _, group in ipairs(call('ZRANGEBYSCORE', groups, '-inf', now, 'LIMIT', 0, 100)) do
    call('UNLINK', counts .. group)
    call('ZREM', groups, group)
  end
end

-- add adds counts, those of a group one after another. A group whose time has passed is left out.
local function add(list)
  local known
  for _, count in ipairs(list) do
    local group, expires = count[1], count[4]
    if expires == 0 or expires > now then
      call('HINCRBY', counts .. group, count[2], count[3])
      if group ~= known then
        known = group
        call('ZADD', groups, expires == 0 and '+inf' or expires, group)
        if expires > 0 then
          call('EXPIREAT', counts .. group, expires)
        end
      end
    end
  end
  prune()
end

for _, c in ipairs(changes.cursors) do
  local chat, cursor, expected = c[1], c[2], c[3]
  if #c[4] > 0 and (call('HGET', cursors, chat) or '') == expected then
    add(c[4])
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
