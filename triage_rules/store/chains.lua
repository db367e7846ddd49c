-- chains: functions about chains of amendments, read in front of the scripts that use them.
--
-- A chain is a report and all that amend it, directly or not; its name is the id of its first report.
--
--       triage:chain:{first report's id}         string   id of the chain's report on the board; absent: no report of it amends another yet
--       triage:levels:{ruleset}:{sha256}:{0..2}  zset     chain by the time when a result of that level was last published for it
--       triage:levels:{ruleset}:{sha256}         hash     level number -> the newest of these times, for versions without chains
--
-- Versions without chains read and write only the hash. A time in it that is newer than all in the zset was written by
-- one of them, so it counts for every chain, until the next result takes it over into the zset.

local CHAIN = 'triage:chain:'
local HOPS = 100
local OF_EARLIER_VERSIONS = 'earlier'

local function newest_of(levels, level)
  return tonumber(redis.call('ZRANGE', levels .. ':' .. level, -1, -1, 'WITHSCORES')[2]) or 0
end

-- Returns how many other chains than this had a report since then. index: the key with chains by their newest report.
local function count_reports(index, chain, since)
  local count = redis.call('ZCOUNT', index, string.format('%.0f', since), '+inf')
  local own = chain ~= '' and tonumber(redis.call('ZSCORE', index, chain) or '') or 0
  return own >= since and count - 1 or count
end

-- Returns the highest level above `above` that other chains than this had since then; nil if there is none.
local function find_highest(levels, chain, since, above)
  for level = 2, above + 1, -1 do
    local found = redis.call('ZRANGE', levels .. ':' .. level, '+inf', string.format('%.0f', since), 'BYSCORE', 'REV', 'LIMIT', 0, 2)
    if found[2] or (found[1] and found[1] ~= chain) then return level end
    local noted = tonumber(redis.call('HGET', levels, level) or '') or 0
    if noted >= since and noted > newest_of(levels, level) then return level end
  end
  return nil
end

-- Notes a published level of a chain. replaces: whether the chain's earlier levels count no longer.
local function note_level(levels, chain, level, replaces, now, kept)
  for each = replaces and 0 or tonumber(level), replaces and 2 or tonumber(level) do
    local key = levels .. ':' .. each
    local noted = tonumber(redis.call('HGET', levels, each) or '') or 0
    if noted > newest_of(levels, each) then redis.call('ZADD', key, string.format('%.0f', noted), OF_EARLIER_VERSIONS) end
    if replaces then redis.call('ZREM', key, chain) end
    if each == tonumber(level) then redis.call('ZADD', key, 'GT', now, chain) end
    redis.call('ZREMRANGEBYSCORE', key, '-inf', string.format('(%.0f', tonumber(now) - tonumber(kept) * 1000))
    local newest = newest_of(levels, each)
    if newest > 0 then
      redis.call('HSET', levels, each, string.format('%.0f', newest))
      redis.call('EXPIRE', key, kept)
    else
      redis.call('HDEL', levels, each)
    end
  end
  redis.call('EXPIRE', levels, kept)
end

-- Returns the ids of the nearest decided report that this one amends, of its chain's report on the board ('' for none), and
-- of the dead letters that it amends below the decided one, nearest first: they replaced nothing, so that one is passed on to.
local function find_settled(reports, id, amends, chain)
  local above, letters = amends, {}
  for hop = 1, HOPS + 1 do
    if above == '' or hop > HOPS then
      above = ''
      break
    end
    local report = redis.call('HMGET', reports .. above, 'status', 'amends')
    if report[1] == 'done' then break end
    if report[1] == 'dead' then letters[#letters + 1] = above end
    above = report[1] and report[2] or ''
  end
  local shown = redis.call('GET', CHAIN .. chain)
  if not shown or shown == id or redis.call('EXISTS', reports .. shown) == 0 then shown = '' end
  return above, shown, letters
end

