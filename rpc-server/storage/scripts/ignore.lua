-- Makes a user ignore another user, or stop.
--
-- KEYS  1 ignored  set: the ignored users
-- ARGV  1 other    the user to ignore
--       2 ignore   "1" to ignore, "0" to stop
--       3 most     the limit of ignored users
-- Returns 1 for a change, 0 for none, -1 at the limit.
local ignored, other, ignore, most = KEYS[1], ARGV[1], ARGV[2] == '1', tonumber(ARGV[3])

if not ignore then
  return redis.call('SREM', ignored, other)
end
if redis.call('SCARD', ignored) >= most and redis.call('SISMEMBER', ignored, other) == 0 then
  return -1
end
return redis.call('SADD', ignored, other)
