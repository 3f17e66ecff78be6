-- Stores an account, unless the user has one or had one.
--
-- KEYS  1 account  hash: hash, name, created; or only deleted, and perhaps kept
-- ARGV  fields and values of the hash
-- Returns 1: stored; 0: this account is there already; -1: another account has the name.
local account = KEYS[1]

local function field(name)
  for i = 1, #ARGV, 2 do
    if ARGV[i] == name then
      return ARGV[i + 1]
    end
  end
end
if redis.call('EXISTS', account) == 1 then
  for _, name in ipairs({'created', 'deleted'}) do
    if (redis.call('HGET', account, name) or nil) ~= field(name) then
      return -1
    end
  end
  return 0
end
redis.call('HSET', account, unpack(ARGV))
return 1
