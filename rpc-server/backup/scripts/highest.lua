-- Raises numbers of a hash.
--
-- KEYS  1  hash
-- ARGV  fields and numbers; a number that is not above the present one changes nothing
for i = 1, #ARGV, 2 do
  if tonumber(ARGV[i + 1]) > tonumber(redis.call('HGET', KEYS[1], ARGV[i]) or -1) then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  end
end
return 1
