"""Progress of a worker, judged outside its main loop, which may be hanging."""

from __future__ import annotations

from collections.abc import Iterable


class WorkerProgress:
    """The progress of a worker. It has stalled if work waits and it takes none, or if a task it holds never ends.

    A worker that holds nothing while nothing waits is idle, not stalled.
    """

    def __init__(self) -> None:
        self._taken = -1
        self._moved_s = 0.0
        self._held_since: dict[str, float] = {}

    def stalled_s(self, *, taken: int, held: Iterable[str], waiting: int, now_s: float) -> float:
        """Return the seconds since the worker stalled, or 0.

        `taken`: number of tasks begun so far; `held`: ids of unfinished tasks; `waiting`: number of tasks without
        a worker; `now_s`: monotonic time.
        """
        since = {task: self._held_since.get(task, now_s) for task in held}
        if taken != self._taken or since.keys() != self._held_since.keys() or not (since or waiting):
            self._moved_s = now_s
        self._taken, self._held_since = taken, since
        return now_s - min([self._moved_s, *since.values()])

    def unknown(self, now_s: float) -> None:
        """Restart the count while the store is away, because no worker can make progress."""
        self._moved_s = now_s
        self._held_since = dict.fromkeys(self._held_since, now_s)
