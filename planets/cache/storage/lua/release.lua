-- Gives a lease back unused. KEYS: the lease. ARGV: token.
if redis.pcall('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
