-- Asks a server which run it is, and proves that it takes writes: see greeting.py.
-- KEYS: the gate of everything of each database, then keys where nothing is. ARGV: how many gates;
-- "new" on a connection that was just made. Returns the run, "" where INFO is forbidden.
local info = redis.pcall('INFO', 'replication')
local run = type(info) == 'string' and string.match(info, 'master_replid:(%x+)') or ''
local gates = tonumber(ARGV[1])
for i = 1, gates do
  local held = redis.pcall('GET', KEYS[i])
  -- A closed gate stays closed for its writer's sake, and a new generation follows it anyway.
  local closed = type(held) == 'string' and string.find(held, '^w:%w+@')
  local same = type(held) == 'string' and string.match(held, '@(%x*)$') == run
  if run == '' then same = ARGV[2] == 'again' end
  if not closed and not same then redis.call('DEL', KEYS[i]) end
end
redis.call('DEL', unpack(KEYS, gates + 1))
return run
