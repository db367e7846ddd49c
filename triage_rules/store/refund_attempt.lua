-- refund_attempt: take back an attempt that ended through no fault of the report; do nothing if it is settled or gone.
--
-- KEYS  1 triage:report:{id}    hash    the report (see begin.lua)

local report = redis.call('HMGET', KEYS[1], 'status', 'attempts')
if report[1] == 'queued' and (tonumber(report[2]) or 0) > 0 then redis.call('HINCRBY', KEYS[1], 'attempts', -1) end
