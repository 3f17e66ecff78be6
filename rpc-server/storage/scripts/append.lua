-- Appends a message to its chat's log: once for each id, at a position after all others.
--
-- KEYS  1 log       sorted set: position → 16 digits of the position, then the stored message
--       2 ids       sorted set: position → "sender/id", and the same with the text's digest before it
--       3 activity  sorted set: newest position of a chat → the chat
--       4 read      hash: reader → cursor; who sends has read all before
--       5 room      hash: visibility, name, created, admins; this and the next only where there is a member to look for: a
--                   cluster refuses a script in a slot that moves where one of its keys is nowhere
--       6 members   hash: user → "role since"
--       7 chats     sorted set: 0, a time or -1 → a chat of the sender's; only where her list may not have this room yet, and
--                   there is no cluster
-- ARGV  1 chat          canonical id
--       2 message       encoded
--       3 id            "sender/id", or "" where the message has no id
--       4 window        how long an id is recognised, in microseconds
--       5 retention     how long a message is kept, in microseconds; 0 is for ever
--       6 max_messages  how many messages a chat keeps; 0 is all
--       7 now           microseconds since 1970, at least 1: 0 and below mean other things; "" for Redis's own clock
--       8 digest        of the text, beginning with "#", as no sender does; "" where there is no id
--       9 publish       "publish", or "spublish" in a cluster
--      10 channel       of the partition's hints, which a stored message is published on: "chat position before entry", where
--                    before is the position that the chat had, 0 if it had none, and entry is what its log has now; or,
--                    where that is long, only "chat position"
--      11 sender        whose cursor is moved behind the message
--      12 member        who must be a member where the room is private, and may not send where it was deleted; "" is nobody
-- Returns one integer: the position   appended
--                      -position      the id was known, with this text: nothing is stored
--                      0              the chat's positions are used up: nothing changed
--                      -2^53          the id was known, with another text: nothing changed
--                      -2^53 - 2      the room is private, and she is no member: nothing changed
--                      -2^53 - 4      the room was deleted: nothing changed
-- log.lua comes before it.
local log, ids, activity, read = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local room, members = KEYS[5], KEYS[6]
local chat, message, id = ARGV[1], ARGV[2], ARGV[3]
local window, retention = tonumber(ARGV[4]), tonumber(ARGV[5])
local max_messages, now, digest = tonumber(ARGV[6]), clock(ARGV[7]), ARGV[8]
local publish, channel, sender, member = ARGV[9], ARGV[10], ARGV[11], ARGV[12]

if member ~= '' then
  local visibility = redis.call('HGET', room, 'visibility')
  if visibility == 'deleted' then
    return -9007199254740996
  end
  if visibility == 'private' and redis.call('HEXISTS', members, member) == 0 then
    return -9007199254740994
  end
end

if id ~= '' then
  redis.call('ZREMRANGEBYSCORE', ids, '-inf', '(' .. text(now - window))
  local known = redis.call('ZSCORE', ids, id)
  if known then
    if redis.call('ZSCORE', ids, digest .. id) then
      redis.call('PEXPIRE', ids, text(math.ceil(window / 1000))) -- a write, so that WAIT waits for the copies of the first
      return -tonumber(known)
    end
    return -9007199254740992
  end
end

local before = redis.call('ZSCORE', activity, chat) or '0'
local position = next_position(activity, chat, now)
if position == 0 then
  return 0
end
local score = text(position)
local entry = store(log, position, message)
if id ~= '' then
  redis.call('ZADD', ids, score, id, score, digest .. id)
  redis.call('PEXPIRE', ids, text(math.ceil(window / 1000)))
end
trim(log, now, retention, max_messages)
local stands = redis.call('HGET', read, sender)
if not stands or tonumber(stands) <= position then -- never back: a reader may have said that she is further
  redis.call('HSET', read, sender, text(position + 1))
end
if KEYS[7] then
  redis.pcall('ZADD', KEYS[7], 'NX', -1, chat) -- whatever lies there, the message is stored
end
local hint = chat .. ' ' .. score
if #entry <= 1024 then
  hint = hint .. ' ' .. text(tonumber(before)) .. ' ' .. entry
end
redis.pcall(publish, channel, hint) -- it is a hint only: a user who may not publish may store
return position
