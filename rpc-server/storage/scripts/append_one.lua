-- Fragment: appends one message. It follows log.lua and precedes the scripts that append a batch.
--
-- The arguments that all messages of a batch share come first:
-- ARGV  1 now           microseconds since 1970, at least 1; "" for Redis's own clock, which is read once
--       2 publish       "publish", or "spublish" in a cluster
--       3 suffix        of the names of channels
--       4 trims         "1" where trim is to be called
--       5 retention     how long a message is kept, in microseconds; 0 is for ever
--       6 max_messages  how many messages a chat keeps; 0 is all
--       7 followed      of each message a byte: "1" where its hint carries the message
local now, publish, suffix, trims = clock(ARGV[1]), ARGV[2], ARGV[3], ARGV[4] == '1'
local retention, max_messages, followed = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]

-- A score is 10 digits that the batch shares and 6 that are formatted as a small integer, which is fast.
local shared_digits, low_digits = sub(digits(now), 1, 10), now % 1000000
local now_digits = digits(now)

-- tick takes the next microsecond, so that no two chats of a batch get one position: inboxes sort by it. Redis needs
-- longer than a microsecond for a message.
local function tick()
  now, low_digits = now + 1, low_digits + 1
  if low_digits == 1000000 then
    shared_digits, low_digits = sub(digits(now), 1, 10), 0
  end
  now_digits = shared_digits .. format('%06d', low_digits)
end

-- Outcomes of a message besides its position, which is positive.
local FULL = 0                        -- the chat's positions are used up
local CONFLICT = -9007199254740992    -- -2^53: the id is known, with another text
local OUTSIDER = -9007199254740994    -- the room is private, and the sender is not a member
local DELETED = -9007199254740996     -- the room was deleted
local UNLISTED = -9007199254740998    -- activity does not have the chat, and the call does not list it
local WRONG_TYPE = -9007199254741000  -- a key of the chat has another type
local FAILED = -9007199254741002      -- Redis refused a command of this message after others were stored
local NO_ROOM = -9007199254741004     -- the room was never created
local NO_PARENT = -9007199254741008   -- there is no message at the position that is answered
local NOT_MENTIONED = -9007199254741010 -- a mentioned user is not a member of the room
local NO_ATTACHMENT = -9007199254741012 -- the sender has no confirmed attachment of that id in this chat
local TAKEN = -9007199254741014       -- the attachment is in another message

-- A WRONGTYPE error belongs to the message whose key has the wrong type. Any other error, such as READONLY or OOM,
-- concerns the whole batch. It ends the call as long as nothing was stored.
local stored_any, refusal = false, nil

local function failure(reply)
  if sub(reply.err, 1, 9) == 'WRONGTYPE' then
    return WRONG_TYPE
  end
  if not stored_any then
    refusal = reply
  end
  return FAILED
end

-- followers are notes about partitions for the caller. A note is twice the index of a message, from 0. It is one more
-- where a hint without the message had receivers; it is the plain double where a hint with the message had none.
local followers = {}

-- hint publishes "chat position before member". before is the position of the previous message in the log, or 0. To a
-- partition without known followers it publishes only "chat position". A failed publish is ignored: a user without the
-- right to publish may still store.
local function hint(channel, log, chat, score, member, index)
  if byte(followed, index + 1) == 49 then
    local before = call('ZREVRANGE', log, 1, 1)[1]
    before = before and sub(before, 1, 16) or '0'
    if pcall(publish, channel, chat .. ' ' .. score .. ' ' .. before .. ' ' .. member) == 0 then
      followers[#followers + 1] = 2 * index
    end
    return
  end
  local receivers = pcall(publish, channel, chat .. ' ' .. score)
  if receivers ~= 0 and type(receivers) == 'number' then
    followers[#followers + 1] = 2 * index + 1
  end
end

-- append_one returns the message's position, or an outcome that is not positive: then nothing was stored. listed says
-- that the chat is in the lists of its users, so it may be new to activity. index counts messages from 0.
--
-- Names are cut from the keys: "…}:activity" gives "…}:hints", and "…}:log:<chat>" gives the chat.
local function append_one(activity, log, message, listed, index)
  local chat = sub(log, #activity - 3)
  local position, score = now, now_digits
  -- Nearly always the reply is 1: activity has the chat, and the clock has passed its last position.
  local moved = pcall('ZADD', activity, 'XX', 'GT', 'CH', score, chat)
  if moved ~= 1 or now > max_position then
    if type(moved) == 'table' then
      return failure(moved)
    end
    if not listed and not call('ZSCORE', activity, chat) then
      return UNLISTED
    end
    position = position_after(last_position(activity, chat), now)
    if not position then
      return FULL
    end
    score = digits(position)
  end
  local member = score .. message
  local reply = pcall('ZADD', log, score, member)
  if type(reply) == 'table' then
    return failure(reply)
  end
  stored_any = true
  if moved ~= 1 then
    call('ZADD', activity, score, chat)
  end
  if trims then
    trim(log, now, retention, max_messages)
  end
  hint(sub(activity, 1, -9) .. 'hints' .. suffix, log, chat, score, member, index)
  tick()
  return position
end

-- with_followers appends -1 and then followers to the results of a batch, if there are any.
local function with_followers(results)
  if #followers > 0 then
    results[#results + 1] = -1
    for i = 1, #followers do
      results[#results + 1] = followers[i]
    end
  end
  return results
end

