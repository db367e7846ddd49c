"""Reports whose every word can be found again, and all that is in the store, to look for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import redis
from cryptography.fernet import Fernet

from tests.support.reports import NOW_MS, a_report, a_result
from triage_rules.language.model import Answers
from triage_rules.records.reports import Idempotency, NewReport
from triage_rules.store.redis import RedisStore

SECRET = "s" * 32
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
MARKED: Answers = {"note": "MARKED-finding"}
MARKS = (b"MARKED-finding", b"MARKED-subject", b"MARKED-result", b"2026-11-11T11:11:11Z")
Opening = Callable[..., RedisStore]
"""Opens a store on the store of the test with these encryption keys: the fixture `opening`."""


def a_marked_report(subject: str = "MARKED-subject", client: str = "") -> NewReport:
    made = a_report(answers=MARKED, subject=subject, reported_at="2026-11-11T11:11:11Z")
    return replace(made, client=client)


def settled(store: RedisStore, report: NewReport, level: str = "monitor", key: str | None = None) -> NewReport:
    """Accepted and settled; the result says something marked."""
    store.reports.accept(report, Idempotency(key, "few-answers", report.client) if key else None)
    store.work.settle(report.id, {**a_result(report, level), "note": "MARKED-result"}, NOW_MS)
    return report


def dump(client: redis.Redis) -> bytes:
    """Every key and every value of every type, as raw bytes."""
    known = client.connection_pool.connection_kwargs
    raw = redis.Redis(host=known["host"], port=known["port"], db=known["db"])
    found = []
    with raw:
        for key in raw.scan_iter(count=1000):
            read = {
                b"string": lambda key=key: raw.get(key),
                b"hash": lambda key=key: raw.hgetall(key),
                b"list": lambda key=key: raw.lrange(key, 0, -1),
                b"set": lambda key=key: raw.smembers(key),
                b"zset": lambda key=key: raw.zrange(key, 0, -1, withscores=True),
                b"stream": lambda key=key: raw.xrange(key),
            }[raw.type(key)]
            found += [key, *_flat(read())]
    return b"\n".join(found)


def _flat(value: object) -> Iterator[bytes]:
    match value:
        case bytes():
            yield value
        case dict():
            for name, one in value.items():
                yield from (*_flat(name), *_flat(one))
        case list() | tuple() | set():
            for one in value:
                yield from _flat(one)
