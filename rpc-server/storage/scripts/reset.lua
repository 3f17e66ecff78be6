-- Moves a projection's cursors in partitions, and takes the leases from their owners, whose cursors in memory are old. In a cluster it is
-- called for one partition at a time.
--
-- KEYS  for each partition six: state, cursors, dead, groups, the prefix of the keys of its counters, activity
-- ARGV  action  replay, skip, revive or remove
--       start   of replay: where each chat begins again
--       chat    of skip: the only chat to skip; "" is all of them
local KEYS, call = KEYS, redis.call
local action, start, chat = ARGV[1], ARGV[2], ARGV[3]
local time = call('TIME')
local now = string.format('%.0f', time[1] * 1000000 + time[2])

-- forget removes cursors, dead letters and counters.
local function forget(cursors, dead, groups, counts)
  for _, group in ipairs(call('ZRANGE', groups, 0, -1)) do
    call('UNLINK', counts .. group)
  end
  call('UNLINK', cursors, dead, groups)
end

-- pass has the chat begin after its newest message.
local function pass(cursors, activity)
  local newest = call('ZSCORE', activity, chat)
  if newest then
    call('HSET', cursors, chat, string.format('%.0f', newest + 1))
  end
end

-- move is replay and skip.
local function move(state, cursors, dead, groups, counts, activity)
  call('HINCRBY', state, 'token', 1)
  call('HDEL', state, 'owner', 'until', 'failing', 'error')
  if action == 'replay' then
    forget(cursors, dead, groups, counts)
    call('HSET', state, 'start', start, 'floor', start)
    call('HDEL', state, 'revive')
  elseif chat ~= '' then
    pass(cursors, activity)
  else
    call('UNLINK', cursors)
    call('HSET', state, 'start', now, 'floor', now)
  end
end

for k = 1, #KEYS, 6 do
  local state, cursors, dead, groups, counts, activity = KEYS[k], KEYS[k + 1], KEYS[k + 2], KEYS[k + 3], KEYS[k + 4], KEYS[k + 5]
  if action == 'remove' then
    forget(cursors, dead, groups, counts)
    call('UNLINK', state)
  elseif call('HEXISTS', state, 'start') == 0 then -- no worker has claimed it yet
    if action == 'skip' and chat ~= '' then
      pass(cursors, activity)
    end
  elseif action == 'revive' then
    call('HSET', state, 'revive', '1')
  else
    move(state, cursors, dead, groups, counts, activity)
  end
end
return 1
