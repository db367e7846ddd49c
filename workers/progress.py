"""Whether a worker gets anything done: told from outside its main loop, which may be what hangs."""

from __future__ import annotations

from collections.abc import Iterable


class Progress:
    """A worker has stalled if work waits and it takes none, or if it holds a task that neither ends nor is ended.

    It is idle, and all is well, if it holds nothing and nothing waits.
    """

    def __init__(self) -> None:
        self._taken = -1
        self._moved_s = 0.0
        self._held_since: dict[str, float] = {}

    def stalled_s(self, *, taken: int, held: Iterable[str], waiting: int, now_s: float) -> float:
        """For how many seconds it has been so; 0 if it isn't.

        `taken`: tasks begun so far; `held`: ids of those that were received and are not done; `waiting`: tasks that
        no worker has; `now_s`: monotonic.
        """
        since = {task: self._held_since.get(task, now_s) for task in held}
        if taken != self._taken or since.keys() != self._held_since.keys() or not (since or waiting):
            self._moved_s = now_s
        self._taken, self._held_since = taken, since
        return now_s - min([self._moved_s, *since.values()])

    def unknown(self, now_s: float) -> None:
        """The store is away: nobody can get anything done."""
        self._moved_s = now_s
        self._held_since = dict.fromkeys(self._held_since, now_s)
