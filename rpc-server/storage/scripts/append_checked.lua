-- Appends a batch of messages of which some need checks or list entries. Each message pays only for its own steps.
--
-- entry.lua, reply.lua, log.lua, restraint.lua and append_one.lua come before it.
-- KEYS  of each message two, as append.lua, then as its steps say:
--       i: ids      sorted set: position → "sender/id", and the same with the text's digest before it
--       m: room     hash: visibility, name, created, admins
--          members  hash: user → "role since"
--       r: room     as m's
--       n: room     as m's
--          members  as m's
--       t: threads  sorted set: 0 → 16 digits of a message's position, then those of an answer's
--       a: attachments  hash: attachment → its state, 16 digits of its message's position, its sender, and more
--       1: chats    sorted set of a user: 0, a time or -1 → a chat of the user's
--       2: chats    of two users
-- ARGV  7 of append_one.lua, 8 window: how long an id is recognised, in microseconds; then of each message two:
--       message     encoded
--       steps       a string of letters; "l" says that the chat is listed already; then as the other letters say:
--       i: id       "sender/id"
--          digest   of the text, beginning with "#", as no sender does
--       m: member   must be a member of a private room, and may not send to a room that is deleted or was never created
--       r:          the room must exist
--       n: count    of users whom the message mentions
--          users    the users who must be members, if the chat is a room
--       t: parent   16 digits of the position of the message that this one answers
--       a: attachment  that becomes this message's
--          sender
--       1, 2: score of the chat where it is new in a list: 0 of a conversation, -1 of a room
-- Returns an integer for each message: its position, an outcome of append_one.lua, or
--                -position   the id was known, with this text: nothing is stored.
-- Then the indices, from 0, of the list keys that got a new entry, in the order of all list keys; then as with_followers
-- has it.
local window = tonumber(ARGV[8])
local outdated, lifetime = now - window, text(math.ceil(window / 1000))
local k, a, index = 1, 9, -1
local added, lists = {}, 0

local function key()
  k = k + 1
  return KEYS[k - 1]
end

local function argument()
  a = a + 1
  return ARGV[a - 1]
end

local function has(steps, letter)
  return string.find(steps, letter, 1, true) ~= nil
end

-- may_speak returns an outcome where the rules of a room refuse a user's message, or nil and the pause of slow mode.
local function may_speak(members, value, rules, user)
  local outcome, problem = restrained(members, value, rules, user, now)
  if problem then
    return failure(problem)
  end
  if not outcome and has_rule(rules, 'announce') and not is_admin(value) then
    outcome = ANNOUNCED
  end
  return outcome, pause(value, rules)
end

-- admit returns an outcome where the member may not send, or nil and the pause of slow mode. A deleted room has no members.
-- Without a member the room must exist. The rules of the room are read with the membership, by one command.
local function admit(room, members, member)
  local known = member and pcall('HMGET', members, member, '')
  if known and known.err then
    return failure(known)
  end
  if known and known[1] then
    if known[2] then
      return may_speak(members, known[1], known[2], member)
    end
    return nil
  end
  local visibility = pcall('HGET', room, 'visibility')
  if type(visibility) == 'table' then
    return failure(visibility)
  end
  if not visibility then
    return NO_ROOM
  end
  if visibility == 'deleted' then
    return DELETED
  end
  if member and visibility == 'private' then
    return OUTSIDER
  end
  if known and known[2] then
    return may_speak(members, known[1], known[2], member)
  end
end

-- recognise returns the outcome of a message whose id is known, or nil. It also removes ids older than the window, for
-- one message in 16.
local function recognise(ids, id, digest)
  local known = pcall('ZSCORE', ids, id)
  if type(known) == 'table' then
    return failure(known)
  end
  if now % 16 == 0 then
    call('ZREMRANGEBYSCORE', ids, '-inf', '(' .. text(outdated))
  end
  if not known or tonumber(known) < outdated then
    return nil
  end
  if call('ZSCORE', ids, digest .. id) == known then
    call('PEXPIRE', ids, lifetime) -- a write, so that WAIT covers the replicas of the first one
    return -tonumber(known)
  end
  return CONFLICT
end

-- mentioned returns an outcome where a mentioned user is not a member of the room.
local function mentioned(room, members, users)
  local visibility = pcall('HGET', room, 'visibility')
  if type(visibility) == 'table' then
    return failure(visibility)
  end
  if not visibility then
    return nil
  end
  for _, user in ipairs(users) do
    if call('HEXISTS', members, user) == 0 then
      return NOT_MENTIONED
    end
  end
end

-- parent_of returns the member of the message that is answered, or an outcome.
local function parent_of(log, position)
  local found = pcall('ZRANGE', log, position, position, 'BYSCORE', 'LIMIT', 0, 1)
  if found.err then
    return nil, failure(found)
  end
  local _, kind = head(found[1] or '')
  if kind ~= kind_message and kind ~= kind_erased then
    return nil, NO_PARENT
  end
  return found[1]
end

-- attachment_of returns the value of a sender's confirmed attachment, or an outcome.
local function attachment_of(attachments, attachment, sender)
  local value = pcall('HGET', attachments, attachment)
  if type(value) == 'table' then
    return nil, failure(value)
  end
  local state, owner
  if value then
    state, owner = string.match(value, '^(%a) %d+ (%S+) ')
  end
  if owner ~= sender or state ~= 'c' and state ~= 's' then
    return nil, NO_ATTACHMENT
  end
  if state == 's' then
    return nil, TAKEN
  end
  return value
end

-- count_reply counts an answer at its parent, and enters it into the threads, from which it removes those of messages that
-- are gone.
local function count_reply(log, threads, parent, position)
  local counted = with_reply(parent, position)
  local score = sub(parent, 1, 16)
  if counted and call('ZSCORE', log, parent) then -- the answer may have removed it, where few are kept
    call('ZADD', log, score, counted)
    call('ZREM', log, parent)
  end
  call('ZADD', threads, 0, score .. digits(position))
  call('ZREMRANGEBYLEX', threads, '-', '(' .. sub(call('ZRANGE', log, 0, 0)[1], 1, 16))
  if trims and retention > 0 then
    call('PEXPIRE', threads, text(math.ceil(retention / 1000)))
  elseif trims then
    call('PERSIST', threads)
  end
end

-- enlist puts the chat into a user's list, and returns an outcome where that failed.
local function enlist(list, score, chat, index)
  local reply = pcall('ZADD', list, 'NX', score, chat)
  if type(reply) == 'table' then
    return failure(reply)
  end
  if reply == 1 then
    added[#added + 1] = index
  end
end

local function append_next()
  local activity, log = key(), key()
  local message, steps = argument(), argument()
  index = index + 1
  local ids, id, digest, outcome, members, sender, slow
  local listed = has(steps, 'l')
  if has(steps, 'i') then
    ids, id, digest = key(), argument(), argument()
  end
  if has(steps, 'm') then
    local room = key()
    members, sender = key(), argument()
    outcome, slow = admit(room, members, sender)
  elseif has(steps, 'r') then
    outcome = admit(key())
  end
  if ids and not outcome then
    outcome = recognise(ids, id, digest)
  end
  if slow and not outcome then -- after recognise: a message that was stored may be sent again
    outcome = too_soon(members, sender, slow, now)
  end
  if has(steps, 'n') then
    local room, members, users = key(), key(), {}
    for i = 1, tonumber(argument()) do
      users[i] = argument()
    end
    outcome = outcome or mentioned(room, members, users)
  end
  local threads, parent
  if has(steps, 't') then
    threads, parent = key(), argument()
    if not outcome then
      parent, outcome = parent_of(log, parent)
    end
  end
  local attachments, attachment, file
  if has(steps, 'a') then
    attachments, attachment = key(), argument()
    local sender = argument()
    if not outcome then
      file, outcome = attachment_of(attachments, attachment, sender)
    end
  end
  local users = has(steps, '1') and 1 or has(steps, '2') and 2 or 0
  if users > 0 then
    local score = argument()
    for _ = 1, users do
      local list = key()
      outcome = outcome or enlist(list, score, sub(log, #activity - 3), lists)
      lists = lists + 1
    end
    listed = true
  end
  if outcome then
    return outcome
  end
  local position = append_one(activity, log, message, listed, index)
  if ids and position > 0 then
    local score = digits(position)
    call('ZADD', ids, score, id, score, digest .. id)
    call('PEXPIRE', ids, lifetime)
  end
  if slow and position > 0 then
    note_pace(members, sender, slow, position)
  end
  if threads and position > 0 then
    count_reply(log, threads, parent, position)
  end
  if file and position > 0 then
    call('HSET', attachments, attachment, 's ' .. digits(position) .. sub(file, 19))
  end
  return position
end

local results = {}
while k <= #KEYS do
  results[#results + 1] = append_next()
  if refusal then
    return refusal
  end
end
for i = 1, #added do
  results[#results + 1] = added[i]
end
return with_followers(results)
