"""Names that both ends use: of tasks, and of the keys that count finished ones."""

from __future__ import annotations

ROUND_TRIP = "bench.round_trip"
BARE_DONE = "bench:done"
TELL = "bench.tell"
NAIVE_ROUND_TRIP = "naive.round_trip"
NAIVE_DECIDE = "naive.decide"
NAIVE_DONE = "naive:done"
RQ_QUEUE = "measured"
RQ_DONE = "rq:done"
DISCARDED = "bench:discarded"
"""A queue that no worker reads."""
