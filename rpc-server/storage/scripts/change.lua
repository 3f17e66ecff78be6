-- Fragment: the common part of target.lua and amend.lua. log.lua and restraint.lua come before it.

-- Outcomes besides positions; append_one.lua has the same.
local FULL = 0
local CONFLICT = -9007199254740992    -- -2^53
local OUTSIDER = -9007199254740994
local DELETED = -9007199254740996
local NO_ROOM = -9007199254741004
local AMENDED = -9007199254741006     -- the message, or the sender's role, is not as it was read

-- admit returns an outcome where the member may not change messages of the room, or nil. Without a member the room must
-- exist where exists says so. speaks says that a user who is muted may not.
local function admit(room, members, member, exists, speaks, now)
  if member == '' and not exists then
    return nil
  end
  local value, rules
  if member ~= '' then
    value, rules = unpack(call('HMGET', members, member, ''))
  end
  local function refused()
    if not rules or value and not speaks then
      return nil
    end
    local outcome, problem = restrained(members, value, rules, member, now)
    if problem then
      error(problem.err)
    end
    if speaks or outcome and outcome <= BANNED then
      return outcome
    end
  end
  if value then
    return refused()
  end
  local visibility = call('HGET', room, 'visibility')
  if not visibility then
    return NO_ROOM
  end
  if visibility == 'deleted' then
    return DELETED
  end
  if member ~= '' and visibility == 'private' then
    return OUTSIDER
  end
  return refused()
end

-- recognise returns the position of an earlier change with an id, CONFLICT, or nil.
local function recognise(ids, id, digest, outdated)
  local known = id ~= '' and call('ZSCORE', ids, id)
  if not known or tonumber(known) < outdated then
    return nil
  end
  if call('ZSCORE', ids, digest .. id) == known then
    return tonumber(known)
  end
  return CONFLICT
end

