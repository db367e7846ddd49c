-- deploy: store a bundle and make it live, in one step. The one that is live already stays so, with nothing written.
--
-- KEYS  1 triage:live                   hash     ruleset name -> JSON {digest, version, activated_ms, previous}
--       2 triage:bundle:{digest}        string   the bundle
--       3 triage:deployments:{name}     list     JSON {digest, version}, the live one first
-- ARGV  1 name  2 digest  3 version  4 bundle  5 now_ms  6 how many deployments are remembered
-- ->    the JSON that is live now

local live = redis.call('HGET', KEYS[1], ARGV[1])
local before = live and cjson.decode(live)['digest']
if before == ARGV[2] then return live end

redis.call('SET', KEYS[2], ARGV[4])
redis.call('LPUSH', KEYS[3], cjson.encode({digest = ARGV[2], version = ARGV[3]}))
redis.call('LTRIM', KEYS[3], 0, tonumber(ARGV[6]) - 1)
live = cjson.encode({digest = ARGV[2], version = ARGV[3], activated_ms = ARGV[5], previous = before or cjson.null})
redis.call('HSET', KEYS[1], ARGV[1], live)
return live
