-- Finds what an inbox shows of a chat: its last message, and how many are unread.
--
-- KEYS  1 log     sorted set: position → 16 digits of the position, then the stored message
--       2 members hash: user → "role since"; where there is a member to look for
-- ARGV  1 oldest  the first position that retention has not removed
--       2 last    "1" where the last message is wanted
--       3 from    the first position that is unread
--       4 most    unread messages are counted up to here
--       5 own     whose messages do not count as unread; "" where there are none
--       6 member  who must be a member, because the chat is a room, where notices do not count; "" for a conversation
--       7…        ignored: whose messages neither count nor are the last one; notices are nobody's
-- Returns {the last message's member or "", the number of unread ones}; nothing and 0 for who is no member.
--
-- Where everything counts Redis counts by itself. Else messages are looked through in parts, and no more than some
-- thousand of them, so that nobody else waits for long.
local log, members = KEYS[1], KEYS[2]
local oldest, last, from, most, own, member = ARGV[1], ARGV[2] == '1', ARGV[3], tonumber(ARGV[4]), ARGV[5], ARGV[6]
local part, parts = 100, 30

if member ~= '' and redis.call('HEXISTS', members, member) == 0 then
  return {'', 0}
end

local ignored, ignores = {}, #ARGV > 6
for i = 7, #ARGV do
  ignored[ARGV[i]] = true
end

-- The number in four bytes, and what is behind them.
local function number(text, at)
  local a, b, c, d = string.byte(text, at, at + 3)
  if not d then
    return 0, at
  end
  return ((a * 256 + b) * 256 + c) * 256 + d, at + 4
end

-- StoredMessage of idl_rpc.thrift: before each field there are a byte with its type and two with its number. The text is
-- the first one, the sender the second; then come the id, which is a string too, and the notice, where there are any.
-- Returns the sender, or nil for a notice.
local string_type, struct_type = 11, 12
local function sender(stored)
  local length, at = number(stored, 16 + 4)
  length, at = number(stored, at + length + 3)
  local name = string.sub(stored, at, at + length - 1)
  at = at + length
  if string.byte(stored, at) == string_type then
    length, at = number(stored, at + 3)
    at = at + length
  end
  if string.byte(stored, at) == struct_type then
    return nil
  end
  return name
end

local function hidden(stored)
  local by = sender(stored)
  return by ~= nil and ignored[by]
end

local shown = ''
if last then
  local size = 1
  if ignores then
    size = part
  end
  for i = 0, parts - 1 do
    local found = redis.call('ZRANGE', log, '+inf', oldest, 'BYSCORE', 'REV', 'LIMIT', i * size, size)
    for _, stored in ipairs(found) do
      if shown == '' and not hidden(stored) then
        shown = stored
      end
    end
    if shown ~= '' or #found < size or not ignores then
      break
    end
  end
end

if tonumber(from) < tonumber(oldest) then
  from = oldest
end
if own == '' and member == '' and not ignores then
  return {shown, math.min(most, redis.call('ZCOUNT', log, from, '+inf'))}
end
local unread = 0
for i = 0, parts - 1 do
  local found = redis.call('ZRANGE', log, from, '+inf', 'BYSCORE', 'LIMIT', i * part, part)
  for _, stored in ipairs(found) do
    local by = sender(stored)
    if by and by ~= own and not ignored[by] then
      unread = unread + 1
    end
  end
  if unread >= most or #found < part then
    break
  end
end
return {shown, math.min(most, unread)}
