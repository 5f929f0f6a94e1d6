-- The generation that is current behind a gate; opens a new one where there is none.
-- KEYS: the gate. ARGV: a new random token, milliseconds, "run" if the gate is to carry the run of
-- this server, "" where INFO is forbidden, and its owner: see greeting.py and owners.py; the owner.
local stamp = ''
if ARGV[3] == 'run' then
  local info = redis.pcall('INFO', 'replication')
  local run = type(info) == 'string' and string.match(info, 'master_replid:(%x+)') or ''
  stamp = '@' .. run .. '@'
end
local held = redis.pcall('GET', KEYS[1])
-- A key of another type heals; who may not look must not act.
if type(held) == 'table' and not string.find(held.err, 'WRONGTYPE', 1, true) then return held end
local opened = 'o:' .. ARGV[1]
if type(held) == 'string' then
  -- One that was opened in another run, or on another node, is one that nobody believes.
  if string.sub(held, 1, 2) == 'o:' and (#stamp < 3 or string.find(held, stamp, 1, true)) then
    return held
  end
  if string.find(held, '^w:%w+@') and redis.call('PTTL', KEYS[1]) > 0 then return held end
  local position, of_run = string.match(held, '^p:(=[^@]+)(.*)') -- that the last writer has left
  if position and of_run == stamp then opened = opened .. position end
end
-- Missing, or not ours: a gate of the wrong type or form would never heal by itself.
redis.call('DEL', KEYS[1])
if stamp ~= '' then opened = opened .. stamp .. ARGV[4] end
redis.call('SET', KEYS[1], opened, 'PX', ARGV[2])
return opened
