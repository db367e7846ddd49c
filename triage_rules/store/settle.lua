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
--       also writes the keys made of the report's field `levels` (see chains.lua), triage:chain:{chain}, and other reports of the chain
-- ARGV  1 id  2 now_ms  3 status: done|dead  4 level number, or ''  5 retention in s
--       6 reason of a dead letter  7 now as text  8 what to count, words separated by blanks
--       9 the highest level in the history that the result was made in: a number or ''; '-' if there was none
--       10 how long in s a subject's levels are remembered  11 its group
--       12 its place in its chain: front, side or back; '' if it is dead or in no chain
--       13 id of the nearest decided report that it amends, or ''  14 id of its chain's report on the board, or ''
--       15 id of the nearest dead letter that it amends below the decided report, or '': all three as begin.lua returned them
--       16 level and disposition that it lowers, separated by a blank, or ''
--       17... the event's fields, name and value alternating; the second is ce_id, the last the result (JSON, or encrypted)
-- ->    1 if this call settled it, 2 if another report of its chain was settled since it was begun, else 0
--
-- The event is written first: if memory is short, Redis refuses it, and nothing is changed.
-- A chain is one row on the board, and stands in the history of its subject with one level. In front: this report takes
-- the place of those in ARGV 13 and 14, and of all dead letters that it amends below the decided report. At the side: it is older, and more urgent, so it gets a row of its own. At the
-- back: it is older, and no more urgent. A dead letter replaces nothing.
-- A requeued dead letter already has an event: the next event gets an id of its own.

local function take_off_board(reports, id)
  local noted = id ~= '' and redis.call('HGET', reports .. id, 'noted')
  if not noted then return end
  local group, received = string.match(noted, '^(.*):(%d+)$')
  if group then
    for _, index in ipairs({'open', 'acknowledged'}) do redis.call('ZREM', 'triage:board:' .. index .. ':' .. group, received .. id) end
  end
  redis.call('HDEL', reports .. id, 'noted')
end

local known = redis.call('HMGET', KEYS[1], 'status', 'levels', 'attempts', 'ruleset', 'digest', 'lane', 'received_ms', 'redrives',
  'redriven_ms', 'amends', 'chain', 'amended_by')
if known[1] ~= 'queued' then return 0 end
local id, now, status, level, retention = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local amends, chain, place = known[10] or '', known[11] or id, ARGV[12]
local reports = string.sub(KEYS[1], 1, -#id - 1)
local chained = status == 'done' and (amends ~= '' or (known[12] or '') ~= '')
local replaced = {}
if chained then
  local above, shown, letters = find_settled(reports, id, amends, chain)
  if above ~= ARGV[13] or shown ~= ARGV[14] or (letters[1] or '') ~= ARGV[15] then return 2 end
  replaced = {above, shown, unpack(letters)}
end
if known[8] then ARGV[20] = ARGV[20] .. ':' .. (known[8] + 1) end
redis.call('XADD', KEYS[4], '*', unpack(ARGV, 17))
local letter = ''
if status == 'dead' then
  letter = redis.call('XADD', KEYS[5], '*', 'report', id, 'reason', ARGV[6], 'attempts', known[3] or '', 'ruleset', known[4] or '',
    'digest', known[5] or '', 'lane', known[6] or '', 'buried_at', ARGV[7])
end
local received = string.format('%014.0f', known[9] or string.match(known[7] or '', '^%d+$') or now)
redis.call('HSET', KEYS[1], 'status', status, 'result', ARGV[#ARGV], 'settled_ms', now, 'letter', letter)
if place ~= 'back' then
  redis.call('HSET', KEYS[1], 'noted', ARGV[11] .. ':' .. received)
  redis.call('ZADD', KEYS[9], 0, received .. id)
  redis.call('SADD', KEYS[10], ARGV[11])
end
if ARGV[16] ~= '' then redis.call('HSET', KEYS[1], 'lowers', ARGV[16]) end
if chained and place == 'front' then
  for _, other in ipairs(replaced) do take_off_board(reports, other) end
  redis.call('SET', CHAIN .. chain, id, 'EX', retention)
end
-- A later attempt may have begun meanwhile, and looked it up again.
if ARGV[9] ~= '-' then redis.call('HSET', KEYS[1], 'highest_level_24h', ARGV[9]) end
redis.call('EXPIRE', KEYS[1], retention)
redis.call('ZREM', KEYS[2], id)
redis.call('ZREM', KEYS[3], id)
redis.call('ZREM', KEYS[8], id)
if level ~= '' and known[2] and known[2] ~= '' and place ~= 'back' then
  note_level(known[2], chain, level, place == 'front', now, ARGV[10])
end
for word in string.gmatch(ARGV[8], '%S+') do redis.call('HINCRBY', KEYS[7], word, 1) end
redis.call('PUBLISH', KEYS[6], status)
return 1
