-- Fragment: the rules of a room for a user who is not an admin. log.lua comes before it.
--
-- A room's rules are words: "announce": only admins send; "slow=N": the pause between two messages of a member, in
-- microseconds; "users": the room has bans or mutes. They are the value of "" in the room's members, where a script reads
-- them with a user's membership. The keys below are needed only with rules, so callers do not name them; they have the
-- hash tag of the members.

-- Outcomes: a number of this size and below it, minus a time. Numbers of this size are exact to eight microseconds.
local MUTED = -18014398509481984      -- -2^54, minus the end of the mute, 0 for good
local BANNED = -36028797018963968     -- -2^55, minus the end of the ban, 0 for good
local TOO_SOON = -72057594037927936   -- -2^56, minus the time to wait
local ANNOUNCED = -9007199254741016   -- only admins send

-- beside returns another key of the room whose members' key is given.
local function beside(members, kind)
  local at = string.find(members, ':members:', 1, true)
  return sub(members, 1, at) .. kind .. sub(members, at + 8)
end

local function has_rule(rules, word)
  return rules and string.find(rules, word, 1, true) ~= nil
end

local function is_admin(member)
  return member and sub(member, 1, 6) == 'admin '
end

-- ends returns when a restraint ends, if it is in effect.
local function ends(restraint, now)
  local until_ = restraint and tonumber(string.match(restraint, '^%d+'))
  if until_ and (until_ == 0 or until_ > now) then
    return until_
  end
end

-- restrained returns an outcome where a user is banned, who is no member, or is muted; or an error of Redis. member is the
-- value of the user in members, or false.
local function restrained(members, member, rules, user, now)
  if not has_rule(rules, 'users') or is_admin(member) then
    return nil
  end
  local found = pcall('HMGET', beside(members, 'restraints'), 'ban ' .. user, 'mute ' .. user)
  if found.err then
    return nil, found
  end
  local banned, muted = ends(found[1], now), ends(found[2], now)
  if banned and not member then
    return BANNED - banned
  end
  if muted then
    return MUTED - muted
  end
end

-- pause returns the pause of slow mode for a user, or nil.
local function pause(member, rules)
  if has_rule(rules, 'slow=') and not is_admin(member) then
    return tonumber(string.match(rules, 'slow=(%d+)'))
  end
end

-- too_soon returns an outcome where a member sent within the pause.
local function too_soon(members, user, pause, now)
  local last = call('ZSCORE', beside(members, 'paced'), user)
  if last and tonumber(last) + pause > now then
    return TOO_SOON - (tonumber(last) + pause - now)
  end
end

-- note_pace notes that a member has sent.
local function note_pace(members, user, pause, position)
  local paced = beside(members, 'paced')
  call('ZADD', paced, text(position), user)
  call('ZREMRANGEBYSCORE', paced, '-inf', '(' .. text(position - pause))
  call('PEXPIRE', paced, text(math.ceil(pause / 1000)))
end

