-- Puts a writer's hold on gates, and on the leases of records, or takes it away. Several may hold one
-- at a time; the last one's going deletes the key, so that readers open a new generation. What is open
-- goes too: a reader may have opened it while this write was in flight and Redis had lost the gate.
-- Where all who went have told at which position they committed, the furthest stays, for that reader.
-- Deadlines are by Redis's own clock; a writer past its deadline is forgotten.
-- KEYS: what is held; then, of records, their hashes, which go in either case.
-- ARGV: writer id, milliseconds to hold (0: take away), how many are held, milliseconds that a position
-- stays; of each gate his position, or "", and "run" if positions hold in this run alone: see admit.lua.
local time, goes, found, run = redis.call('TIME'), tonumber(ARGV[2]) == 0, {}, ''
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 1, tonumber(ARGV[3]) do
  local held = redis.pcall('GET', KEYS[i])
  if type(held) == 'table' and not held.err:find('WRONGTYPE', 1, true) then return held end -- see admit
  found[i] = type(held) == 'string' and held or ''
  local info = run == '' and ARGV[4 + 2 * i] == 'run' and redis.pcall('INFO', 'replication')
  if type(info) == 'string' then run = '@' .. (info:match('master_replid:(%x+)') or '') .. '@' end
end
-- Deleting first also gets the SET past a full Redis: an invalidation is never refused for memory.
redis.call('DEL', unpack(KEYS))
for i, held in ipairs(found) do
  local position, in_run = ARGV[3 + 2 * i] or '', ARGV[4 + 2 * i] == 'run'
  -- at: the position of those who have gone; nil where nobody has, "" where it is not known.
  local last, writers, at, of = now + (goes and 0 or ARGV[2]), {}, nil, in_run and run or ''
  if string.find(held, '^w:%w+@') then
    at = held:match('=(%d+/[%w_:,-]+)$') or held:find('=', 1, true) and '' -- "" of what is none
    if not held:find(of, 1, true) then at = '' end -- who came and went in another run is forgotten
    for writer, deadline in held:match('^[^=]*'):gmatch('(%w+)@(%d+)') do
      if writer ~= ARGV[1] and tonumber(deadline) <= now then at = ''
      elseif writer ~= ARGV[1] then table.insert(writers, writer .. '@' .. deadline) last = math.max(last, deadline) end
    end
  elseif goes then -- nobody had closed it, so a position adds to one that is there, or is none
    at = not in_run and held:match('^[op]:%w*=(%d+/[%w_:,-]+)%f[@%z]') or ''
  end
  if not goes then table.insert(writers, string.format('%s@%d', ARGV[1], now + ARGV[2]))
  elseif not at or position == '' then at = position
  elseif at ~= '' and tonumber(position:match('^%d+')) > tonumber(at:match('^%d+')) then at = position end
  local left = (at or '') ~= '' and 'p:=' .. at .. of
  if #writers > 0 then left = 'w:' .. table.concat(writers, ',') .. of .. (at and '=' .. at or '') end
  if left then redis.call('SET', KEYS[i], left, 'PX', #writers > 0 and last - now or ARGV[4]) end
end
