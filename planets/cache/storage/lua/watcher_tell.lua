-- Stores how far a watcher has come and how it fares, while the turn is still its own, and prolongs
-- the turn. Returns whose turn it is.
-- KEYS: the turn, the position, the state. ARGV: who, milliseconds, position ("": as it was), state,
-- milliseconds that the state is of interest.
local held = redis.pcall('GET', KEYS[1])
if held ~= ARGV[1] then return type(held) == 'string' and held or '' end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
if ARGV[3] ~= '' then
  local stored = redis.pcall('SET', KEYS[2], ARGV[3])
  if stored.err then return stored end
end
local told = redis.pcall('SET', KEYS[3], ARGV[4], 'PX', ARGV[5])
if told.err then return told end
return held
