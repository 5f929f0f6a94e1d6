-- Adds one writer to those that keep a gate (or a record's lease) closed, or takes it away.
-- When the last one goes the key goes, so that the next reader opens a new generation; an open gate
-- goes too: a reader may have opened it while this write was in flight and Redis had lost the gate.
-- Where all who went have told at which position they committed, the furthest stays, for that reader.
-- Deadlines are by Redis's own clock; a writer past its deadline is forgotten.
-- KEYS: the gate; for a record also its hash, in the same slot, which goes in either case.
-- ARGV: writer id, milliseconds to hold (0: take away), "run" if positions hold in this run of the
-- server alone: see admit.lua; of who goes, his position, or "", and the milliseconds that it stays.
local time, info = redis.call('TIME'), ARGV[3] == 'run' and redis.pcall('INFO', 'replication')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local run = type(info) == 'string' and '@' .. (info:match('master_replid:(%x+)') or '') .. '@' or ''
-- at: the position of those who have gone; nil where nobody has, "" where it is not known.
local last, writers, goes, at = now, {}, tonumber(ARGV[2]) == 0
local held, position = redis.pcall('GET', KEYS[1]), ARGV[4] or ''
if type(held) == 'table' and not held.err:find('WRONGTYPE', 1, true) then return held end -- see admit
held = type(held) == 'string' and held or ''
local function keep(writer, deadline)
  table.insert(writers, writer .. '@' .. string.format('%d', deadline))
  last = math.max(last, deadline)
end
if string.find(held, '^w:%w+@') then
  at = held:match('=(%d+/[%w_:,-]+)$') or held:find('=', 1, true) and '' -- "" of what is none
  if not held:find(run, 1, true) then at = '' end -- who came and went in another run is forgotten
  for writer, deadline in held:match('^[^=]*'):gmatch('(%w+)@(%d+)') do
    if writer ~= ARGV[1] and tonumber(deadline) > now then keep(writer, tonumber(deadline)) end
    if writer ~= ARGV[1] and tonumber(deadline) <= now then at = '' end
  end
elseif goes then -- nobody had closed it, so a position adds to one that is there, or is none
  at = ARGV[3] ~= 'run' and held:match('^[op]:%w*=(%d+/[%w_:,-]+)%f[@%z]') or ''
end
if not goes then keep(ARGV[1], now + ARGV[2])
elseif not at or position == '' then at = position
elseif at ~= '' and tonumber(position:match('^%d+')) > tonumber(at:match('^%d+')) then at = position end
-- Deleting first also gets the SET past a full Redis: an invalidation is never refused for memory.
redis.call('DEL', unpack(KEYS))
if #writers > 0 then
  redis.call('SET', KEYS[1], 'w:' .. table.concat(writers, ',') .. run .. (at and '=' .. at or ''), 'PX', last - now)
elseif (at or '') ~= '' then
  redis.call('SET', KEYS[1], 'p:=' .. at .. run, 'PX', ARGV[5])
end
