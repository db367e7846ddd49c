-- begin: count an attempt at a report and return the report; do nothing if it is settled or gone.
--
-- KEYS  1 triage:report:{id}    hash    status queued|done|dead, ruleset, digest, findings (JSON, or encrypted), lane, received_ms, subject,
--                                       reported_at, client, attempts, sweeps, reports_last_48h, highest_level_24h ('' or a number),
--                                       levels (key of the subject's levels, or ''), idempotency (key of the client's key, or ''); once settled also result (JSON, or encrypted), settled_ms,
--                                       noted (its group on the board, ':', and when it was received), letter (its entry in triage:dead, or ''),
--                                       acknowledged_by and acknowledged_ms; redrives and redriven_ms (number of requeues of its dead letter, and time of the last);
--                                       audience; amends (id of the report that it amends), chain (id of the chain's first report), if it amends one;
--                                       amended_by (ids, separated by blanks), if it was amended; lowers (level and disposition that it lowered, see settle.lua)
--       2 triage:due            zset    id by the time it was last enqueued
--       also reads the keys made of the report's field `levels` (see chains.lua), triage:chain:{chain}, and the other reports of the chain
-- ARGV  1 id  2 now_ms
-- ->    {attempt, ruleset, digest, findings, lane, received_ms, subject, reported_at, reports_last_48h, highest_level_24h,
--        audience, amends, id, result and received_ms of the nearest decided report that it amends, the same of its chain's
--        report on the board, and of the nearest dead letter that it amends below the decided one; '' for each id without a report} | nil
--
-- A field that is missing or no number must not stop this: the report would be begun for ever, and never buried.
-- The highest level is looked up again: an earlier report of the subject may have been decided while this one waited.

if redis.call('HGET', KEYS[1], 'status') ~= 'queued' then return nil end
local attempt = math.floor(tonumber(redis.call('HGET', KEYS[1], 'attempts')) or 0) + 1
redis.call('HSET', KEYS[1], 'attempts', attempt)
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])

local report = redis.call('HMGET', KEYS[1], 'ruleset', 'digest', 'findings', 'lane', 'received_ms', 'subject', 'reported_at',
  'reports_last_48h', 'highest_level_24h', 'levels', 'audience', 'amends', 'chain', 'amended_by')
local levels, amends, chain = report[10], report[12] or '', report[13] or ARGV[1]
if levels and levels ~= '' then
  local highest = find_highest(levels, chain, tonumber(ARGV[2]) - 24 * 3600 * 1000, tonumber(report[9]) or -1)
  if highest then
    report[9] = tostring(highest)
    redis.call('HSET', KEYS[1], 'highest_level_24h', highest)
  end
end

local settled = {'', '', '', '', '', '', '', '', ''}
if amends ~= '' or (report[14] or '') ~= '' then
  local reports = string.sub(KEYS[1], 1, -#ARGV[1] - 1)
  local above, shown, letters = find_settled(reports, ARGV[1], amends, chain)
  for place, id in ipairs({above, shown, letters[1]}) do
    if id ~= '' then
      local other = redis.call('HMGET', reports .. id, 'result', 'received_ms')
      settled[3 * place - 2], settled[3 * place - 1], settled[3 * place] = id, other[1] or '', other[2] or ''
    end
  end
end
return {attempt, report[1], report[2], report[3], report[4], report[5], report[6], report[7], report[8], report[9], report[11], amends,
  unpack(settled)}
