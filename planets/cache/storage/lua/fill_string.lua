-- Stores an entry and its expiry, if the lease is still the filler's, and gives the lease back.
-- KEYS: the lease, the entry. ARGV: token, PEXPIRE or PEXPIREAT, milliseconds, the value.
if redis.pcall('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local stored = redis.pcall('SET', KEYS[2], ARGV[4])
redis.call('DEL', KEYS[1])
if stored.err then return stored end -- it is full: nobody is to wait for this fill
return redis.call(ARGV[2], KEYS[2], ARGV[3])
