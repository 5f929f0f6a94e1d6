-- Asks a server that a connection was just made to whether it is the one that was asked before. One
-- that was restarted from a file, or promoted from a replica that lagged, may have forgotten the
-- last invalidations, so all that it remembers goes out of reach.
-- KEYS: for each database, where the server's run is remembered and the gate of everything.
-- ARGV: milliseconds to remember it.
local info = redis.pcall('INFO', 'server')
local run = type(info) == 'string' and string.match(info, 'run_id:(%x+)') or ''
for i = 1, #KEYS, 2 do
  if redis.pcall('GET', KEYS[i]) ~= run then
    redis.call('DEL', KEYS[i])
    local gate = redis.pcall('GET', KEYS[i + 1])
    -- A closed gate stays closed for its writer's sake, and a new generation follows it anyway.
    if type(gate) ~= 'string' or string.sub(gate, 1, 2) ~= 'w:' then redis.call('DEL', KEYS[i + 1]) end
    redis.call('SET', KEYS[i], run, 'PX', ARGV[1])
  end
end
