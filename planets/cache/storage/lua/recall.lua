-- Asks a server which run it is, whose databases it holds, and proves that it takes writes: see
-- greeting.py and owners.py.
-- KEYS: the gate of everything of each database, the key of the owner of each, then keys where
-- nothing is. ARGV: how many gates; "new" on a connection that was just made; milliseconds; of each
-- gate the caller's own identity, "" where it is not known.
-- Returns the run, "" where INFO is forbidden, and of each gate "is <owner>" where another owns it,
-- "was <owner>" where another did, "" otherwise.
local info = redis.pcall('INFO', 'replication')
local run = type(info) == 'string' and string.match(info, 'master_replid:(%x+)') or ''
local gates = tonumber(ARGV[1])
local told = { run }

-- Renews or takes the right to a name; returns who has it instead.
local function owner_instead(key, mine)
  local owner = redis.pcall('GET', key)
  if mine == '' or owner == mine then
    if owner == mine then redis.call('PEXPIRE', key, ARGV[3]) end
    return nil
  end
  if type(owner) == 'string' and redis.call('PTTL', key) > 0 then return owner end
  redis.call('DEL', key) -- which also gets the SET past a full Redis
  redis.call('SET', key, mine, 'PX', ARGV[3])
  return nil
end

for i = 1, gates do
  local mine = ARGV[3 + i]
  local other = owner_instead(KEYS[gates + i], mine)
  if other then
    told[i + 1] = 'is ' .. other
  else
    told[i + 1] = ''
    local held = redis.pcall('GET', KEYS[i])
    if type(held) ~= 'string' then held = '' end
    local of_run, of_owner = string.match(held, '^o:[^@]*@(%x*)@(%x*)$')
    local same = of_run == run
    if run == '' then same = of_run and ARGV[2] == 'again' end
    if mine ~= '' and of_owner ~= mine then
      same = false
      if of_owner and of_owner ~= '' then told[i + 1] = 'was ' .. of_owner end
    end
    -- A closed gate stays closed for its writer's sake, and a new generation follows it anyway.
    local closed = string.find(held, '^w:%w+@')
    if not closed and not same then redis.call('DEL', KEYS[i]) end
  end
end
redis.call('DEL', unpack(KEYS, 2 * gates + 1))
return told
