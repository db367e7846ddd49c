-- claim_requeue: return the lane to enqueue a report into again after its client sent it again; nothing if there is no need.
--
-- KEYS  1 triage:report:{id}    hash    the report (see begin.lua)
--       2 triage:due            zset    id by the time it was last enqueued
-- ARGV  1 id  2 now_ms  3 how long ago in ms it must have been enqueued
-- ->    its lane | nil
--
-- A client that got 503 may find its report accepted: the answer was lost, and the report was not enqueued.

local report = redis.call('HMGET', KEYS[1], 'status', 'attempts', 'lane')
if report[1] ~= 'queued' or report[2] ~= '0' then return nil end
local enqueued = tonumber(redis.call('ZSCORE', KEYS[2], ARGV[1]) or 0)
if math.abs(tonumber(ARGV[2]) - enqueued) < tonumber(ARGV[3]) then return nil end
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
return report[3]
