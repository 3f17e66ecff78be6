-- Replaces messages of a log that have not gone meanwhile, each at its position.
--
-- KEYS  1 log   sorted set: position → 16 digits of the position, then the stored message
--       2 ids   sorted set: position → "sender/id", and the same with the text's digest before it
-- ARGV  fours   of a member of log, what it becomes, and its two members of ids, which are removed; the first two begin with
--               the same 16 digits, the last two are "" where the message has no id
-- Returns how many were replaced.
local log, ids = KEYS[1], KEYS[2]

local replaced = 0
for i = 1, #ARGV, 4 do
  local position = string.sub(ARGV[i], 1, 16)
  -- Added before the other is removed: a key that is empty for a moment is a new one, which never expires.
  if redis.call('ZSCORE', log, ARGV[i]) then
    redis.call('ZADD', log, position, ARGV[i + 1])
    redis.call('ZREM', log, ARGV[i])
    replaced = replaced + 1
  end
  if ARGV[i + 2] ~= '' then
    redis.call('ZREM', ids, ARGV[i + 2], ARGV[i + 3])
  end
end
return replaced
