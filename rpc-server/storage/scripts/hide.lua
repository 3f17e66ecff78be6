-- Sets or removes a flag of an account.
--
-- KEYS  1 account  hash: hash (of the password), …
-- ARGV  1 field
--       2 set      "1" sets it, "" removes it
-- Returns 1, or 0 where there is no account.
if redis.call('HEXISTS', KEYS[1], 'hash') == 0 then
  return 0
end
if ARGV[2] == '1' then
  redis.call('HSET', KEYS[1], ARGV[1], '1')
else
  redis.call('HDEL', KEYS[1], ARGV[1])
end
return 1
