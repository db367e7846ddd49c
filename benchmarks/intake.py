"""(c) Intake: accepted reports a second, against a view that does nothing and one that only enqueues."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from benchmarks.load import closed_loop, request
from benchmarks.posting import red_dots
from benchmarks.servers import Stack, stack
from benchmarks.sizes import Size
from benchmarks.tables import Table, Target, bars
from benchmarks.timing import by_turns

WANTED = 0.8
OURS, SUBJECTS, NOTHING, ENQUEUE = (
    "triage-rules",
    "triage-rules, each report with a subject",
    "Flask, a view that does nothing",
    "Flask, a view that calls `apply_async`",
)


def measure(size: Size) -> Table:
    """Measure intake only: no worker runs."""
    posting = red_dots(size.cases)
    plain = [json.dumps(one) for one in posting.posted]
    with_subject = [json.dumps({**one, "subject": f"person-{n}"}) for n, one in enumerate(posting.posted)]
    with stack(posting.bundle) as servers:
        ours, bare = servers.start_web(), servers.start_web("benchmarks.apps.bare_web:create_app()")
        asked = {
            OURS: (ours, "/v1/reports", plain),
            SUBJECTS: (ours, "/v1/reports", with_subject),
            NOTHING: (bare, "/nothing", plain),
            ENQUEUE: (bare, "/apply_async", plain),
        }
        figures = by_turns(
            {name: _rate(servers, port, path, bodies, size.seconds) for name, (port, path, bodies) in asked.items()},
            size.runs,
            "/s",
        )
    table = Table(
        "intake",
        "Intake",
        "Requests answered with 202 a second, over 16 connections that each send again as soon as they have an "
        "answer. Every row uses one process of the same gunicorn with the same settings, and a store that syncs every "
        "write to disk. Ours decodes and checks strictly, decides whether the report is urgent, stores it in one step "
        "and enqueues it.",
        ("what", "figure", "ours / this"),
    )
    table.rows = [
        (name, figure, figures[OURS].over(figure) if name != OURS else "") for name, figure in figures.items()
    ]
    table.plots = [bars("intake", "Intake", "answered a second", figures)]
    ratio = figures[OURS].over(figures[ENQUEUE]).median
    table.targets = [Target("intake: rate by that of bare `apply_async` in the same server", WANTED, ratio, "x")]
    return table


def _rate(servers: Stack, port: int, path: str, bodies: Sequence[str], seconds: float) -> Callable[[], float]:
    requests = [request(path, body) for body in bodies]

    def rate() -> float:
        answered, took = closed_loop(port, requests, seconds=seconds)
        servers.forget()
        return answered / took

    return rate
