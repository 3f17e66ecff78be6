-- Finds what an inbox shows of a chat: its last message, and how many are unread.
--
-- KEYS  1 log     sorted set: position → 16 digits of the position, then the stored message
--       2 members hash: user → "role since"; where there is a member to look for
-- ARGV  1 oldest  the first position that retention has not removed
--       2 last    "1" where the last message is wanted
--       3 from    the first position that is unread
--       4 most    unread messages are counted up to here
--       5 own     whose messages do not count as unread; "" where there are none
--       6 member  who must be a member, because the chat is a room; "" for a conversation
--       7…        ignored: whose messages neither count nor are the last one; notices are nobody's
-- Returns {the last message's member or "", the number of unread ones}; nothing and 0 for who is no member.
--
-- Only messages count: there is nothing to read in one that was erased, and notices are nobody's. What was erased is the
-- last message where its sender is not ignored. Entries are looked through in parts, and no more than some thousand of
-- them, so that other calls do not wait for long. entry.lua comes before it.
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

local function hidden(stored)
  local sender, kind = head(stored)
  return kind ~= kind_notice and ignored[sender or '']
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
local unread = 0
for i = 0, parts - 1 do
  local found = redis.call('ZRANGE', log, from, '+inf', 'BYSCORE', 'LIMIT', i * part, part)
  for _, stored in ipairs(found) do
    local sender, kind = head(stored)
    if kind == kind_message and sender ~= own and not (ignores and ignored[sender]) then
      unread = unread + 1
    end
  end
  if unread >= most or #found < part then
    break
  end
end
return {shown, math.min(most, unread)}
