-- history: return what is stored of a subject's earlier reports, as accept.lua would count it now.
--
-- KEYS  1 triage:subject:{ruleset}:{sha256}    zset    chain by received_ms of its newest report
--       2 triage:levels:{ruleset}:{sha256}     hash    see chains.lua
--       3 triage:report:{amended id}           hash    the report to amend; used if ARGV 5 isn't empty
-- ARGV  1 now_ms  2 ruleset  3 client or ''  4 '' if there is no subject  5 id of the report to amend, or ''
-- ->    {number of reports in 48 hours, highest level in 24 hours or ''} | nil: that report can't be amended

local now, chain = tonumber(ARGV[1]), ARGV[5]
local HOUR = 3600 * 1000
local levels = ARGV[4] ~= '' and KEYS[2] or ''
if chain ~= '' then
  local amended = redis.call('HMGET', KEYS[3], 'ruleset', 'client', 'levels', 'chain')
  if amended[1] ~= ARGV[2] or (amended[2] or '') ~= ARGV[3] or (amended[3] or '') ~= levels then return nil end
  chain = amended[4] or chain
end
if levels == '' then return {0, ''} end
return {count_reports(KEYS[1], chain, now - 48 * HOUR), find_highest(levels, chain, now - 24 * HOUR, -1) or ''}
