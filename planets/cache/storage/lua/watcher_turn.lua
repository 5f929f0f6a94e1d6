-- Takes the turn of a binlog's watcher where it is free. Returns who has it now, by a name with a
-- number that grows with each turn.
-- KEYS: the turn, the number of turns. ARGV: who, milliseconds.
local held = redis.pcall('GET', KEYS[1])
if type(held) == 'string' and redis.call('PTTL', KEYS[1]) > 0 then return held end
redis.call('DEL', KEYS[1])
local name = redis.call('INCR', KEYS[2]) .. '-' .. ARGV[1]
redis.call('SET', KEYS[1], name, 'PX', ARGV[2])
return name
