"""(f) From the moment a report is due to its event on the stream, at 10, 50 and 80 % of what the service can do."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from benchmarks.filling import Enough, until
from benchmarks.load import closed_loop, moments, open_loop, request
from benchmarks.posting import red_dots
from benchmarks.servers import Stack, stack
from benchmarks.sizes import Size
from benchmarks.tables import Line, Plot, Table, Target
from benchmarks.timing import Figure, by_turns, percentile

LOADS = (0.1, 0.5, 0.8)
SHARES = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}
HALF, WANTED_MS = 0.5, 50


def measure(size: Size) -> Table:
    """Web and one worker of two processes; nothing else but the client takes of the two cores."""
    posting = red_dots(size.cases)
    requests = [request("/v1/reports", json.dumps(one)) for one in posting.posted]
    with stack(posting.bundle) as servers:
        web = servers.start_web()
        servers.start_worker()
        asked = {"capacity": Enough(partial(_capacity, servers, web, requests), size.seconds, size.queued)}
        capacity = by_turns(asked, size.runs, "/s")["capacity"]
        waited = {load: _waited(servers, web, requests, load * capacity.median, size) for load in LOADS}
    table = Table(
        "latency",
        "Latency",
        "Milliseconds from when a report was due to be posted to when its event was on the stream, by the store's "
        "clock. Reports are due at random moments, whatever becomes of those before them, so nothing that a slow "
        "moment delays is left out. Capacity is what comes out when 16 connections post without a pause: "
        f"{capacity}. The last column is over all runs together.",
        ("load", *SHARES, "longest", "reports"),
    )
    for load, runs in waited.items():
        figures = [Figure(tuple(percentile(run, share) for run in runs), "ms") for share in SHARES.values()]
        together = [one for run in runs for one in run]
        rate = f"{load:.0%}, {load * capacity.median:,.0f}/s"
        table.rows.append((rate, *figures, Figure((max(together),), "ms"), len(together)))
        if load == HALF:
            table.targets = [Target("p99 at half load", WANTED_MS, figures[1].median, "ms", least=False)]
    table.plots = [_plot(waited)]
    return table


def _capacity(servers: Stack, web: int, requests: Sequence[bytes], count: int) -> float:
    begun = time.perf_counter()
    answered, _ = closed_loop(web, requests, count=count)
    until(lambda: int(servers.client.xlen("triage:results")), answered)
    took = time.perf_counter() - begun
    servers.forget()
    return answered / took


def _waited(servers: Stack, web: int, requests: Sequence[bytes], rate: float, size: Size) -> list[list[float]]:
    """Of each run, how long each of its reports took, ms."""
    runs: list[list[float]] = []
    for number in range(size.runs):
        due = open_loop(web, requests, moments(rate, size.latency_seconds, number))
        until(lambda: int(servers.client.xlen("triage:results")), len(due))
        entries: Any = servers.client.xrange("triage:results")
        at_ms = {fields[b"ce_subject"].decode(): int(entry.split(b"-")[0]) for entry, fields in entries}
        runs.append([at_ms[report_id] - moment * 1000 for report_id, moment in due.items()])
        servers.forget()
    return runs


def _plot(waited: dict[float, list[list[float]]]) -> Plot:
    """Percentiles up to 99.9: so many reports there are."""
    shares = (0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999)
    lines = []
    for load, runs in waited.items():
        together = [one for run in runs for one in run]
        points = tuple((1 / (1 - share), max(0.1, percentile(together, share))) for share in shares)
        lines.append(Line(f"{load:.0%} load", points))
    return Plot("latency", "Due to event", "one report in so many takes longer", "ms", tuple(lines))
