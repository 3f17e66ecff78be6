-- Replaces messages of a log that have not gone meanwhile, each at its position, and removes their earlier texts and their
-- pins. Earlier texts of messages that are gone go too.
--
-- KEYS  1 log   sorted set: position → 16 digits of the position, then the stored message
--       2 ids   sorted set: position → "sender/id", and the same with the text's digest before it
--       3 edits sorted set: 0 → 16 digits of a message's position, 16 digits of a version's, then its text
--       4 room  hash: pins, …; there is none in a two-person chat
-- ARGV  threes  a member of log, the member that replaces it, and "1" to remove its id; both members begin with
--               the same 16 digits
-- Returns how many members were changed or removed meanwhile.
local log, ids, edits, room = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local edited = redis.call('EXISTS', edits) == 1
local pinned = redis.call('HGET', room, 'pins') or ''
local pins = ' ' .. pinned

local changed = 0
for i = 1, #ARGV, 3 do
  local position = string.sub(ARGV[i], 1, 16)
  -- Added before the other is removed: a key that is empty for a moment is a new one, which never expires.
  if redis.call('ZSCORE', log, ARGV[i]) then
    redis.call('ZADD', log, position, ARGV[i + 1])
    redis.call('ZREM', log, ARGV[i])
    pins = string.gsub(pins, ' ' .. position, '')
    if edited then
      redis.call('ZREMRANGEBYLEX', edits, '[' .. position, '(' .. position .. ':')
    end
  else
    changed = changed + 1
  end
  if ARGV[i + 2] ~= '' then -- with the digest of the first text, which an edit has replaced
    redis.call('ZREMRANGEBYSCORE', ids, position, position)
  end
end
pins = string.sub(pins, 2)
if pins ~= pinned then
  redis.call('HSET', room, 'pins', pins)
end
if edited then
  local oldest = redis.call('ZRANGE', log, 0, 0)[1]
  redis.call('ZREMRANGEBYLEX', edits, '-', oldest and '(' .. string.sub(oldest, 1, 16) or '+')
end
return changed
