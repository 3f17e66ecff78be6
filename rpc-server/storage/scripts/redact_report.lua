-- Replaces a report if it is as it was read.
--
-- KEYS  1 reports  hash: 16 digits of a time → JSON
-- ARGV  1 id       16 digits of the report
--       2 old      JSON
--       3 new      JSON
-- Returns 1 if it was replaced, else 0.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
