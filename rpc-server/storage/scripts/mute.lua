-- Mutes a chat for a user, or unmutes it. Where there are many, mutes that have ended are removed.
--
-- KEYS  1 muted  hash: chat → until when, in microseconds since 1970; 0 is for ever
-- ARGV  1 chat   which
--       2 until  until when; "" unmutes it
--       3 most   the limit of muted chats
--       4 now    microseconds since 1970
-- Returns 1, or -1 where there are too many.
local muted, chat, till, most, now = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

if till == '' then
  redis.call('HDEL', muted, chat)
  return 1
end
if redis.call('HLEN', muted) >= most and redis.call('HEXISTS', muted, chat) == 0 then
  local known = redis.call('HGETALL', muted)
  for i = 1, #known, 2 do
    local ends = tonumber(known[i + 1]) or 1
    if ends ~= 0 and ends <= now then
      redis.call('HDEL', muted, known[i])
    end
  end
  if redis.call('HLEN', muted) >= most then
    return -1
  end
end
redis.call('HSET', muted, chat, till)
return 1
