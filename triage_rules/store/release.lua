-- release: free the reports and messages of a task whose process died: messages go back into the queue, attempts are refunded.
--
-- KEYS  1 triage:celery:held:{task}     set     ids of reports that it had begun together
--       2 triage:celery:taken:{task}    list    messages that it had taken and not begun; the next is the last
--       3 triage:celery:{lane}          list    Celery's queue: the next message is the last
--       also reads and writes triage:report:{id} (see begin.lua) of these ids
-- ARGV  1 the prefix `triage:report:`
-- ->    {id, ...}: each must now be enqueued by itself
--
-- Only one of the reports begun together can have killed the process: the others must not be buried because of it.

local ids = redis.call('SMEMBERS', KEYS[1])
for _, id in ipairs(ids) do
  local report = redis.call('HMGET', ARGV[1] .. id, 'status', 'attempts')
  if report[1] == 'queued' and (tonumber(report[2]) or 0) > 0 then
    redis.call('HINCRBY', ARGV[1] .. id, 'attempts', -1)
  end
end
redis.call('DEL', KEYS[1])
while true do
  local message = redis.call('RPOP', KEYS[2])
  if not message then return ids end
  redis.call('LPUSH', KEYS[3], message)
end
