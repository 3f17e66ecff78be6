-- Fragment: precedes every script that decodes entries of a log.
--
-- An entry is 16 digits of its position, then StoredMessage of idl_rpc.thrift in Thrift's binary protocol: fields, each
-- of a byte with its type, two with its number, and a value; a byte 0 ends them. Package entry of Go writes the sender
-- first and the kind second. Older servers wrote other orders without the kind, so every order is read, and fields that are
-- not known are skipped. Go's ReadHead does the same; a test compares the two.
local byte, sub = string.byte, string.sub -- a local is found faster than a field of a global
local kind_message, kind_notice, kind_change, kind_deletion = 1, 2, 4, 5
local kind_erased, kind_last = 3, 5

local bool_type, byte_type, string_type, struct_type = 2, 3, 11, 12
local map_type, set_type, list_type = 13, 14, 15
local fixed = {[2] = 1, [3] = 1, [4] = 8, [6] = 2, [8] = 4, [10] = 8} -- bool, byte, double, i16, i32, i64

-- number reads a count of bytes or elements, and the place where they begin. It returns nil where the entry is too
-- short for that count.
local function number(text, at)
  local a, b, c, d = byte(text, at, at + 3)
  if not d then
    return nil
  end
  local n = ((a * 256 + b) * 256 + c) * 256 + d
  if n > #text - at - 3 then
    return nil
  end
  return n, at + 4
end

-- skip returns the end of the value that begins at a place, or nil where it has no end. Every step consumes at least a
-- byte.
local function skip(text, at, kind, depth)
  if fixed[kind] then
    at = at + fixed[kind]
    return at <= #text + 1 and at or nil
  end
  if kind == string_type then
    local length, from = number(text, at)
    return length and from + length
  end
  if depth == 0 then
    return nil
  end
  if kind == struct_type then
    while true do
      local field = byte(text, at)
      if field == 0 then
        return at + 1
      end
      if not field or at + 2 > #text then
        return nil
      end
      at = skip(text, at + 3, field, depth - 1)
      if not at then
        return nil
      end
    end
  end
  if kind ~= list_type and kind ~= set_type and kind ~= map_type then
    return nil
  end
  local first, second = byte(text, at), nil
  at = at + 1
  if kind == map_type then
    second = byte(text, at)
    at = at + 1
  end
  local count, from = number(text, at)
  if not count then
    return nil
  end
  at = from
  for _ = 1, count do
    at = skip(text, at, first, depth - 1)
    if at and second then
      at = skip(text, at, second, depth - 1)
    end
    if not at then
      return nil
    end
  end
  return at
end

-- written_head is head for an entry in today's form; nil for any other.
local function written_head(stored)
  local t, high, low, a, b, c, length = byte(stored, 17, 23)
  if t ~= string_type or high ~= 0 or low ~= 2 or a ~= 0 or b ~= 0 or c ~= 0 or not length then
    return nil
  end
  local at = 24 + length
  local kind
  t, high, low, kind = byte(stored, at, at + 3)
  if t ~= byte_type or high ~= 0 or low ~= 6 or not kind or kind < kind_message or kind > kind_last then
    return nil
  end
  return sub(stored, 24, at - 1), kind
end

-- head returns the sender and the kind of an entry; nil where the entry is damaged before both are known.
local function head(stored)
  local known, known_kind = written_head(stored)
  if known then
    return known, known_kind
  end
  local at, sender, kind, notice, erased = 17, nil, nil, false, false
  while true do
    local t, high, low = byte(stored, at, at + 2)
    if t == 0 then
      break
    end
    if not low then
      return nil
    end
    local field = high * 256 + low
    at = at + 3
    if field == 2 and t == string_type then
      local length, from = number(stored, at)
      if not length then
        return nil
      end
      at = from + length
      sender = sub(stored, from, at - 1)
    elseif field == 6 and t == byte_type then
      local said = byte(stored, at)
      if not said then
        return nil
      end
      at = at + 1
      if said >= kind_message and said <= kind_last then
        kind = said
      end
    else
      if field == 4 and t == struct_type then
        notice = true
      elseif field == 5 and t == bool_type then
        erased = byte(stored, at) == 1
      end
      at = skip(stored, at, t, 64)
      if not at then
        return nil
      end
    end
    if sender and kind then
      return sender, kind
    end
  end
  if not sender then
    return nil
  elseif notice then
    return sender, kind_notice
  elseif erased then
    return sender, kind_erased
  end
  return sender, kind_message
end

-- by_other reports whether an entry is a message of another user. For entries of the current format it reads only the
-- needed fields, and mostly makes no copy of the sender.
local function by_other(stored, user)
  local t, high, low, a, b, c, length = byte(stored, 17, 23)
  if t == string_type and high == 0 and low == 2 and a == 0 and b == 0 and c == 0 and length then
    local at = 24 + length
    local kind
    t, high, low, kind = byte(stored, at, at + 3)
    if t == byte_type and high == 0 and low == 6 and kind and kind >= kind_message and kind <= kind_last then
      return kind == kind_message and (length ~= #user or sub(stored, 24, at - 1) ~= user)
    end
  end
  local sender, kind = head(stored)
  return kind == kind_message and sender ~= user
end

-- is_change says whether an entry is about an earlier message.
local function is_change(stored)
  local _, kind = head(stored)
  return kind == kind_change or kind == kind_deletion
end

