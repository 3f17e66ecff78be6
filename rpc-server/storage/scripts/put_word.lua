-- Registers a word that is counted.
--
-- KEYS  words   hash
-- ARGV  field   of the word
--       match   word or substring
--       prefix  of the fields that have the same chat
--       most    words of one chat
--       total   words in all
-- Returns the word's id; 0 where there are too many words of the chat, -1 where there are too many in all.
local words = KEYS[1]
local field, match, prefix, most, total = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local call = redis.call

local known = call('HGET', words, field)
if known then
  local id, as = string.match(known, '^(%d+) (.*)$')
  if as == match then
    return id
  end
else
  local beside, all = 0, 0
  for _, other in ipairs(call('HKEYS', words)) do
    all = all + 1
    if string.sub(other, 1, #prefix) == prefix then
      beside = beside + 1
    end
  end
  if beside >= most then
    return '0'
  end
  if all - 1 >= total then -- one is the version
    return '-1'
  end
end
local time = call('TIME')
local id = math.max(time[1] * 1000000 + time[2], tonumber(call('HGET', words, 'version') or 0) + 1)
id = string.format('%.0f', id)
call('HSET', words, field, id .. ' ' .. match, 'version', id)
return id
