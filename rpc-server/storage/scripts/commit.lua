-- Stores how far a projection has come in partitions. In a cluster it is called for one partition at a time.
--
-- KEYS  for each partition five:
--       state    hash
--       cursors  hash: chat → cursor
--       dead     hash: events that could not be handled → when, in microseconds, and why
--       groups   sorted set: the groups of its counters, by when they are removed, in seconds; +inf is never
--       what the keys of its counters begin with
-- ARGV  most     dead letters that are kept of a partition
--       JSON     for each partition {
--         "token":   of the lease
--         "floor":   the events of all positions before it were handled
--         "handled": events since the last commit
--         "failing": since when no event could be handled, in microseconds; "0": not failing
--         "error":   the last one
--         "cursors": [[chat, cursor, expected, [[group, counter, amount, expires]...]]...]
--         "dead":    [[event, text]...]
--         "revived": [event...]
--       }; lists that are empty are left out
-- Returns for each partition 1, or 0 where the lease is another's now: then nothing of it was stored.
local KEYS, call = KEYS, redis.call
local most, now = tonumber(ARGV[1]), tonumber(call('TIME')[1])

-- prune removes some groups whose time has passed.
local function prune(groups, counts)
  for _, group in ipairs(call('ZRANGEBYSCORE', groups, '-inf', now, 'LIMIT', 0, 100)) do
    call('UNLINK', counts .. group)
    call('ZREM', groups, group)
  end
end

-- sum adds counts to sums: group → {expires, counter → amount}. A group whose time has passed is left out.
local function sum(sums, list)
  for _, count in ipairs(list) do
    local group, counter, expires = count[1], count[2], count[4]
    if expires == 0 or expires > now then
      local of = sums[group]
      if not of then
        of = {expires, {}}
        sums[group] = of
      end
      of[2][counter] = (of[2][counter] or 0) + count[3]
    end
  end
end

-- add stores sums.
local function add(groups, counts, sums)
  for group, of in pairs(sums) do
    for counter, amount in pairs(of[2]) do
      call('HINCRBY', counts .. group, counter, string.format('%.0f', amount))
    end
    call('ZADD', groups, of[1] == 0 and '+inf' or of[1], group)
    if of[1] > 0 then
      call('EXPIREAT', counts .. group, of[1])
    end
  end
  prune(groups, counts)
end

-- set stores the cursors of chats, and removes the empty ones.
local function set(cursors, moved)
  local args, n = {}, 0
  for chat, cursor in pairs(moved) do
    if cursor == '' then
      call('HDEL', cursors, chat)
    else
      args[n + 1], args[n + 2] = chat, cursor
      n = n + 2
      if n == 1000 then -- Lua returns some thousands of values at most
        call('HSET', cursors, unpack(args, 1, n))
        n = 0
      end
    end
  end
  if n > 0 then
    call('HSET', cursors, unpack(args, 1, n))
  end
end

-- move stores cursors, and the counts of those that are where they are expected.
local function move(cursors, groups, counts, list)
  local moved, sums, counting = {}, {}, false
  for _, c in ipairs(list) do
    local chat = c[1]
    if c[4] and (moved[chat] or call('HGET', cursors, chat) or '') == c[3] then
      sum(sums, c[4])
      counting = true
    end
    moved[chat] = c[2]
  end
  if counting then
    add(groups, counts, sums)
  end
  set(cursors, moved)
end

-- bury removes dead letters that were handled, and adds new ones.
local function bury(dead, commit)
  for _, event in ipairs(commit.revived or {}) do
    call('HDEL', dead, event)
  end
  for _, letter in ipairs(commit.dead or {}) do
    if call('HLEN', dead) < most then
      call('HSET', dead, letter[1], letter[2])
    end
  end
end

local stored = {}
for i, commit in ipairs(cjson.decode(ARGV[2])) do
  local k = 5 * i - 4
  local state = KEYS[k]
  local known = call('HMGET', state, 'token', 'failing', 'handled')
  stored[i] = known[1] == commit.token and 1 or 0
  if stored[i] == 1 then
    if commit.cursors then
      move(KEYS[k + 1], KEYS[k + 3], KEYS[k + 4], commit.cursors)
    end
    bury(KEYS[k + 2], commit)
    local handled = string.format('%.0f', (known[3] or 0) + commit.handled)
    if commit.failing ~= '0' then
      call('HSET', state, 'floor', commit.floor, 'handled', handled, 'failing', commit.failing, 'error', commit.error)
    else
      call('HSET', state, 'floor', commit.floor, 'handled', handled)
      if known[2] then
        call('HDEL', state, 'failing', 'error')
      end
    end
  end
end
return stored
