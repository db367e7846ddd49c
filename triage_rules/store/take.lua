-- take: move messages for one report each from a queue to a task, up to the first of another kind.
--
-- KEYS  1 triage:celery:{lane}          list    Celery's queue: the next message is the last
--       2 triage:celery:urgent          list    the queue with precedence over all others
--       3 triage:celery:taken:{task}    list    messages that this task took and hasn't begun; the next is the last
-- ARGV  1 how many at most  2 the name of the Celery task that they are for  3 how long in s they are remembered
-- ->    {message, ...}
--
-- While an urgent message waits, nothing is taken from another queue. A redelivered message stays in the queue for a task of its own.

if KEYS[1] ~= KEYS[2] and redis.call('LLEN', KEYS[2]) > 0 then return {} end
local taken = {}
while #taken < tonumber(ARGV[1]) do
  local message = redis.call('RPOP', KEYS[1])
  if not message then break end
  local read, decoded = pcall(cjson.decode, message)
  local kind = read and type(decoded) == 'table' and type(decoded.headers) == 'table' and decoded.headers
  if not kind or kind.task ~= ARGV[2] or kind.redelivered or decoded.properties.delivery_info.redelivered then
    redis.call('RPUSH', KEYS[1], message)
    break
  end
  redis.call('LPUSH', KEYS[3], message)
  taken[#taken + 1] = message
end
if #taken > 0 then redis.call('EXPIRE', KEYS[3], ARGV[3]) end
return taken
