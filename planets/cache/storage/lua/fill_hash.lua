-- Stores a record and its expiry, if the lease is still the filler's, and gives the lease back.
-- KEYS: the lease, the record, its late copy where there is to be one. ARGV: token, PEXPIRE or
-- PEXPIREAT, milliseconds, those of the late copy, field, value, ... A last value that ends in @
-- wants the run of this server behind it: see stamps.py.
if redis.pcall('GET', KEYS[1]) ~= ARGV[1] then return 0 end
-- The first write of a script is where a full Redis refuses; a DEL in its place would not be.
local room = redis.pcall('SET', KEYS[1], ARGV[1], 'PX', 1)
-- The old hash goes, so that no field of an older shape survives.
redis.call('DEL', unpack(KEYS))
if room.err then return room end -- it is full: nobody is to wait for this fill
if string.sub(ARGV[#ARGV], -1) == '@' then
  local info = redis.pcall('INFO', 'replication')
  local run = type(info) == 'string' and string.match(info, 'master_replid:(%x+)') or ''
  ARGV[#ARGV] = ARGV[#ARGV] .. run
end
redis.call('HSET', KEYS[2], unpack(ARGV, 5))
if KEYS[3] then
  redis.call('HSET', KEYS[3], unpack(ARGV, 5))
  redis.call('PEXPIRE', KEYS[3], ARGV[4])
end
return redis.call(ARGV[2], KEYS[2], ARGV[3])
