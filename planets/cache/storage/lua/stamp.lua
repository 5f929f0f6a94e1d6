-- Notes in an open gate a position that is not before any write that it has heard of.
-- KEYS: the gate. ARGV: the token that it was seen with, the position, milliseconds.
local held = redis.pcall('GET', KEYS[1])
local seen = 'o:' .. ARGV[1]
if type(held) ~= 'string' or string.sub(held, 1, #seen) ~= seen then return 0 end
local run_and_owner = string.match(held, '@.*') or ''
redis.call('SET', KEYS[1], seen .. '=' .. ARGV[2] .. run_and_owner, 'PX', ARGV[3])
return 1
