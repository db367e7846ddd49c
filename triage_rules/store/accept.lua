-- accept: store a report, count its subject's history, index it as pending and enqueue it; all or nothing.
--
-- KEYS  1 triage:report:{id}                      hash    the report (see begin.lua for its fields)
--       2 triage:pending                          zset    id by received_ms: the queue's age
--       3 triage:due                              zset    id by the time it was last enqueued
--       4 triage:live                             hash    ruleset name -> JSON {digest, ...}
--       5 triage:idempotency:{sha256 of key}      hash    fingerprint, id; used if ARGV 11 isn't empty
--       6 triage:subject:{ruleset}:{sha256}       zset    chain (id of its first report) by received_ms of its newest; used if ARGV 7 isn't empty
--       7 triage:levels:{ruleset}:{sha256}        hash    see chains.lua; used if ARGV 7 isn't empty
--       8 triage:pending:urgent                   zset    as 2, only those of the urgent lane
--       9 triage:celery:{lane}                    list    Celery's queue; used if ARGV 14 isn't empty
--       10 triage:amendments:{ruleset}:{sha256}   zset    id of an amendment by received_ms; used if ARGV 7 and 16 aren't empty
--       11 triage:report:{amended id}             hash    the report that it amends; used if ARGV 16 isn't empty
-- ARGV  1 id  2 ruleset  3 digest  4 findings (JSON, or encrypted)  5 lane  6 received_ms  7 subject or ''  8 reported_at or ''
--       9 age in ms from which no more are accepted  10 how long in s a subject's ids are kept  11 fingerprint or ''  12 idempotency in s
--       13 client whose report it is, or ''  14 the Celery message that brings it to a worker, or '' if the caller enqueues it
--       15 audience  16 id of the report that it amends, or ''
-- ->    {'created', id} | {'existing', id} | {'stale'} | {'old', ms beyond that age} | {'mismatch'} | {'not amendable'}
--
-- A report that is asked for again (same idempotency key) is found before anything is refused. The same id again means
-- that our answer was lost and the command sent once more: it is the same answer, so that the report is still enqueued.
-- The message is written first: should Redis refuse it, nothing is done.
-- Only a stored report of the same client, ruleset and subject can be amended; all others look like one that doesn't exist.
-- A chain of amendments counts as one report, received when its newest was; its own reports don't count for an amendment.
-- Urgent reports go before all others, so only the age of urgent ones counts for them: they are accepted for longer.

local id, ruleset, digest, received = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[6])
local subject, kept, fingerprint, amends = ARGV[7], ARGV[10], ARGV[11], ARGV[16]
local HOUR = 3600 * 1000

if fingerprint ~= '' then
  local known = redis.call('HMGET', KEYS[5], 'fingerprint', 'id')
  if known[1] and known[1] ~= fingerprint then return {'mismatch'} end
  if known[1] and known[2] ~= id then return {'existing', known[2]} end
end
if redis.call('EXISTS', KEYS[1]) == 1 then return {'created', id} end

local live = redis.call('HGET', KEYS[4], ruleset)
if not live or cjson.decode(live)['digest'] ~= digest then return {'stale'} end

local levels = subject ~= '' and KEYS[7] or ''
local chain, amended_by = id, ''
if amends ~= '' then
  local amended = redis.call('HMGET', KEYS[11], 'ruleset', 'client', 'levels', 'chain', 'amended_by')
  if amended[1] ~= ruleset or (amended[2] or '') ~= ARGV[13] or (amended[3] or '') ~= levels then return {'not amendable'} end
  chain, amended_by = amended[4] or amends, amended[5] or ''
end

local before = ARGV[5] == 'urgent' and KEYS[8] or KEYS[2]
local oldest = redis.call('ZRANGE', before, 0, 0, 'WITHSCORES')
if oldest[2] and received - tonumber(oldest[2]) > tonumber(ARGV[9]) then
  return {'old', string.format('%.0f', received - tonumber(oldest[2]) - tonumber(ARGV[9]))}
end

local reports, highest = 0, ''
if subject ~= '' then
  reports = count_reports(KEYS[6], chain, received - 48 * HOUR)
  highest = find_highest(levels, chain, received - 24 * HOUR, -1) or ''
end

if ARGV[14] ~= '' then redis.call('LPUSH', KEYS[9], ARGV[14]) end
redis.call('HSET', KEYS[1], 'status', 'queued', 'ruleset', ruleset, 'digest', digest, 'findings', ARGV[4], 'lane', ARGV[5],
  'received_ms', ARGV[6], 'subject', subject, 'reported_at', ARGV[8], 'client', ARGV[13], 'attempts', 0, 'sweeps', 0,
  'reports_last_48h', reports, 'highest_level_24h', highest, 'levels', levels,
  'idempotency', fingerprint ~= '' and KEYS[5] or '', 'audience', ARGV[15])
if amends ~= '' then
  redis.call('HSET', KEYS[1], 'amends', amends, 'chain', chain)
  redis.call('HSET', KEYS[11], 'amended_by', amended_by == '' and id or amended_by .. ' ' .. id)
end
redis.call('ZADD', KEYS[2], ARGV[6], id)
redis.call('ZADD', KEYS[3], ARGV[6], id)
if ARGV[5] == 'urgent' then redis.call('ZADD', KEYS[8], ARGV[6], id) end
if subject ~= '' then
  redis.call('ZADD', KEYS[6], 'GT', ARGV[6], chain)
  if amends ~= '' then redis.call('ZADD', KEYS[10], ARGV[6], id) end
  for _, index in ipairs({KEYS[6], KEYS[10]}) do
    redis.call('ZREMRANGEBYSCORE', index, '-inf', string.format('(%.0f', received - tonumber(kept) * 1000))
    redis.call('EXPIRE', index, kept)
  end
end
if fingerprint ~= '' then
  redis.call('HSET', KEYS[5], 'fingerprint', fingerprint, 'id', id)
  redis.call('EXPIRE', KEYS[5], ARGV[12])
end
return {'created', id}
