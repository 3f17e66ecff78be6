-- Takes, renews or releases the leases of partitions for one projection. In a cluster it is called for one partition at a time.
--
-- KEYS  for each partition two:
--       state   hash
--       dead    hash: events that could not be handled
-- ARGV  worker
--       lasts   of a lease, in milliseconds
--       start   where the projection begins, if it is new; "" is now
--       JSON    for each partition [token, floor, release], all strings:
--               token    of the lease that the worker has, or 0
--               floor    with a token: the events of all positions before it were handled
--               release  "1" to release; "forget" to have the next owner begin anew besides, unless another worker has the lease; or ""
-- Returns {leases, revive}. leases are four numbers for each partition: token, start, floor, failing. A token of 0: the lease is
-- another worker's, or was released. revive are the events to handle again, each after the index of its partition, from 0.
local KEYS, call = KEYS, redis.call
local worker, lasts, start = ARGV[1], ARGV[2], ARGV[3]

local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local micros = string.format('%.0f', time[1] * 1000000 + time[2])
local lapse = string.format('%.0f', now + lasts)

local leases, revive = {}, {}
-- give adds a lease.
local function give(token, start, floor, failing)
  local n = #leases
  leases[n + 1], leases[n + 2], leases[n + 3], leases[n + 4] = token, start, floor, failing
end

-- again adds the dead letters of a partition, as long as there are any.
local function again(i, state, dead)
  local events = call('HKEYS', dead)
  for _, event in ipairs(events) do
    revive[#revive + 1] = i - 1
    revive[#revive + 1] = event
  end
  if #events == 0 then
    call('HDEL', state, 'revive')
  end
end

-- free ends the lease of a partition.
local function free(state, floor, release, mine, others)
  if mine then
    call('HSET', state, 'floor', floor)
    call('HDEL', state, 'owner', 'until')
  end
  if release == 'forget' and not others then
    call('HDEL', state, 'owner', 'until', 'start', 'floor', 'failing', 'error')
  end
  give(0, 0, 0, 0)
end

for i, claim in ipairs(cjson.decode(ARGV[4])) do
  local state, token, floor, release = KEYS[2 * i - 1], claim[1], claim[2], claim[3]
  local known = call('HMGET', state, 'owner', 'token', 'until', 'start', 'floor', 'failing', 'revive')
  local owner, current = known[1], known[2] or '0'
  local mine = owner == worker and current == token
  local others = owner and owner ~= worker and tonumber(known[3] or 0) > now
  if mine then
    known[5] = floor
  end
  if release ~= '' then
    free(state, floor, release, mine, others)
  elseif others then
    give(0, 0, 0, 0)
  else
    if not known[4] then
      known[4] = start ~= '' and start or micros
      known[5] = known[4]
      call('HSET', state, 'start', known[4], 'floor', known[5])
    end
    if mine then
      call('HSET', state, 'until', lapse, 'floor', known[5])
    else
      -- By the clock, so that a token rises also above those of a projection of this name that was removed.
      current = string.format('%.0f', math.max(tonumber(current) + 1, tonumber(micros)))
      call('HSET', state, 'owner', worker, 'token', current, 'until', lapse)
    end
    give(tonumber(current), tonumber(known[4]), tonumber(known[5]), tonumber(known[6] or 0))
    if known[7] then
      again(i, state, KEYS[2 * i])
    end
  end
end
return {leases, revive}
