-- Adds one writer to those that keep a gate (or a record's lease) closed, or takes it away.
-- When the last one goes the key goes, so that the next reader opens a new generation; an open gate
-- goes too: a reader may have opened it while this write was in flight and Redis had lost the gate.
-- Deadlines are by Redis's own clock; a writer past its deadline is forgotten.
-- KEYS: the gate; for a record also its hash, in the same slot, which goes in either case.
-- ARGV: writer id, milliseconds to hold (0: take away).
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local last = now
local writers = {}

local function keep(writer, deadline)
  table.insert(writers, writer .. '@' .. string.format('%d', deadline))
  last = math.max(last, deadline)
end

local held = redis.pcall('GET', KEYS[1])
if type(held) == 'string' and string.sub(held, 1, 2) == 'w:' then
  for writer, deadline in string.gmatch(held, '(%w+)@(%d+)') do
    if writer ~= ARGV[1] and tonumber(deadline) > now then keep(writer, tonumber(deadline)) end
  end
end
if tonumber(ARGV[2]) > 0 then keep(ARGV[1], now + ARGV[2]) end

-- Deleting first also gets the SET past a full Redis: an invalidation is never refused for memory.
redis.call('DEL', unpack(KEYS))
if #writers > 0 then
  redis.call('SET', KEYS[1], 'w:' .. table.concat(writers, ','), 'PX', last - now)
end
