-- Replaces the stored value of a session.
--
-- KEYS  1 sessions  hash: session → "expires begun seed current previous"
-- ARGV  1 session   id
--       2 old       what must be kept of it
--       3 new       what is to be kept
--       4 lasts     how long the session lasts from now on, in milliseconds
-- Returns 1, or 0 where something else is kept, or nothing: nothing changed.
local sessions = KEYS[1]
local session, old, new, lasts = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

if redis.call('HGET', sessions, session) ~= old then
  return 0
end
redis.call('HSET', sessions, session, new)
redis.call('PEXPIRE', sessions, lasts)
return 1
