-- Charges a user for actions with a limit, all of them or none.
--
-- KEYS  1 spent  hash: kind and window → "number of the window, how much"
-- ARGV  1 now    microseconds since 1970; "" for Redis's own clock
--       fours    of a kind, an amount, how much may be spent in a window, and the window in seconds
-- Returns 0, or in how many seconds the last window ends that has too little left: nothing was charged.
local spent = KEYS[1]
local now = math.floor((tonumber(ARGV[1]) or 0) / 1000000)
if now == 0 then
  now = tonumber(redis.call('TIME')[1])
end

local writes, lasts, wait = {}, 0, 0
for i = 2, #ARGV, 4 do
  local field, amount, limit, window = ARGV[i] .. ' ' .. ARGV[i + 3], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])
  local number = math.floor(now / window)
  local known, so_far = string.match(redis.call('HGET', spent, field) or '', '^(%d+) (%d+)$')
  local much = amount
  if tonumber(known) == number then
    much = amount + tonumber(so_far)
  end
  if much > limit then
    wait = math.max(wait, (number + 1) * window - now)
  end
  writes[#writes + 1], writes[#writes + 2] = field, string.format('%.0f %.0f', number, much)
  lasts = math.max(lasts, window)
end
if wait > 0 then
  return wait
end
if #writes > 0 then
  redis.call('HSET', spent, unpack(writes))
  redis.call('EXPIRE', spent, lasts)
end
return 0
