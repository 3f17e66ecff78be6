-- Fragment: counts answers in a stored message. entry.lua comes before it.

-- with_reply returns the entry with one answer more, whose position is the last; nil where the entry is damaged. The fields
-- Replies (15, an i32) and LastReply (16, an i64) are written anew at the end.
local function with_reply(stored, position)
  local parts, from, at, count = {}, 1, 17, 0
  while true do
    local t, high, low = byte(stored, at, at + 2)
    if t == 0 then
      break
    end
    if not low then
      return nil
    end
    local after = skip(stored, at + 3, t, 64)
    if not after then
      return nil
    end
    local field = high * 256 + low
    if field == 15 or field == 16 then
      if field == 15 and t == 8 then
        local a, b, c, d = byte(stored, at + 3, at + 6)
        count = ((a * 256 + b) * 256 + c) * 256 + d
      end
      parts[#parts + 1], from = sub(stored, from, at - 1), after
    end
    at = after
  end
  count = math.min(count + 1, 2147483647)
  local bytes = {}
  for i = 4, 1, -1 do
    bytes[i], count = string.char(count % 256), math.floor(count / 256)
  end
  local eight = {}
  for i = 8, 1, -1 do
    eight[i], position = string.char(position % 256), math.floor(position / 256)
  end
  parts[#parts + 1] = sub(stored, from, at - 1)
  return table.concat(parts) .. '\8\0\15' .. table.concat(bytes) .. '\10\0\16' .. table.concat(eight) .. '\0'
end

