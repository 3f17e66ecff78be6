-- Replaces the hash of a password, and ends the sessions that were begun with the old one.
--
-- KEYS  1 account   hash: hash, name, created
--       2 sessions  hash: session → what is kept of it
-- ARGV  1 old       hash that the account must have
--       2 new       hash
--       3 keep      "all" sessions, or "one"
--       4 session   that is kept with "one"; "" is none
-- Returns 1, or 0 where the account has another hash: nothing changed.
local account, sessions = KEYS[1], KEYS[2]
local old, new, keep, session = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

if redis.call('HGET', account, 'hash') ~= old then
  return 0
end
redis.call('HSET', account, 'hash', new)
if keep ~= 'all' then
  for _, id in ipairs(redis.call('HKEYS', sessions)) do
    if id ~= session then
      redis.call('HDEL', sessions, id)
    end
  end
end
return 1
