-- Writes, as an append does: a Redis that is full, a replica, and one that lets us run no scripts refuse it.
--
-- KEYS  1 ready    string
-- ARGV  1 seconds  its lifetime
-- Returns 1.
redis.call('SET', KEYS[1], '1', 'EX', ARGV[1])
return 1
