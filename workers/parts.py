"""The parts that the handlers of a process share, put together once after the fork."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from triage_rules.deployment.live import LiveRulesets
from triage_rules.foundation.settings import Settings
from triage_rules.records.reports import Lane
from triage_rules.store.work import Work


class Send(Protocol):
    """A function that enqueues ids into a lane again and never raises. `singly`: for a task with only this report."""

    def __call__(self, ids: Sequence[str], lane: Lane, *, singly: bool = False) -> None: ...


class WorkerStore(Protocol):
    """The parts of the store that workers need; `RedisStore` has them."""

    @property
    def work(self) -> Work: ...

    def trim(self, now_ms: int) -> int:
        """Drop data past its retention time."""
        ...

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        ...


@dataclass(frozen=True, slots=True)
class WorkerParts:
    """The parts of a worker's process."""

    settings: Settings
    store: WorkerStore
    rulesets: LiveRulesets
    send: Send
    now_ms: Callable[[], int]
