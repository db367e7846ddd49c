-- matching: return the ids of stream entries about given reports, for one part of a stream.
--
-- KEYS  1 triage:results | triage:dead | triage:dead:{group}   stream
-- ARGV  1 where to begin, as XRANGE takes it  2 how many entries to look at  3 the field with the report's id
--       4... the reports' ids
-- ->    {id of the last entry looked at or '', id, id, ...}
--
-- In a script, because the entries' data then stays in Redis.

local wanted = {}
for i = 4, #ARGV do wanted[ARGV[i]] = true end
local found = {''}
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', ARGV[2])) do
  found[1] = entry[1]
  for i = 1, #entry[2], 2 do
    if entry[2][i] == ARGV[3] and wanted[entry[2][i + 1]] then found[#found + 1] = entry[1] end
  end
end
return found
