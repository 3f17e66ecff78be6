-- Begins a session of an account.
--
-- KEYS  1 account   hash: hash, name, created
--       2 sessions  hash: session → "expires begun seed current previous"; expires is in milliseconds since 1970
-- ARGV  1 hash      that the account must have: the one that the password was compared with
--       2 session   id
--       3 value     what is kept of it
--       4 now       milliseconds since 1970
--       5 lasts     how long the session lasts, in milliseconds
--       6 limit     of sessions; beyond it, the sessions that expire first are removed
-- Returns 1, or 0 where the account has another hash: nothing changed.
local account, sessions = KEYS[1], KEYS[2]
local hash, session, value = ARGV[1], ARGV[2], ARGV[3]
local now, lasts, limit = tonumber(ARGV[4]), ARGV[5], tonumber(ARGV[6])

if redis.call('HGET', account, 'hash') ~= hash then
  return 0
end
local all = redis.call('HGETALL', sessions)
local lasting = {}
for i = 1, #all, 2 do
  local expires = tonumber(string.match(all[i + 1], '^%d+')) or 0
  if expires <= now then
    redis.call('HDEL', sessions, all[i])
  else
    lasting[#lasting + 1] = {expires, all[i]}
  end
end
table.sort(lasting, function(a, b) return a[1] < b[1] end)
for i = 1, #lasting - limit + 1 do
  redis.call('HDEL', sessions, lasting[i][2])
end
redis.call('HSET', sessions, session, value)
redis.call('PEXPIRE', sessions, lasts)
return 1
