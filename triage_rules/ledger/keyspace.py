"""The names of all keys in Redis.

Key space (each script opens with the part it uses):

    triage:report:{id}                    hash     a report, its attempts, its result; expires only once settled
    triage:pending                        zset     accepted and not settled: id by received_ms
    triage:due                            zset     the same ids by the time they were last enqueued
    triage:results                        stream   one event a report
    triage:dead                           stream   one entry a dead letter
    triage:settled:{id}                   channel  told when a report is settled
    triage:idempotency:{sha256}           hash     what a client's key was used for; 24 h
    triage:subject:{ruleset}:{sha256}     zset     a subject's report ids by received_ms
    triage:levels:{ruleset}:{sha256}      hash     a subject's levels and when each was last published
    triage:live                           hash     ruleset name -> JSON {digest, version, activated_ms, previous}
    triage:bundle:{digest}                string   a ruleset's bundle
    triage:deployments:{name}             list     what rollback returns to, the live one first
    triage:workers                        zset     worker by its last heartbeat
    triage:counts                         hash     settled since the beginning, by level, `dead` and flag:{flag}
    triage:writable                       string   written to see whether Redis takes it; 60 s
    triage:seen:{group}                   zset     ids of events that a group handled, by when; kept as long as it wants
    triage:dead:{group}                   stream   entries that a group gave up, with the reason
    triage:celery:*                       Celery's own

The scripts read keys that they find in other keys, so this is for one server and its replicas, not for Redis Cluster.
"""

from __future__ import annotations

import hashlib

REPORT = "triage:report:"
PENDING = "triage:pending"
DUE = "triage:due"
DEAD = "triage:dead"
SETTLED = "triage:settled:"
LIVE = "triage:live"
BUNDLE = "triage:bundle:"
DEPLOYMENTS = "triage:deployments:"
WORKERS = "triage:workers"
COUNTS = "triage:counts"
WRITABLE = "triage:writable"
RESULTS = "triage:results"
SEEN = "triage:seen:"
DEAD_OF = "triage:dead:"


def subject_key(kind: str, ruleset: str, hashed: str) -> str:
    return f"triage:{kind}:{ruleset}:{hashed}"


def idempotency_key(key: str) -> str:
    return "triage:idempotency:" + sha256(key)


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
