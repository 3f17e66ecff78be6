-- Reads all webhooks, or changes some if they are at the version that the caller has read.
--
-- KEYS  webhooks  hash
-- ARGV  version   to be replaced; "-" only reads
--       new       version
--       how many fields are set
--       field and value of each
--       fields that are removed
-- Returns 1, or 0 where the version is another one. Of a read: {the clock in microseconds, field, value...}.
local webhooks, version, new, set = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])
local call = redis.call

if version == '-' then
  local time = call('TIME')
  local all = call('HGETALL', webhooks)
  table.insert(all, 1, string.format('%.0f', time[1] * 1000000 + time[2]))
  return all
end
if (call('HGET', webhooks, 'version') or '') ~= version then
  return 0
end
for i = 1, set do
  call('HSET', webhooks, ARGV[2 + 2 * i], ARGV[3 + 2 * i])
end
for i = 4 + 2 * set, #ARGV do
  call('HDEL', webhooks, ARGV[i])
end
call('HSET', webhooks, 'version', new)
return 1
