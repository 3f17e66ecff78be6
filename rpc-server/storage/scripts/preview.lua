-- Finds the contents of an inbox for a user's chats in one partition: of each its last message, and how many are
-- unread.
--
-- KEYS  of each chat the log, a sorted set: position → 16 digits of the position, then the stored message;
--       and of a room then members, a hash: user → "role since"
-- ARGV  1 oldest  the first position that retention has not removed
--       2 user    whose own messages do not count as unread; who must be a member of a room
--       3 most    unread messages are counted up to here
--       4…        of each chat four: room, "1" where it is one; from, the first position that is unread, "" to count
--                 nothing; last, "1" where the last message is wanted; hidden, whose messages neither count nor are the
--                 last one, or "*" where the caller looks at the senders
-- Returns for each chat four values:
--       the last message's member, or "". With "*" it is the newest of all.
--       how many messages are unread. With "*" a list: sender, how many, and how many of them mention the user, …
--       how many of the unread messages mention the user; with "*" it is in the list.
--       "", or the position after which the count goes on, because there are more entries than are looked at.
-- Of a room where the user is no member there is nothing.
--
-- Only messages count: an erased message has nothing to read, and notices have no sender. An erased message is the last
-- message if its sender is not hidden. At most a hundred entries are read for the count, and a thousand for the last
-- message, so that other calls do not wait for long. entry.lua comes before it.
local oldest, user, most = ARGV[1], ARGV[2], tonumber(ARGV[3])
local first, part = tonumber(oldest), 100
local call = redis.call

-- newest returns the last entry that is neither of a hidden user nor a change of a message, which shows itself.
local function newest(log, hidden)
  local anyone = hidden == '' or hidden == '*'
  if anyone then
    local last = call('ZRANGE', log, '+inf', oldest, 'BYSCORE', 'REV', 'LIMIT', 0, 1)[1]
    if not last or not is_change(last) then
      return last or ''
    end
  end
  local below = '+inf'
  for _ = 1, 10 do
    local found = call('ZRANGE', log, below, oldest, 'BYSCORE', 'REV', 'LIMIT', 0, part)
    for _, stored in ipairs(found) do
      local sender, kind = head(stored)
      if kind ~= kind_change and kind ~= kind_deletion and (anyone or kind == kind_notice or sender ~= hidden) then
        return stored
      end
    end
    if #found < part then
      return ''
    end
    below = '(' .. sub(found[part], 1, 16)
  end
  return ''
end

-- A mention is a string of the stored form: its length in four bytes, then the user. Few entries have it, so that few are read
-- field by field.
local mention = string.char(0, 0, math.floor(#user / 256), #user % 256) .. user

-- is_mentioned says whether an entry mentions the user.
local function is_mentioned(stored)
  if not string.find(stored, mention, 17, true) then
    return false
  end
  local at = 17
  while true do
    local t, high, low = byte(stored, at, at + 2)
    if not low or t == 0 then
      return false
    end
    at = at + 3
    if t == list_type and high == 0 and low == 8 then
      local of, count, from = byte(stored, at), number(stored, at + 1)
      if of ~= string_type or not count then
        return false
      end
      for _ = 1, count do
        local length, begin = number(stored, from)
        if not length then
          return false
        end
        from = begin + length
        if sub(stored, begin, from - 1) == user then
          return true
        end
      end
      return false
    end
    at = skip(stored, at, t, 64)
    if not at then
      return false
    end
  end
end

-- count returns how many of some entries are messages of others, and how many of these mention the user.
local function count(found, hidden)
  local unread, mentions = 0, 0
  for _, stored in ipairs(found) do
    local other = by_other(stored, user)
    if other and (hidden == '' or head(stored) ~= hidden) then
      unread = unread + 1
      if is_mentioned(stored) then
        mentions = mentions + 1
      end
    end
  end
  return unread, mentions
end

-- tally returns how many messages of some entries each of the others has sent, and how many of these mention the user.
local function tally(found)
  local counted, at = {}, {}
  for _, stored in ipairs(found) do
    local sender, kind = head(stored)
    if kind == kind_message and sender ~= user then
      local i = at[sender]
      if not i then
        i = #counted + 2
        at[sender], counted[i - 1], counted[i], counted[i + 1] = i, sender, 0, 0
      end
      counted[i] = counted[i] + 1
      if is_mentioned(stored) then
        counted[i + 1] = counted[i + 1] + 1
      end
    end
  end
  return counted
end

local answer, key = {}, 0
for i = 4, #ARGV, 4 do
  local room, from, last, hidden = ARGV[i] == '1', ARGV[i + 1], ARGV[i + 2] == '1', ARGV[i + 3]
  local log, shown, unread, mentions, more = KEYS[key + 1], '', 0, 0, ''
  key = key + 1
  local admitted = true
  if room then
    key = key + 1
    admitted = call('HEXISTS', KEYS[key], user) == 1
  end
  if admitted and last then
    shown = newest(log, hidden)
  end
  if admitted and from ~= '' then
    if tonumber(from) < first then
      from = oldest
    end
    local found = call('ZRANGE', log, from, '+inf', 'BYSCORE', 'LIMIT', 0, part)
    if hidden == '*' then
      unread = tally(found)
    else
      unread, mentions = count(found, hidden)
      unread = math.min(most, unread)
    end
    if #found == part then
      more = sub(found[part], 1, 16)
    end
  end
  local n = #answer
  answer[n + 1], answer[n + 2], answer[n + 3], answer[n + 4] = shown, unread, mentions, more
end
return answer
