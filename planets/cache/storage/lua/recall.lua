-- Asks a server which run it is, whose its data is, and proves that it takes writes: greeting.py and
-- owners.py. Returns the run, "" where INFO is forbidden, and of each gate "is <owner>" where another
-- owns it, "was <owner>" where another did, else "".
-- KEYS: the gate of everything of each database, the owner of each, then keys where nothing is.
-- ARGV: how many gates; "new" on a connection that was just made; milliseconds that an owner lasts;
-- who the caller is to each gate, "" where he does not know.
local info = redis.pcall('INFO', 'replication')
local run = type(info) == 'string' and string.match(info, 'master_replid:(%x+)') or ''
local gates = tonumber(ARGV[1])
local told = { run }

local function owner_of(key, mine) -- who it is from now on: the caller, where it is nobody's
  local owner = redis.pcall('GET', key)
  if type(owner) == 'string' and redis.call('PTTL', key) > 0 and owner ~= mine then return owner end
  redis.call('DEL', key) -- which gets the SET past a full Redis
  redis.call('SET', key, mine, 'PX', ARGV[3])
  return mine
end

for i = 1, gates do
  local mine = ARGV[3 + i]
  local owner = mine == '' and mine or owner_of(KEYS[gates + i], mine)
  told[i + 1] = owner == mine and '' or 'is ' .. owner
  local held = owner == mine and redis.pcall('GET', KEYS[i])
  -- A closed gate stays closed for its writer's sake, and a new generation follows it anyway.
  if type(held) == 'string' and not string.find(held, '^w:%w+@') then
    local of_run, of_owner = string.match(held, '^o:[^@]*@(%x*)@(%x*)$')
    local same = of_run == run
    if run == '' then same = of_run and ARGV[2] == 'again' end
    if mine ~= '' and of_owner ~= mine then
      same = false
      if of_owner and of_owner ~= '' then told[i + 1] = 'was ' .. of_owner end
    end
    if not same then redis.call('DEL', KEYS[i]) end
  elseif type(held) == 'table' then redis.call('DEL', KEYS[i]) end
end
redis.call('DEL', unpack(KEYS, 2 * gates + 1))
return told
