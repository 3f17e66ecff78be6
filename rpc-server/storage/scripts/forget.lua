-- Forgets how far a user and the user's devices have read and received a chat.
--
-- KEYS  1 read       hash: reader → cursor
--       2 delivered  hash: user → position
-- ARGV  1 user  whose devices are "user/device"
-- Returns how many readers were forgotten.
local read, user = KEYS[1], ARGV[1]
local devices = user .. '/'

local forgotten = 0
for _, reader in ipairs(redis.call('HKEYS', read)) do
  if reader == user or string.sub(reader, 1, #devices) == devices then
    forgotten = forgotten + redis.call('HDEL', read, reader)
  end
end
redis.call('HDEL', KEYS[2], user)
return forgotten
