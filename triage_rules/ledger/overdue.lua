-- overdue: which pending reports should be enqueued again; each is then left alone for a while, longer each time.
--
-- KEYS  1 triage:due       zset    id by the time it was last enqueued
--       2 triage:pending   zset    id by received_ms
--       also reads and writes triage:report:{id} (see begin.lua) of the ids found
-- ARGV  1 now_ms  2 how long ago in ms it must have been  3 how many at most  4 the prefix `triage:report:`
-- ->    {id, lane, id, lane, ...}
--
-- A long queue is no lost task: the wait doubles up to eightfold, so that the sweep doesn't feed a backlog with copies of itself.

local now, wait = tonumber(ARGV[1]), tonumber(ARGV[2])
local found = {}
local ids = redis.call('ZRANGE', KEYS[1], '-inf', string.format('%.0f', now - wait), 'BYSCORE', 'LIMIT', 0, ARGV[3])
for _, id in ipairs(ids) do
  local key = ARGV[4] .. id
  local report = redis.call('HMGET', key, 'status', 'lane', 'sweeps')
  if report[1] == 'queued' then
    local sweeps = (tonumber(report[3]) or 0) + 1
    redis.call('HSET', key, 'sweeps', sweeps)
    local later = wait * (2 ^ math.min(sweeps - 1, 3) - 1)
    redis.call('ZADD', KEYS[1], string.format('%.0f', now + later), id)
    found[#found + 1] = id
    found[#found + 1] = report[2] or 'normal'
  else
    redis.call('ZREM', KEYS[1], id)
    redis.call('ZREM', KEYS[2], id)
  end
end
return found
