-- Takes the lease of one key where it is free. Returns who holds it now: the caller's own token,
-- another filler's, or a writer's tombstone.
-- KEYS: the lease. ARGV: token, milliseconds.
local held = redis.pcall('GET', KEYS[1])
-- A key of another type heals; who may not look must not act.
if type(held) == 'table' and not string.find(held.err, 'WRONGTYPE', 1, true) then return held end
if type(held) == 'string' and redis.call('PTTL', KEYS[1]) > 0 then return held end
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]
