-- overdue: return pending reports to enqueue again; each is then skipped for a while, longer each time.
--
-- KEYS  1 triage:due              zset    id by the time it was last enqueued
--       2 triage:pending          zset    id by received_ms
--       3 triage:pending:urgent   zset    as 2, only those of the urgent lane
--       also reads and writes triage:report:{id} (see begin.lua) of these ids
-- ARGV  1 now_ms  2 how long ago in ms it must have been  3 how many at most  4 the prefix `triage:report:`
-- ->    {id, lane, id, lane, ...}
--
-- A long queue is not a lost task: the wait doubles up to eightfold, so that the sweep doesn't feed a backlog with copies of itself.
-- A worker of an older version doesn't know an index and leaves reports in it: a settled report must not make the queue look old for ever.
-- A report skipped for longer than that was noted before the clock was set back: it would wait until the clock caught up.

local now, wait = tonumber(ARGV[1]), tonumber(ARGV[2])
local LONGEST = 8
local found = {}

local function take(ids)
  for _, id in ipairs(ids) do
    local key = ARGV[4] .. id
    local report = redis.call('HMGET', key, 'status', 'lane', 'sweeps')
    if report[1] == 'queued' then
      local sweeps = (tonumber(report[3]) or 0) + 1
      redis.call('HSET', key, 'sweeps', sweeps)
      local later = wait * (math.min(2 ^ (sweeps - 1), LONGEST) - 1)
      redis.call('ZADD', KEYS[1], string.format('%.0f', now + later), id)
      found[#found + 1] = id
      found[#found + 1] = report[2] or 'normal'
    else
      redis.call('ZREM', KEYS[1], id)
      redis.call('ZREM', KEYS[2], id)
      redis.call('ZREM', KEYS[3], id)
    end
  end
end

local function between(from, to)
  return redis.call('ZRANGE', KEYS[1], from, to, 'BYSCORE', 'LIMIT', 0, ARGV[3])
end

local function forget_settled(index)
  for _ = 1, tonumber(ARGV[3]) do
    local oldest = redis.call('ZRANGE', index, 0, 0)[1]
    if not oldest or redis.call('HGET', ARGV[4] .. oldest, 'status') == 'queued' then return end
    redis.call('ZREM', index, oldest)
  end
end

take(between('-inf', string.format('%.0f', now - wait)))
take(between(string.format('(%.0f', now + LONGEST * wait), '+inf'))
forget_settled(KEYS[2])
forget_settled(KEYS[3])
return found
