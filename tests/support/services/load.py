"""Many reports at once to a running service, and the events that must come of them."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.support.paths import SAMPLES
from tests.support.services.triage_up import Everything
from triage_rules import consumer

CLIENTS = 8


def post_many(everything: Everything, reports: int) -> list[str]:
    """So many reports by CLIENTS clients at once; the ids that were promised a result."""
    bodies = [sample.read_bytes() for sample in SAMPLES]

    def client(number: int) -> list[str]:
        ids = []
        for n in range(reports // CLIENTS):
            status, answer = everything.post(
                bodies[(number + n) % len(bodies)], Idempotency_Key=f"{time.time_ns()}-{number}-{n}"
            )
            assert status == 202, answer
            ids.append(answer["id"])
        return ids

    with ThreadPoolExecutor(CLIENTS) as pool:
        return [report for ids in pool.map(client, range(CLIENTS)) for report in ids]


def events_of(everything: Everything, ids: list[str], seconds: float = 60) -> list[consumer.Event]:
    """The events of these reports, once all have come and a little longer, so that a second one would be seen."""
    wanted, until = set(ids), time.monotonic() + seconds
    while True:
        found = [e for e in consumer.follow(everything.redis_url, "0", silence=1.0) if e.subject in wanted]
        if len({event.subject for event in found}) == len(wanted) or time.monotonic() > until:
            return found


def assert_one_event_each(events: list[consumer.Event], ids: list[str]) -> None:
    assert len(set(ids)) == len(ids)
    assert Counter(event.subject for event in events) == Counter(ids)
    assert len({event.id for event in events}) == len(ids)
    assert all(event.level is not None for event in events)
