-- Stores an entry and its expiry, if the lease is still the filler's, and gives the lease back.
-- KEYS: the lease, the entry, its late copy where there is to be one. ARGV: token, PEXPIRE or
-- PEXPIREAT, milliseconds, those of the late copy, the value.
if redis.pcall('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local stored = redis.pcall('SET', KEYS[2], ARGV[5])
redis.call('DEL', KEYS[1])
if stored.err then return stored end -- it is full: nobody is to wait for this fill
if KEYS[3] then redis.pcall('SET', KEYS[3], ARGV[5], 'PX', ARGV[4]) end
return redis.call(ARGV[2], KEYS[2], ARGV[3])
