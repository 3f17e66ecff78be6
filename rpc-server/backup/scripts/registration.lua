-- Registers a word or a webhook, unless it is there, or was there and was removed.
--
-- KEYS  1 registry  hash
-- ARGV  1 field
--       2 value
--       3 version  of webhooks, one that was never used; of words "", then it rises to the word's id at least
--       4 id       of a word
--       5 removed  the field of a webhook that was removed
-- Returns 1: stored; 0: nothing was changed.
local registry, field, value, version, id, removed = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local call = redis.call

if call('HEXISTS', registry, removed) == 1 or call('HSETNX', registry, field, value) == 0 then
  return 0
end
if version == '' then
  version = string.format('%.0f', math.max(tonumber(id), tonumber(call('HGET', registry, 'version') or 0) + 1))
end
call('HSET', registry, 'version', version)
return 1
