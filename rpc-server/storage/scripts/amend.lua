-- Replaces a message at its position and appends the entry of its change, if the message still is as it was read.
--
-- log.lua, restraint.lua and change.lua come before it.
-- KEYS  1 activity   sorted set: newest position of a chat → the chat
--       2 log        sorted set: position → 16 digits of the position, then the stored message
--       3 ids        sorted set: position → "sender/id", and the same with the digest before it
--       4 room       hash: visibility, …
--       5 members    hash: user → "role since"
--       6 reactions  sorted set: 1 → 16 digits of a position, then "emoji user"
--       7 look       sorted set: when to look at it → "<chat> <attachment>"
--       8 edits      sorted set: 0 → 16 digits of a message's position, 16 digits of a version's, then its text
-- ARGV  1 now           microseconds since 1970; "" for Redis's own clock
--       2 window        how long an id is recognised, in microseconds
--       3 chat          canonical id
--       4 id            "sender/id" of the change, or ""
--       5 digest        of the change
--       6 member        must be a member of a private room; "" is no check
--       7 exists        "1": the room must exist
--       8 role          that the sender must still have, or ""
--       9 sender
--       10 old          the message's member of the log
--       11 new          what it becomes
--       12 entry        of the change, encoded, without its position
--       13 shown        the entry as followers get it, encoded
--       14 publish      "publish", or "spublish" in a cluster
--       15 channel      of hints
--       16 retention    how long a message is kept, in microseconds; 0 is for ever
--       17 max_messages how many messages a chat keeps; 0 is all
--       18 reaction     "+" adds the sender to the emoji's users, "-" removes the sender, "0" removes all reactions
--       19 emoji
--       20 attachment that the message has no more, or ""
--       21 speaks       "1": a muted member may not make the change
--       22 earlier      member of edits that the change adds, or ""
--       23 bury         "1" removes all earlier texts of the message
-- 11, 12 and 13 may have marks: eight bytes that no text has, for the entry's position.
-- Returns the position of the entry, -position of an earlier one with the id, or an outcome of change.lua.
local activity, log, ids, reactions = KEYS[1], KEYS[2], KEYS[3], KEYS[6]
local now, window, chat, id, digest = clock(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]
local old, reaction = ARGV[10], ARGV[18]
local ref = sub(old, 1, 16)
local own = ref .. ARGV[19] .. ' ' .. ARGV[9]

local refused = admit(KEYS[4], KEYS[5], ARGV[6], ARGV[7] == '1', ARGV[21] == '1', now)
if refused then
  return refused
end
local known = recognise(ids, id, digest, now - window)
if known then
  return known > 0 and -known or known
end
if ARGV[8] ~= '' and string.match(call('HGET', KEYS[5], ARGV[9]) or '', '^%S+') ~= ARGV[8] then
  return AMENDED
end
if not call('ZSCORE', log, old) then
  return AMENDED
end
if (reaction == '+' or reaction == '-') and (call('ZSCORE', reactions, own) == false) ~= (reaction == '+') then
  return AMENDED
end
local position = position_after(last_position(activity, chat), now)
if not position then
  return FULL
end
local score = digits(position)

-- stamped replaces the marks with the position, in eight bytes, the highest first.
local mark = '\0\31\255\255\255\255\255\255'
local eight = {}
for i = 8, 1, -1 do
  local rest = position
  for _ = i, 7 do
    rest = math.floor(rest / 256)
  end
  eight[i] = string.char(rest % 256)
end
eight = table.concat(eight)
local function stamped(text)
  local parts, from = {}, 1
  while true do
    local at = string.find(text, mark, from, true)
    if not at then
      parts[#parts + 1] = sub(text, from)
      return table.concat(parts)
    end
    parts[#parts + 1], parts[#parts + 2], from = sub(text, from, at - 1), eight, at + 8
  end
end

local new = stamped(ARGV[11])
if new ~= old then -- added before the other is removed: a key that is empty for a moment is a new one, which never expires
  call('ZADD', log, ref, new)
  call('ZREM', log, old)
end
call('ZADD', log, score, score .. stamped(ARGV[12]))
call('ZADD', activity, score, chat)
if id ~= '' then
  call('ZADD', ids, score, id, score, digest .. id)
  call('PEXPIRE', ids, text(math.ceil(window / 1000)))
end
local retention = tonumber(ARGV[16])
trim(log, now, retention, tonumber(ARGV[17]))

if reaction == '+' then
  call('ZADD', reactions, 1, own)
elseif reaction == '-' then
  call('ZREM', reactions, own)
elseif reaction == '0' then
  call('ZREMRANGEBYLEX', reactions, '[' .. ref, '(' .. ref .. '\255')
  local pins = call('HGET', KEYS[4], 'pins') -- the message is deleted: it is pinned no longer
  if pins and string.find(pins, ref, 1, true) then
    call('HSET', KEYS[4], 'pins', sub(string.gsub(' ' .. pins, ' ' .. ref, ''), 2))
  end
end
if reaction ~= '' then -- those of messages that are gone go too
  local oldest = call('ZRANGE', log, 0, 0)[1]
  call('ZREMRANGEBYLEX', reactions, '-', '(' .. sub(oldest, 1, 16))
  if retention > 0 then
    call('PEXPIRE', reactions, text(math.ceil(retention / 1000)))
  else
    call('PERSIST', reactions)
  end
end

local edits, earlier = KEYS[8], ARGV[22]
if ARGV[23] == '1' then
  call('ZREMRANGEBYLEX', edits, '[' .. ref, '(' .. ref .. ':')
end
if earlier ~= '' then
  call('ZADD', edits, 0, earlier)
  local oldest = call('ZRANGE', log, 0, 0)[1] -- those of messages that are gone go too
  call('ZREMRANGEBYLEX', edits, '-', '(' .. sub(oldest, 1, 16))
  if retention > 0 then
    call('PEXPIRE', edits, text(math.ceil(retention / 1000)))
  else
    call('PERSIST', edits)
  end
end

if ARGV[20] ~= '' then
  call('ZADD', KEYS[7], 0, chat .. ' ' .. ARGV[20])
end

local before = call('ZREVRANGE', log, 1, 1)[1]
before = before and sub(before, 1, 16) or '0'
pcall(ARGV[14], ARGV[15], chat .. ' ' .. score .. ' ' .. before .. ' ' .. score .. stamped(ARGV[13]))
return position
