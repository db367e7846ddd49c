-- rollback: make the deployment before the live one live again, in one step.
--
-- KEYS  1 triage:live                   hash    ruleset name -> JSON {digest, version, activated_ms, previous}
--       2 triage:deployments:{name}     list    JSON {digest, version}, the live one first
-- ARGV  1 name  2 digest that the caller wants to leave  3 now_ms
-- ->    the JSON that is live now | nil if there is nothing to go back to
--
-- If another digest is live by now, that is the answer: two people who roll back the same deployment go back once.

local live = redis.call('HGET', KEYS[1], ARGV[1])
if live and cjson.decode(live)['digest'] ~= ARGV[2] then return live end
local deployments = redis.call('LRANGE', KEYS[2], 1, 2)
if #deployments == 0 then return nil end

local target = cjson.decode(deployments[1])
local further = deployments[2] and cjson.decode(deployments[2])['digest']
redis.call('LPOP', KEYS[2])
live = cjson.encode({digest = target['digest'], version = target['version'], activated_ms = ARGV[3], previous = further or cjson.null})
redis.call('HSET', KEYS[1], ARGV[1], live)
return live
