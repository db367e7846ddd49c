"""(d) and (e) From the queue to the event: reports singly and in batches, against a task that does one round trip."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path

from celery import Celery

from benchmarks.apps.names import BARE_DONE, NAIVE_DONE, NAIVE_ROUND_TRIP
from benchmarks.filling import Enough, Filling, until, worked
from benchmarks.load import closed_loop, request
from benchmarks.posting import Posting, red_dots
from benchmarks.servers import Stack, children, stack
from benchmarks.sizes import Size
from benchmarks.tables import Table, Target, bars
from benchmarks.timing import Figure, by_turns

SINGLY_WANTED = 0.85
BATCHES_WANTED = 5.0
MEMORY_WANTED_MB = 120
LINES = 500
GROWING_SECONDS = 120.0
SINGLY, CHUNKS, POSTED, BARE, STOCK = (
    "triage-rules, each report a task",
    "triage-rules, batches",
    "triage-rules, batches, posted over HTTP meanwhile",
    "Celery task with one round trip, same worker",
    "Celery task with one round trip, Celery as it comes",
)


def measure(size: Size) -> Table:
    """Measure all variants on one store and broker, with workers of two processes each."""
    posting = red_dots(size.cases)
    with stack(posting.bundle) as servers:
        web, ours = servers.start_web(), servers.start_worker()
        stock = servers.start_worker("benchmarks.apps.naive")
        filling = Filling(servers, posting)
        celery = Celery("stock", broker=servers.url, set_as_current=False)

        def bare_by_stock(count: int) -> None:
            servers.client.set(NAIVE_DONE, 0)
            for number in range(count):
                celery.send_task(NAIVE_ROUND_TRIP, args=(f"{number:032}",), ignore_result=True)

        decided = filling.decided
        rates = {
            SINGLY: worked(servers, ours, filling.singly, decided),
            BARE: worked(servers, ours, filling.bare, lambda: filling.counted(BARE_DONE)),
            STOCK: worked(servers, stock, bare_by_stock, lambda: filling.counted(NAIVE_DONE)),
            CHUNKS: worked(servers, ours, filling.chunks, decided),
            POSTED: _posted(servers, web, posting, filling),
        }
        most = dict.fromkeys(rates, size.queued) | dict.fromkeys((CHUNKS, POSTED), size.queued * 4)
        asked = {name: Enough(one, size.seconds, most[name]) for name, one in rates.items()}
        figures = by_turns(asked, size.runs, "/s")
        memory = _memory(servers, ours, filling, size)
    return _table(figures, memory)


def _posted(servers: Stack, web: int, posting: Posting, filling: Filling) -> Callable[[int], float]:
    """Return a rate function: web and workers at once, from the first batch to the last event."""
    lines = cycle(json.dumps(one) for one in posting.posted)

    def rate_of(count: int) -> float:
        each = min(LINES, count)
        batches = ["\n".join(islice(lines, each)) for _ in range(count // each)]
        requests = [request("/v1/reports/batch", batch, "application/x-ndjson") for batch in batches]
        begun = time.perf_counter()
        closed_loop(web, requests, count=len(requests))
        until(filling.decided, len(requests) * each)
        took = time.perf_counter() - begun
        servers.forget()
        return len(requests) * each / took

    return rate_of


def _memory(servers: Stack, worker: subprocess.Popen[bytes], filling: Filling, size: Size) -> list[tuple[str, Figure]]:
    """Measure each process of our worker, before and after that many reports, or as many as fit into the time."""
    before = Figure(tuple(map(resident_mb, children(worker))), "MB")
    begun, done, step = time.monotonic(), 0, min(10_000, size.worker_reports)
    while done < size.worker_reports and time.monotonic() - begun < GROWING_SECONDS:
        filling.chunks(step)
        until(filling.decided, step)
        servers.forget()
        done += step
    after = Figure(tuple(map(resident_mb, children(worker))), "MB")
    return [("memory of a worker process, before", before), (f"after {done:,} more reports", after)]


def _table(figures: dict[str, Figure], memory: list[tuple[str, Figure]]) -> Table:
    table = Table(
        "working",
        "From the queue to the event",
        "Reports of red-dots wait in the queue until the workers start. The rate counts from then until the last "
        "event is on the stream, with two worker processes and a store that syncs every write to disk. The bare task "
        "is a Celery task that does one `INCR` on the same broker, either in our worker with its settings (late "
        "acknowledgement) or in one with Celery's defaults.",
        ("what", "figure", "relative to the bare task in the same worker"),
    )
    table.rows = [
        (name, figure, figure.over(figures[BARE]) if name != BARE else "") for name, figure in figures.items()
    ]
    table.plots = [bars("working", "From the queue to the event", "done a second", figures)]
    table.rows += [(*row, "") for row in memory]
    table.targets = [
        Target(
            "end to end: rate by that of a bare Celery task",
            SINGLY_WANTED,
            figures[SINGLY].over(figures[BARE]).median,
            "x",
        ),
        Target(
            "batches: rate by that of a bare Celery task",
            BATCHES_WANTED,
            figures[CHUNKS].over(figures[BARE]).median,
            "x",
        ),
        Target("memory of a worker process", MEMORY_WANTED_MB, max(memory[-1][1].values), "MB", least=False),
    ]
    return table


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0
