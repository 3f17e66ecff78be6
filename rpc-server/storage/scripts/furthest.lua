-- Finds how far users have read a chat, with whichever device has read furthest.
--
-- KEYS  1 read  hash: reader → cursor
-- ARGV  1…      users
-- Returns a cursor for each user, in order; "0" for none.
local wanted = {}
for _, user in ipairs(ARGV) do
  wanted[user] = 0
end
local readers = redis.call('HGETALL', KEYS[1])
for i = 1, #readers, 2 do
  local user = string.match(readers[i], '^[^/]+')
  local known = wanted[user]
  if known then
    wanted[user] = math.max(known, tonumber(readers[i + 1]) or 0)
  end
end
local furthest = {}
for i, user in ipairs(ARGV) do
  furthest[i] = string.format('%.0f', wanted[user])
end
return furthest
