-- Has a user ignore another one, or no longer.
--
-- KEYS  1 ignored  set: whom the user ignores
-- ARGV  1 other    whom
--       2 ignore   "1" from now on, "0" no longer
--       3 most     how many a user ignores at most
-- Returns 1 where that is new, 0 where it was so, -1 where the user ignores too many already.
local ignored, other, ignore, most = KEYS[1], ARGV[1], ARGV[2] == '1', tonumber(ARGV[3])

if not ignore then
  return redis.call('SREM', ignored, other)
end
if redis.call('SCARD', ignored) >= most and redis.call('SISMEMBER', ignored, other) == 0 then
  return -1
end
return redis.call('SADD', ignored, other)
