-- Changes a room and its members and tells of it in the room's log, if the room still is as it was read; or deletes it.
--
-- KEYS  1 room          hash: visibility, name, created, admins (how many members are); of one that was deleted visibility,
--                       reserved (until when only heirs may create it anew), heirs (its last admins)
--       2 members       hash: user → "role since"; since is the position of the notice of it; "" → rules, as in room
--       3 log           sorted set: position → 16 digits of the position, then the stored message
--       4 activity      sorted set: newest position of a chat → the chat
--       5 restraints    hash: "ban user", "mute user" → "until since JSON"
--       6 attachments   hash: attachment → its metadata; while there are some, a deletion leaves a mark in 7
--       7 look          sorted set: when to look at it → "<chat> <attachment>", or "<chat> " for all
--       8…              further keys of a deleted room, which are removed with its log and activity
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
--      14…              seven lists, each after the number of its elements: of the room's fields and what they must be,
--                       "" for none; of users and what they must be, "" for no members; of the room's fields and what
--                       they become; of users, their roles and since, "" for the first notice's position, or, with the
--                       role "", gone; of notices, encoded; of restraints, until when they are and their JSON, "" for one
--                       that ends; the position of a message that must exist, with 16 digits
--      last             how many restraints there may be
-- Returns one integer: the position of the first notice, or 1 where there is none: done
--                      0    the log's positions are used up: nothing changed
--                      -1   something is not as it must be: nothing changed
--                      -2   there would be too many members: nothing changed
--                      -3   there are messages already: nothing changed
--                      -4   there is no message at the position: nothing changed
--                      -5   there would be too many restraints: nothing changed
-- entry.lua, log.lua and restraint.lua come before it.
local room, members, log, activity, restraints = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
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
local if_room, if_members, fields, users, notices = list(), list(), list(), list(), list()
local restrain, must_exist = list(), list()
local most_restraints = tonumber(ARGV[at])

-- rules_without_users are the room's rules without the word that restraints add.
local function rules_without_users(rules)
  return (string.gsub(rules or '', ' ?users$', ''))
end

local function is(key, wanted)
  for i = 1, #wanted, 2 do
    local value = call('HGET', key, wanted[i]) or ''
    if key == room and wanted[i] == 'rules' then
      value = rules_without_users(value)
    end
    if value ~= wanted[i + 1] then
      return false
    end
  end
  return true
end
local known_admins = tonumber(call('HGET', room, 'admins') or 0)
if not is(room, if_room) or not is(members, if_members) or admins ~= '' and tonumber(admins) ~= known_admins then
  return -1
end
-- count_members does not count the rules.
local function count_members()
  return call('HLEN', members) - call('HEXISTS', members, '')
end
if empty == '1' and call('ZSCORE', activity, id) then
  return -3
end

if delete == '1' then
  if limit > 0 and count_members() > limit then
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
  call('UNLINK', room, restraints, unpack(KEYS, 8))
  if call('EXISTS', KEYS[6]) == 1 then
    call('ZADD', KEYS[7], 0, id .. ' ')
  end
  call('HSET', room, 'visibility', 'deleted', 'reserved', text(now + reserve), 'heirs', table.concat(heirs, ' '))
  call('PEXPIRE', room, text(math.max(math.ceil(reserve / 1000), 86400000))) -- for a day it says that the room was deleted
  call('ZREM', activity, id)
  if event ~= '' then
    pcall(publish, news, event)
  end
  return 1
end

local restricted = has_rule(call('HGET', members, ''), 'users')
local count = count_members()
local more = 0
for i = 1, #users, 3 do
  if users[i + 1] ~= '' and call('HEXISTS', members, users[i]) == 0 then
    more = more + 1
    if restricted and ends(call('HGET', restraints, 'ban ' .. users[i]), now) then
      return -1
    end
  end
end
if more > 0 and count + more > limit then
  return -2
end
if must_exist[1] then
  local found = call('ZRANGE', log, must_exist[1], must_exist[1], 'BYSCORE', 'LIMIT', 0, 1)[1]
  local _, kind = head(found or '')
  if kind ~= kind_message then
    return -4
  end
end
local new_restraints = 0
for i = 1, #restrain, 3 do
  if restrain[i + 2] ~= '' and call('HEXISTS', restraints, restrain[i]) == 0 then
    new_restraints = new_restraints + 1
  end
end
if new_restraints > 0 and call('HLEN', restraints) + new_restraints > most_restraints then
  local all = call('HGETALL', restraints)
  for i = 1, #all, 2 do
    if not ends(all[i + 1], now) then
      call('HDEL', restraints, all[i])
    end
  end
  if call('HLEN', restraints) + new_restraints > most_restraints then
    return -5
  end
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
for i = 1, #restrain, 3 do
  if restrain[i + 2] == '' then
    call('HDEL', restraints, restrain[i])
  else
    call('HSET', restraints, restrain[i], restrain[i + 1] .. ' ' .. text(first) .. ' ' .. restrain[i + 2])
  end
end
for i = 1, #users, 3 do
  local user, role, since = users[i], users[i + 1], users[i + 2]
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

-- The rules are kept twice, for reads of the room and for reads of a membership.
local known_rules = call('HGET', room, 'rules') or ''
local rules = rules_without_users(known_rules)
if call('EXISTS', restraints) == 1 then
  rules = rules == '' and 'users' or rules .. ' users'
end
if rules == '' then
  call('HDEL', room, 'rules')
  call('HDEL', members, '')
elseif rules ~= known_rules or #fields > 0 then
  call('HSET', room, 'rules', rules)
  call('HSET', members, '', rules)
end

if event ~= '' then
  pcall(publish, news, event) -- first: a removed user does not get the entries that follow
end
if last > 0 then
  pcall(publish, hints, id .. ' ' .. text(last)) -- a user who may not publish may still change rooms
end
return first
