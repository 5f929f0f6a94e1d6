-- Notes in an open gate a position that is not before any write that it has heard of.
-- KEYS: the gate. ARGV: the token that it was seen with, the position, milliseconds.
local held = redis.pcall('GET', KEYS[1])
-- A key of another type heals; who may not look must not act.
if type(held) == 'table' and not string.find(held.err, 'WRONGTYPE', 1, true) then return held end
local seen = 'o:' .. ARGV[1]
if type(held) ~= 'string' or string.sub(held, 1, #seen) ~= seen then return 0 end
local run_and_owner = string.match(held, '@.*') or ''
redis.call('SET', KEYS[1], seen .. '=' .. ARGV[2] .. run_and_owner, 'PX', ARGV[3])
return 1
