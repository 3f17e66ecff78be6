-- Replaces the readers who watch a chat through one gateway, and removes readers whose gateway has not called for long.
--
-- KEYS  1 present  sorted set: when it lapses, in milliseconds → "reader gateway"
-- ARGV  1 gateway  the calling gateway
--       2 lapse    how long it holds, in milliseconds
--       3 publish  "publish", or "spublish" in a cluster
--       4 channel  of the partition's news
--       5 event    encoded: published where the readers, whatever their gateway, are others than before
--       6…         the readers; none where no reader watches the chat through the gateway any more
-- Returns 1 where they are others than before, else 0.
--
-- Lapsed readers stay in the set until any gateway's next call, which publishes that they have gone; so the set outlives
-- the last of them.
local present, gateway, lapse = KEYS[1], ARGV[1], tonumber(ARGV[2])
local publish, channel, event = ARGV[3], ARGV[4], ARGV[5]

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local ends = string.format('%.0f', now + lapse)

local mine, after = {}, {} -- reader → true
for i = 6, #ARGV do
  mine[ARGV[i]], after[ARGV[i]] = true, true
end

local before, gone, known = {}, {}, redis.call('ZRANGE', present, 0, -1, 'WITHSCORES')
for i = 1, #known, 2 do
  local reader, through = string.match(known[i], '^(%S+) (%S+)$')
  if not reader then
    gone[#gone + 1] = known[i] -- no server writes that
  else
    before[reader] = true
    local stays = mine[reader]
    if through ~= gateway then
      stays = tonumber(known[i + 1]) > now
    end
    if stays then
      after[reader] = true
    else
      gone[#gone + 1] = known[i]
    end
  end
end

local entries = {}
for reader in pairs(mine) do
  entries[#entries + 1] = ends
  entries[#entries + 1] = reader .. ' ' .. gateway
end

-- in parts, because a call takes some thousand arguments at most
local function call(command, arguments)
  for i = 1, #arguments, 1000 do
    redis.call(command, present, unpack(arguments, i, math.min(i + 999, #arguments)))
  end
end
call('ZREM', gone)
call('ZADD', entries)
if #entries > 0 then
  redis.call('PEXPIRE', present, string.format('%.0f', 2 * lapse))
end

local function has_other(readers, others)
  for reader in pairs(readers) do
    if not others[reader] then
      return true
    end
  end
  return false
end
if has_other(before, after) or has_other(after, before) then
  redis.pcall(publish, channel, event) -- a user who may not publish may still be present
  return 1
end
return 0
