-- Takes, renews or releases the lease of a partition for one projection.
--
-- KEYS  state   hash
--       dead    hash: events that could not be handled
-- ARGV  worker
--       token   of the lease that the worker has, or 0
--       floor   with a token: the events of all positions before it were handled
--       release "1" to release; "forget" to have the next owner begin anew besides, unless another worker has the lease
--       lasts   of a lease, in milliseconds
--       start   where the projection begins, if it is new; "" is now
-- Returns {token, start, floor, failing, events to handle again...}. A token of 0: the lease is another worker's, or was released.
local state, dead = KEYS[1], KEYS[2]
local worker, token, floor, release, lasts, start = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local known = redis.call('HMGET', state, 'owner', 'token', 'until', 'start', 'floor', 'failing', 'revive')
local owner, current, lapses = known[1], known[2] or '0', tonumber(known[3] or 0)
local mine = owner == worker and current == token

if mine then
  redis.call('HSET', state, 'floor', floor)
  known[5] = floor
end
local others = owner and owner ~= worker and lapses > now
if release ~= '' then
  if mine then
    redis.call('HDEL', state, 'owner', 'until')
  end
  if release == 'forget' and not others then
    redis.call('HDEL', state, 'owner', 'until', 'start', 'floor', 'failing', 'error')
  end
  return {0, 0, 0, 0}
end
if others then
  return {0, 0, 0, 0}
end
if not mine then
  -- By the clock, so that a token rises also above those of a projection of this name that was removed.
  current = string.format('%.0f', math.max(tonumber(current) + 1, time[1] * 1000000 + time[2]))
  redis.call('HSET', state, 'token', current)
end
if not known[4] then
  known[4] = start ~= '' and start or string.format('%.0f', time[1] * 1000000 + time[2])
  known[5] = known[4]
  redis.call('HSET', state, 'start', known[4], 'floor', known[5])
end
redis.call('HSET', state, 'owner', worker, 'until', string.format('%.0f', now + lasts))
local lease = {tonumber(current), tonumber(known[4]), tonumber(known[5]), tonumber(known[6] or 0)}
if known[7] then
  for _, event in ipairs(redis.call('HKEYS', dead)) do
    lease[#lease + 1] = event
  end
  if #lease == 4 then
    redis.call('HDEL', state, 'revive')
  end
end
return lease
