"""(f) Latency from the moment a report is due to its event on the stream, at 10, 50 and 80 % of capacity.

For comparison, at the rate of the 50 %: only Flask and Celery.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
BARE = "a bare task"


@dataclass(slots=True)
class _Runs:
    """Results of the runs: the wait of each report in ms, and the load of the cores in %."""

    waited_ms: list[list[float]] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)


def measure(size: Size) -> Table:
    """Measure web and one worker of two processes; only the client shares the two cores."""
    posting = red_dots(size.cases)
    bodies = [json.dumps(one) for one in posting.posted]
    requests = [request("/v1/reports", body) for body in bodies]
    with stack(posting.bundle) as servers:
        web, bare = servers.start_web(), servers.start_web("benchmarks.apps.bare_web:create_app()")
        servers.start_worker()
        asked = {"capacity": Enough(partial(_capacity, servers, web, requests), size.seconds, size.queued)}
        capacity = by_turns(asked, size.runs, "/s")["capacity"]
        rates = {f"{load:.0%}": load * capacity.median for load in LOADS}
        measured = {load: _measured(servers, web, requests, rate, size) for load, rate in rates.items()}
        half = f"{HALF:.0%}"
        telling = [request("/tell", body) for body in bodies]
        measured[BARE] = _measured(servers, bare, telling, rates[half], size)
    rates[BARE] = rates[half]
    table = Table(
        "latency",
        "Latency",
        "Milliseconds from the moment a report was due to be posted until its event was on the stream, by the store's "
        "clock. Reports are due at random moments, independent of earlier reports, so a delay counts for every report "
        "that was due meanwhile. Capacity is the rate when 16 connections post without a pause and many waiting "
        f"reports are decided together: {capacity}. The bare task is the time of only Flask and Celery: a view that "
        "enqueues an id, in the same gunicorn, and a task that adds it to the stream, in the same worker. Busy is the "
        "processor time of web, worker, store and client, as a share of all cores. The longest is over all runs "
        "together.",
        ("load", *SHARES, "longest", "reports", "busy"),
    )
    for load, runs in measured.items():
        figures = [Figure(tuple(percentile(run, share) for run in runs.waited_ms), "ms") for share in SHARES.values()]
        together = [one for run in runs.waited_ms for one in run]
        busy = Figure(tuple(runs.busy), "%")
        name = f"{load}, {rates[load]:,.0f}/s"
        table.rows.append((name, *figures, Figure((max(together),), "ms"), len(together), busy))
        if load == half:
            table.targets = [Target("p99 at half load", WANTED_MS, figures[1].median, "ms", least=False)]
    table.plots = [_plot(measured)]
    return table


def _capacity(servers: Stack, web: int, requests: Sequence[bytes], count: int) -> float:
    begun = time.perf_counter()
    answered, _ = closed_loop(web, requests, count=count)
    until(lambda: int(servers.client.xlen("triage:results")), answered)
    took = time.perf_counter() - begun
    servers.forget()
    return answered / took


def _measured(servers: Stack, web: int, requests: Sequence[bytes], rate: float, size: Size) -> _Runs:
    found = _Runs()
    for number in range(size.runs):
        begun, taken = time.perf_counter(), servers.processor_seconds()
        due = open_loop(web, requests, moments(rate, size.latency_seconds, number))
        until(lambda: int(servers.client.xlen("triage:results")), len(due))
        cores = (os.cpu_count() or 1) * (time.perf_counter() - begun)
        found.busy.append(100 * (servers.processor_seconds() - taken) / cores)
        entries: Any = servers.client.xrange("triage:results")
        at_ms = {fields[b"ce_subject"].decode(): int(entry.split(b"-")[0]) for entry, fields in entries}
        found.waited_ms.append([at_ms[report_id] - moment * 1000 for report_id, moment in due.items()])
        servers.forget()
    return found


def _plot(measured: Mapping[str, _Runs]) -> Plot:
    """Plot percentiles up to 99.9, as far as the number of reports allows."""
    shares = (0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999)
    lines = []
    for load, runs in measured.items():
        together = [one for run in runs.waited_ms for one in run]
        points = tuple((1 / (1 - share), max(0.1, percentile(together, share))) for share in shares)
        lines.append(Line(load if load == BARE else f"{load} load", points))
    return Plot("latency", "Due to event", "one report in this many takes longer", "ms", tuple(lines))
