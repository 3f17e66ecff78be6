-- Changes a room and its members and tells of it in the room's log, if the room still is as it was read; or deletes it.
--
-- KEYS  1 room          hash: visibility, name, created, admins (how many members are); of one that was deleted visibility,
--                       reserved (until when only heirs may create it anew), heirs (its last admins)
--       2 members       hash: user → "role since"; since is the position of the notice of it
--       3 log           sorted set: position → 16 digits of the position, then the stored message
--       4 activity      sorted set: newest position of a chat → the chat
--       5 attachments   hash: attachment → what is known of it; while there are some, a deletion leaves a mark in 6
--       6 look          sorted set: when to look at it → "<chat> <attachment>", or "<chat> " for all
--       7…              what else goes with a room that is deleted; its log and activity go too
-- ARGV  1 id            of the room
--       2 now           as append.lua's
--       3 retention     as append.lua's
--       4 max_messages  as append.lua's
--       5 publish       "publish", or "spublish" in a cluster
--       6 hints         the channel that the last notice's position is published on
--       7 news          the channel that event is published on
--       8 event         encoded: that members have changed; "" is none
--       9 limit         of members; where the room is deleted, how many there may be at most, 0 being any number
--      10 empty         "1" where the room must not have had a message
--      11 admins        how many there must be; "" is any number
--      12 delete        "1" deletes the room
--      13 reserve       how long only the last admins may create the room anew that is deleted, in microseconds
--      14…              five lists, each after the number of its elements: of the room's fields and what they must be,
--                       "" for none; of users and what they must be, "" for no members; of the room's fields and what
--                       they become; of users, their roles and since, "" for the first notice's position, or, with the
--                       role "", gone; of notices, encoded
-- Returns one integer: the position of the first notice, or 1 where there is none: done
--                      0    the log's positions are used up: nothing changed
--                      -1   something is not as it must be: nothing changed
--                      -2   there would be too many members: nothing changed
--                      -3   there are messages already: nothing changed
-- log.lua comes before it.
local room, members, log, activity = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, now = ARGV[1], clock(ARGV[2])
local retention, max_messages = tonumber(ARGV[3]), tonumber(ARGV[4])
local publish, hints, news, event = ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local limit, empty, admins, delete = tonumber(ARGV[9]), ARGV[10], ARGV[11], ARGV[12]

local reserve = tonumber(ARGV[13])

local at = 14
local function list()
  local size = tonumber(ARGV[at])
  local taken = {}
  for i = 1, size do
    taken[i] = ARGV[at + i]
  end
  at = at + size + 1
  return taken
end
local if_room, if_members, fields, people, notices = list(), list(), list(), list(), list()

local function is(key, wanted)
  for i = 1, #wanted, 2 do
    if (call('HGET', key, wanted[i]) or '') ~= wanted[i + 1] then
      return false
    end
  end
  return true
end
local known_admins = tonumber(call('HGET', room, 'admins') or 0)
if not is(room, if_room) or not is(members, if_members) or admins ~= '' and tonumber(admins) ~= known_admins then
  return -1
end
if empty == '1' and call('ZSCORE', activity, id) then
  return -3
end

if delete == '1' then
  if limit > 0 and call('HLEN', members) > limit then
    return -1
  end
  local heirs = {}
  if reserve > 0 then
    local all = call('HGETALL', members)
    for i = 1, #all, 2 do
      if string.match(all[i + 1], '^admin ') then
        heirs[#heirs + 1] = all[i]
      end
    end
  end
  call('UNLINK', unpack(KEYS, 2, 3))
  call('UNLINK', room, unpack(KEYS, 7))
  if call('EXISTS', KEYS[5]) == 1 then
    call('ZADD', KEYS[6], 0, id .. ' ')
  end
  call('HSET', room, 'visibility', 'deleted', 'reserved', text(now + reserve), 'heirs', table.concat(heirs, ' '))
  call('PEXPIRE', room, text(math.max(math.ceil(reserve / 1000), 86400000))) -- for a day it says that the room was deleted
  call('ZREM', activity, id)
  if event ~= '' then
    pcall(publish, news, event)
  end
  return 1
end

local count = call('HLEN', members)
local more = 0
for i = 1, #people, 3 do
  if people[i + 1] ~= '' and call('HEXISTS', members, people[i]) == 0 then
    more = more + 1
  end
end
if more > 0 and count + more > limit then
  return -2
end

-- All positions are known before anything is written: the log may have no more.
local before = last_position(activity, id)
local first, last = 1, 0
for i = 1, #notices do
  local position = position_after(last > 0 and last or before, now)
  if not position then
    return 0
  end
  if i == 1 then
    first = position
  end
  last = position
end
for i = 1, #notices do
  local score = digits(last - #notices + i)
  call('ZADD', log, score, score .. notices[i])
end
if last > 0 then
  call('ZADD', activity, digits(last), id)
end
if #notices > 0 then
  trim(log, now, retention, max_messages)
end

for i = 1, #fields, 2 do
  local value = fields[i + 1]
  if fields[i] == 'created' then
    value = text(first)
    call('PERSIST', room) -- it may be one that was deleted
    call('HDEL', room, 'reserved', 'heirs')
  end
  call('HSET', room, fields[i], value)
end
for i = 1, #people, 3 do
  local user, role, since = people[i], people[i + 1], people[i + 2]
  if string.match(call('HGET', members, user) or '', '^admin ') then
    known_admins = known_admins - 1
  end
  if role == '' then
    call('HDEL', members, user)
  else
    if role == 'admin' then
      known_admins = known_admins + 1
    end
    if since == '' then
      since = text(first)
    end
    call('HSET', members, user, role .. ' ' .. since)
  end
end
call('HSET', room, 'admins', text(known_admins))

if event ~= '' then
  pcall(publish, news, event) -- first: who has to go is not told what comes
end
if last > 0 then
  pcall(publish, hints, id .. ' ' .. text(last)) -- a user who may not publish may still change rooms
end
return first
