-- settle: store a report's result, publish its event, drop it from pending; nothing if it is settled or gone. Also buries.
--
-- KEYS  1 triage:report:{id}    hash      the report (see begin.lua)
--       2 triage:pending        zset      id by received_ms
--       3 triage:due            zset      id by the time it was last enqueued
--       4 triage:results        stream    one event a report
--       5 triage:dead           stream    one entry a dead letter
--       6 triage:settled:{id}   channel   one message, for waiting clients
--       7 triage:counts         hash      counts since the first report
--       8 triage:pending:urgent zset      as 2, only those of the urgent lane
--       9 triage:board:open:{group}   zset   settled reports not acknowledged, as triage_rules.records.board notes them
--       10 triage:board:groups  set       the groups
--       also writes the key in the report's field `levels`: level number -> when it was last published
-- ARGV  1 id  2 now_ms  3 status: done|dead  4 level number, or ''  5 retention in s
--       6 reason of a dead letter  7 now as text  8 what to count, words separated by blanks
--       9 the highest level in the history that the result was made in: a number or ''; '-' if there was none
--       10 how long in s a subject's levels are remembered  11 its group
--       12... the event's fields, name and value alternating; the second is ce_id, the last the result (JSON, or encrypted)
-- ->    1 if this call settled it, else 0
--
-- The event is written first: if memory is short, Redis refuses it, and nothing is changed.
-- A requeued dead letter already has an event: the next event gets an id of its own.

local known = redis.call('HMGET', KEYS[1], 'status', 'levels', 'attempts', 'ruleset', 'digest', 'lane', 'received_ms', 'redrives',
  'redriven_ms')
if known[1] ~= 'queued' then return 0 end
local id, now, status, level, retention = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
if known[8] then ARGV[15] = ARGV[15] .. ':' .. (known[8] + 1) end
redis.call('XADD', KEYS[4], '*', unpack(ARGV, 12))
local letter = ''
if status == 'dead' then
  letter = redis.call('XADD', KEYS[5], '*', 'report', id, 'reason', ARGV[6], 'attempts', known[3] or '', 'ruleset', known[4] or '',
    'digest', known[5] or '', 'lane', known[6] or '', 'buried_at', ARGV[7])
end
local received = string.format('%014.0f', known[9] or string.match(known[7] or '', '^%d+$') or now)
redis.call('HSET', KEYS[1], 'status', status, 'result', ARGV[#ARGV], 'settled_ms', now, 'noted', ARGV[11] .. ':' .. received, 'letter', letter)
redis.call('ZADD', KEYS[9], 0, received .. id)
redis.call('SADD', KEYS[10], ARGV[11])
-- A later attempt may have begun meanwhile, and looked it up again.
if ARGV[9] ~= '-' then redis.call('HSET', KEYS[1], 'highest_level_24h', ARGV[9]) end
redis.call('EXPIRE', KEYS[1], retention)
redis.call('ZREM', KEYS[2], id)
redis.call('ZREM', KEYS[3], id)
redis.call('ZREM', KEYS[8], id)
if level ~= '' and known[2] and known[2] ~= '' then
  local before = redis.call('HGET', known[2], level)
  if not before or tonumber(before) < tonumber(now) then redis.call('HSET', known[2], level, now) end
  redis.call('EXPIRE', known[2], ARGV[10])
end
for word in string.gmatch(ARGV[8], '%S+') do redis.call('HINCRBY', KEYS[7], word, 1) end
redis.call('PUBLISH', KEYS[6], status)
return 1
