"""Names of all keys in Redis.

Key space (each script opens with the part it uses):

    triage:report:{id}                    hash     a report, its attempts, its result; expires only once settled
    triage:pending                        zset     accepted and not settled: id by received_ms
    triage:pending:urgent                 zset     those of them that are in the urgent lane, likewise
    triage:due                            zset     the same ids by the time they were last enqueued
    triage:results                        stream   one event a report
    triage:dead                           stream   one entry a dead letter
    triage:board:open:{group}             zset     settled reports not acknowledged (see triage_rules.records.board)
    triage:board:acknowledged:{group}     zset     the others, likewise
    triage:board:groups                   set      the groups: {ruleset}:{rank}:{ms in which somebody must act, or ''}
    triage:settled:{id}                   channel  a message when the report is settled
    triage:idempotency:{sha256}           hash     the report made with a client's idempotency key; 24 h
    triage:subject:{ruleset}:{sha256}     zset     a subject's chains (first report's id) by their newest received_ms
    triage:amendments:{ruleset}:{sha256}  zset     a subject's other reports, likewise: those that amend one
    triage:levels:{ruleset}:{sha256}      hash     a subject's levels and when each was last published
    triage:levels:{ruleset}:{sha256}:{n}  zset     a subject's chains by when level n was last published for them
    triage:chain:{id}                     string   the report on the board that stands for the chain begun by this one
    triage:keys                           hash     API key's id -> JSON: client, scopes, hash of the secret, times, rate
    triage:limits:*                       string   requests of a client in the current window; Flask-Limiter's own
    triage:live                           hash     name -> JSON {digest, version, activated_ms, previous, approved_by}
    triage:bundle:{digest}                string   a ruleset's bundle
    triage:source:{digest}                string   the files that bundle was made from and checked with, as JSON
    triage:deployments:{name}             list     earlier deployments for rollback, the live one first
    triage:proposals                      hash     id -> JSON: the proposal, its author and its state
    triage:proposals:{id}                 string   the proposed files, as JSON; expires
    triage:leaving                        set      digests of bundles that may be dropped
    triage:leaving:cursor                 string   how far the reports were searched for these
    triage:leaving:begun                  string   exists for a day after the search began
    triage:audit                          stream   who did what, chained by hashes; never trimmed
    triage:workers                        zset     worker by its last heartbeat
    triage:workers:stalled                zset     likewise, those that get nothing done although work waits
    triage:counts                         hash     settled since the beginning, by level, `dead` and flag:{flag}
    triage:sealed                         string   a known text, encrypted; exists once anything is
    triage:writable                       string   written to check that Redis takes writes; 60 s
    triage:seen:{group}                   zset     ids of events that a group handled, by when; kept as long as it asks
    triage:dead:{group}                   stream   dead letters of a group, with the reason
    triage:celery:held:{task}             set      ids of reports that a task has begun together and not yet settled
    triage:celery:taken:{task}            list     messages that a task took off its queue and hasn't begun
    triage:celery:*                       else     Celery's own

The scripts read keys that they find in other keys, so this is for one server and its replicas, not for Redis Cluster.
"""

from __future__ import annotations

from triage_rules.language.model import Level

REPORT = "triage:report:"
CHAIN = "triage:chain:"
PENDING = "triage:pending"
PENDING_URGENT = "triage:pending:urgent"
DUE = "triage:due"
DEAD = "triage:dead"
SETTLED = "triage:settled:"
BOARD_OPEN = "triage:board:open:"
BOARD_ACKNOWLEDGED = "triage:board:acknowledged:"
BOARD_GROUPS = "triage:board:groups"
ENCRYPTION_CHECK = "triage:sealed"
KEYS = "triage:keys"
LIVE = "triage:live"
BUNDLE = "triage:bundle:"
SOURCE = "triage:source:"
PROPOSALS = "triage:proposals"
PROPOSAL_FILES = "triage:proposals:"
DEPLOYMENTS = "triage:deployments:"
LEAVING = "triage:leaving"
LEAVING_CURSOR = "triage:leaving:cursor"
LEAVING_BEGUN = "triage:leaving:begun"
AUDIT = "triage:audit"
WORKERS = "triage:workers"
STALLED = "triage:workers:stalled"
COUNTS = "triage:counts"
WRITABLE = "triage:writable"
RESULTS = "triage:results"
SEEN = "triage:seen:"
DEAD_OF = "triage:dead:"
HELD = "triage:celery:held:"
TAKEN = "triage:celery:taken:"


def subject_key(kind: str, ruleset: str, hashed: str) -> str:
    """Return the key of a subject's chains (`subject`), other reports (`amendments`) or levels (`levels`)."""
    return f"triage:{kind}:{ruleset}:{hashed}"


def level_keys(levels: str) -> list[str]:
    """Return the keys of a subject's chains by level, routine first. levels: the key of its levels."""
    return [f"{levels}:{level:d}" for level in Level]


def idempotency_key(hashed: str) -> str:
    """Return the key of a client's idempotency key."""
    return f"triage:idempotency:{hashed}"


def of_client(client: str, text: str) -> str:
    """Return a name within a client: two clients' "patient 17" are two people. Neither part holds a line break."""
    return f"{client}\n{text}" if client else text
