-- Finds what an inbox shows of a chat: its last message, and how many are unread.
--
-- KEYS  1 log     sorted set: position → 16 digits of the position, then the stored message
-- ARGV  1 oldest  the first position that retention has not removed
--       2 last    "1" where the last message is wanted
--       3 from    the first position that is unread
--       4 most    unread messages are counted up to here
--       5 own     whose messages do not count as unread; "" where there are none
--       6…        ignored: whose messages neither count nor are the last one
-- Returns {the last message's member or "", the number of unread ones}.
--
-- Where everybody counts Redis counts by itself. Else messages are looked through in parts, and no more than some
-- thousand of them, so that nobody else waits for long.
local log = KEYS[1]
local oldest, last, from, most, own = ARGV[1], ARGV[2] == '1', ARGV[3], tonumber(ARGV[4]), ARGV[5]
local part, parts = 100, 30

local ignored = {}
for i = 6, #ARGV do
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
-- the first one, the sender the second.
local function sender(member)
  local length, at = number(member, 16 + 4)
  length, at = number(member, at + length + 3)
  return string.sub(member, at, at + length - 1)
end

local shown = ''
if last then
  local size = 1
  if #ARGV > 5 then
    size = part
  end
  for i = 0, parts - 1 do
    local members = redis.call('ZRANGE', log, '+inf', oldest, 'BYSCORE', 'REV', 'LIMIT', i * size, size)
    for _, member in ipairs(members) do
      if shown == '' and not ignored[sender(member)] then
        shown = member
      end
    end
    if shown ~= '' or #members < size or #ARGV == 5 then
      break
    end
  end
end

if tonumber(from) < tonumber(oldest) then
  from = oldest
end
if own == '' and #ARGV == 5 then
  return {shown, math.min(most, redis.call('ZCOUNT', log, from, '+inf'))}
end
local unread = 0
for i = 0, parts - 1 do
  local members = redis.call('ZRANGE', log, from, '+inf', 'BYSCORE', 'LIMIT', i * part, part)
  for _, member in ipairs(members) do
    local by = sender(member)
    if by ~= own and not ignored[by] then
      unread = unread + 1
    end
  end
  if unread >= most or #members < part then
    break
  end
end
return {shown, math.min(most, unread)}
