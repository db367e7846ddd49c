"""The cost of safety: second opinion, syncing to disk and encryption, each switched separately."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Sequence

from cryptography.fernet import Fernet

from benchmarks.filling import Enough, Filling, worked
from benchmarks.load import closed_loop, request
from benchmarks.posting import Posting, red_dots
from benchmarks.servers import Stack, held, stack
from benchmarks.sizes import Size
from benchmarks.tables import Table
from benchmarks.timing import by_turns

BASE = "as delivered: second opinion, every write synced, no encryption"
VARIANTS: dict[str, tuple[str, dict[str, str]]] = {
    BASE: ("always", {}),
    "without the second opinion": ("always", {"TRIAGE_SECOND_OPINION": "off"}),
    "synced once a second": ("everysec", {}),
    "synced when the kernel decides": ("no", {}),
    "encrypted": (
        "always",
        {"TRIAGE_ENCRYPTION_KEYS": Fernet.generate_key().decode(), "TRIAGE_INDEX_SECRET": "s" * 40},
    ),
}


def measure(size: Size, variants: Sequence[str] = tuple(VARIANTS)) -> Table:
    """Measure each variant with its own store, web and worker; only one works at a time."""
    posting = red_dots(size.cases)
    with contextlib.ExitStack() as running:
        loads = {
            name: _loads(running.enter_context(stack(posting.bundle, fsync, **settings)), posting, size)
            for name, (fsync, settings) in VARIANTS.items()
            if name in variants
        }
        figures = [by_turns({name: load[n] for name, load in loads.items()}, size.runs, "/s") for n in range(3)]
    table = Table(
        "safety",
        "What safety costs",
        "The rates of intake and workers as above. Each variant has its own store, web and worker, and they take "
        "turns. The second number of a cell is relative to the first row.",
        ("variant", "accepted over HTTP", "reports singly", "batches"),
    )
    for name in variants:
        cells = [f"{one[name]}; {one[name].over(one[BASE])}" if name != BASE else str(one[name]) for one in figures]
        table.rows.append((name, *cells))
    return table


def _loads(servers: Stack, posting: Posting, size: Size) -> tuple[Callable[[], float], ...]:
    """Return three rates: intake without workers, single reports, and chunks."""
    web, worker = servers.start_web(), servers.start_worker()
    requests = [request("/v1/reports", json.dumps(one)) for one in posting.posted]
    filling = Filling(servers, posting)

    def intake() -> float:
        with held(worker):
            answered, took = closed_loop(web, requests, seconds=size.seconds / 2)
            servers.forget()
        return answered / took

    ways = (filling.singly, filling.chunks)
    singly, chunks = (worked(servers, worker, way, filling.decided) for way in ways)
    seconds, most = size.seconds / 2, size.queued
    return intake, Enough(singly, seconds, most), Enough(chunks, seconds, most * 2)
