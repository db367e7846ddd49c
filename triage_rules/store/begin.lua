-- begin: count an attempt at a report and return the report; do nothing if it is settled or gone.
--
-- KEYS  1 triage:report:{id}    hash    status queued|done|dead, ruleset, digest, findings (JSON, or encrypted), lane, received_ms, subject,
--                                       reported_at, client, attempts, sweeps, reports_last_48h, highest_level_24h ('' or a number),
--                                       levels (key of the subject's levels, or ''), idempotency (key of the client's key, or ''); once settled also result (JSON, or encrypted), settled_ms,
--                                       noted (its group on the board, ':', and when it was received), letter (its entry in triage:dead, or ''),
--                                       acknowledged_by and acknowledged_ms; redrives and redriven_ms (number of requeues of its dead letter, and time of the last)
--       2 triage:due            zset    id by the time it was last enqueued
--       also reads the key in the report's field `levels`
-- ARGV  1 id  2 now_ms
-- ->    {attempt, ruleset, digest, findings, lane, received_ms, subject, reported_at, reports_last_48h, highest_level_24h} | nil
--
-- A field that is missing or no number must not stop this: the report would be begun for ever, and never buried.
-- The highest level is looked up again: an earlier report of the subject may have been decided while this one waited.

if redis.call('HGET', KEYS[1], 'status') ~= 'queued' then return nil end
local attempt = math.floor(tonumber(redis.call('HGET', KEYS[1], 'attempts')) or 0) + 1
redis.call('HSET', KEYS[1], 'attempts', attempt)
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])

local report = redis.call('HMGET', KEYS[1], 'ruleset', 'digest', 'findings', 'lane', 'received_ms', 'subject', 'reported_at',
  'reports_last_48h', 'highest_level_24h', 'levels')
local levels, since = report[10], tonumber(ARGV[2]) - 24 * 3600 * 1000
if levels and levels ~= '' then
  for level = 2, (tonumber(report[9]) or -1) + 1, -1 do
    local at = redis.call('HGET', levels, level)
    if at and tonumber(at) >= since then
      report[9] = tostring(level)
      redis.call('HSET', KEYS[1], 'highest_level_24h', level)
      break
    end
  end
end
return {attempt, report[1], report[2], report[3], report[4], report[5], report[6], report[7], report[8], report[9]}
