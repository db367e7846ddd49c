-- accept: store a report, count its subject's history, index it as pending and enqueue it; all or nothing.
--
-- KEYS  1 triage:report:{id}                      hash    the report (see begin.lua for its fields)
--       2 triage:pending                          zset    id by received_ms: the queue's age
--       3 triage:due                              zset    id by the time it was last enqueued
--       4 triage:live                             hash    ruleset name -> JSON {digest, ...}
--       5 triage:idempotency:{sha256 of key}      hash    fingerprint, id; used if ARGV 11 isn't empty
--       6 triage:subject:{ruleset}:{sha256}       zset    id by received_ms; used if ARGV 7 isn't empty
--       7 triage:levels:{ruleset}:{sha256}        hash    level number -> when it was last published; used if ARGV 7 isn't empty
--       8 triage:pending:urgent                   zset    as 2, only those of the urgent lane
--       9 triage:celery:{lane}                    list    Celery's queue; used if ARGV 14 isn't empty
-- ARGV  1 id  2 ruleset  3 digest  4 findings (JSON, or encrypted)  5 lane  6 received_ms  7 subject or ''  8 reported_at or ''
--       9 age in ms from which no more are accepted  10 how long in s a subject's ids are kept  11 fingerprint or ''  12 idempotency in s
--       13 client whose report it is, or ''  14 the Celery message that brings it to a worker, or '' if the caller enqueues it
-- ->    {'created', id} | {'existing', id} | {'stale'} | {'old', ms beyond that age} | {'mismatch'}
--
-- A report that is asked for again (same idempotency key) is found before anything is refused. The same id again means
-- that our answer was lost and the command sent once more: it is the same answer, so that the report is still enqueued.
-- The message is written first: should Redis refuse it, nothing is done.
-- Urgent reports go before all others, so only the age of urgent ones counts for them: they are accepted for longer.

local id, ruleset, digest, received = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[6])
local subject, kept, fingerprint = ARGV[7], ARGV[10], ARGV[11]
local HOUR = 3600 * 1000

if fingerprint ~= '' then
  local known = redis.call('HMGET', KEYS[5], 'fingerprint', 'id')
  if known[1] and known[1] ~= fingerprint then return {'mismatch'} end
  if known[1] and known[2] ~= id then return {'existing', known[2]} end
end
if redis.call('EXISTS', KEYS[1]) == 1 then return {'created', id} end

local live = redis.call('HGET', KEYS[4], ruleset)
if not live or cjson.decode(live)['digest'] ~= digest then return {'stale'} end

local before = ARGV[5] == 'urgent' and KEYS[8] or KEYS[2]
local oldest = redis.call('ZRANGE', before, 0, 0, 'WITHSCORES')
if oldest[2] and received - tonumber(oldest[2]) > tonumber(ARGV[9]) then
  return {'old', string.format('%.0f', received - tonumber(oldest[2]) - tonumber(ARGV[9]))}
end

local reports, highest, levels = 0, '', ''
if subject ~= '' then
  levels = KEYS[7]
  reports = redis.call('ZCOUNT', KEYS[6], string.format('%.0f', received - 48 * HOUR), '+inf')
  for level = 2, 0, -1 do
    local at = redis.call('HGET', levels, level)
    if at and tonumber(at) >= received - 24 * HOUR then
      highest = level
      break
    end
  end
end

if ARGV[14] ~= '' then redis.call('LPUSH', KEYS[9], ARGV[14]) end
redis.call('HSET', KEYS[1], 'status', 'queued', 'ruleset', ruleset, 'digest', digest, 'findings', ARGV[4], 'lane', ARGV[5],
  'received_ms', ARGV[6], 'subject', subject, 'reported_at', ARGV[8], 'client', ARGV[13], 'attempts', 0, 'sweeps', 0,
  'reports_last_48h', reports, 'highest_level_24h', highest, 'levels', levels,
  'idempotency', fingerprint ~= '' and KEYS[5] or '')
redis.call('ZADD', KEYS[2], ARGV[6], id)
redis.call('ZADD', KEYS[3], ARGV[6], id)
if ARGV[5] == 'urgent' then redis.call('ZADD', KEYS[8], ARGV[6], id) end
if subject ~= '' then
  redis.call('ZREMRANGEBYSCORE', KEYS[6], '-inf', string.format('(%.0f', received - tonumber(kept) * 1000))
  redis.call('ZADD', KEYS[6], ARGV[6], id)
  redis.call('EXPIRE', KEYS[6], kept)
end
if fingerprint ~= '' then
  redis.call('HSET', KEYS[5], 'fingerprint', fingerprint, 'id', id)
  redis.call('EXPIRE', KEYS[5], ARGV[12])
end
return {'created', id}
