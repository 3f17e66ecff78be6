-- Moves a projection's cursors in a partition, and takes the lease from its owner, who has others in memory.
--
-- KEYS  state, cursors, dead, groups, what the keys of its counters begin with, activity
-- ARGV  action  replay, skip, revive or remove
--       start   of replay: where each chat begins again
--       chat    of skip: the only chat to skip; "" is all of them
local state, cursors, dead, groups, counts, activity = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local action, start, chat = ARGV[1], ARGV[2], ARGV[3]
local call = redis.call

local function forget()
  for _, group in ipairs(call('ZRANGE', groups, 0, -1)) do
    call('UNLINK', counts .. group)
  end
  call('UNLINK', cursors, dead, groups)
end

if action == 'remove' then
  forget()
  return call('UNLINK', state)
end
-- pass has a chat begin after its newest message.
local function pass()
  local newest = call('ZSCORE', activity, chat)
  if newest then
    call('HSET', cursors, chat, string.format('%.0f', newest + 1))
  end
end

if call('HEXISTS', state, 'start') == 0 then -- no worker has claimed it yet
  if action == 'skip' and chat ~= '' then
    pass()
  end
  return 0
end
if action == 'revive' then
  return call('HSET', state, 'revive', '1')
end
call('HINCRBY', state, 'token', 1)
call('HDEL', state, 'owner', 'until', 'failing', 'error')
if action == 'replay' then
  forget()
  call('HSET', state, 'start', start, 'floor', start)
  call('HDEL', state, 'revive')
elseif chat ~= '' then
  pass()
else
  local time = call('TIME')
  local now = string.format('%.0f', time[1] * 1000000 + time[2])
  call('UNLINK', cursors)
  call('HSET', state, 'start', now, 'floor', now)
end
return 1
