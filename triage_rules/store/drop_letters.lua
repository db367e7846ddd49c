-- drop_letters: delete a group's dead letters whose entries wait in the group again; the others stay.
--
-- KEYS  1 triage:results        stream   one event a report
--       2 triage:dead:{group}   stream   the group's dead letters
-- ARGV  1 group  2... three for each letter: its id, its entry's id, '1' if the group wasn't given that entry yet
--
-- Runs after XCLAIM in the same step: an entry that was just trimmed is not claimed, and its letter is the last copy.

for i = 2, #ARGV, 3 do
  local waits = #redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i + 1], ARGV[i + 1], 1)
  if waits == 1 or ARGV[i + 2] == '1' then redis.call('XDEL', KEYS[2], ARGV[i]) end
end
