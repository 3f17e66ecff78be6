-- Stores a user's push subscription, or removes it.
--
-- KEYS  1 subscriptions  hash: device → "created subscription"
-- ARGV  1 device         of the subscription
--       2 value          what is stored; "" removes it
--       3 most           the limit of subscriptions
--       4 created        to remove: only the one that was created then; "" is any
-- Returns the user's number of subscriptions, or -1 at the limit.
local subscriptions, device, value, most, created = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]

if value == '' then
  local known = redis.call('HGET', subscriptions, device)
  if known and (created == '' or string.match(known, '^%d+') == created) then
    redis.call('HDEL', subscriptions, device)
  end
  return redis.call('HLEN', subscriptions)
end
if redis.call('HLEN', subscriptions) >= most and redis.call('HEXISTS', subscriptions, device) == 0 then
  return -1
end
redis.call('HSET', subscriptions, device, value)
return redis.call('HLEN', subscriptions)
