-- Moves the position up to which a user has received a chat: forward, never past the chat's end.
--
-- KEYS  1 delivered  hash: user → position
--       2 activity   sorted set: newest position of a chat → the chat
--       3 read       hash: reader → cursor
--       4 members    hash: user → "role since"; "" → the room's rules; only of a room
-- ARGV  1 user
--       2 position   all before it was received
--       3 chat       canonical id
--       4 reader     the user, or the device that received it
--       5 most       members of a room at which positions are kept
-- Returns three integers as texts: the position, 0 where none is kept; the reader's cursor; 1 where the position has moved.
--
-- Positions of users who have left a room stay until they are many.
local delivered, activity, members, user = KEYS[1], KEYS[2], KEYS[4], ARGV[1]
local position, most = tonumber(ARGV[2]), tonumber(ARGV[5])
local call = redis.call

local cursor = call('HGET', KEYS[3], ARGV[4]) or '0'
local function answer(at, moved)
  return { string.format('%.0f', at), cursor, moved }
end

local rules = members and call('HEXISTS', members, '') or 0
if members and (call('HEXISTS', members, user) == 0 or call('HLEN', members) - rules > most) then
  return answer(0, '0')
end
local known = tonumber(call('HGET', delivered, user) or 0) or 0
local newest = call('ZSCORE', activity, ARGV[3])
local last = newest and tonumber(newest) + 1 or 0
position = math.max(math.min(position, last), math.min(known, last)) -- a Redis with older data may end before the known position
if position == known then
  return answer(known, '0')
end
call('HSET', delivered, user, string.format('%.0f', position))
if members and call('HLEN', delivered) > most then
  for _, other in ipairs(call('HKEYS', delivered)) do
    if call('HEXISTS', members, other) == 0 then
      call('HDEL', delivered, other)
    end
  end
end
return answer(position, position > known and '1' or '0')
