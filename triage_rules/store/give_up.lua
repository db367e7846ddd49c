-- give_up: move an entry to a group's dead letters and acknowledge it, in one step; only acknowledge it if it is gone.
--
-- KEYS  1 triage:results        stream   one event a report
--       2 triage:dead:{group}   stream   the group's dead letters
-- ARGV  1 group  2 the entry's id  3... the letter's fields, name and value alternating
-- ->    1 if there is a letter now, else 0
--
-- An entry that was erased while a consumer had it must not come back as a copy.

local there = #redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2])
if there == 1 then redis.call('XADD', KEYS[2], '*', unpack(ARGV, 3)) end
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
return there
