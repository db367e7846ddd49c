"""Measurements of an overloaded service from outside: times of events, memory of each part."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import redis

from tests.campaigns.chaos.processes import Processes, children_of_pid
from tests.campaigns.chaos.schedule import REDIS, WEB, WORKERS

SAMPLE_SECONDS = 0.5


class Events(threading.Thread):
    """The time of each report's event. `at`: report id -> monotonic time."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.at: dict[str, float] = {}
        self.twice: list[str] = []
        self._client = redis.Redis.from_url(url, decode_responses=True)
        self._ended = threading.Event()

    def run(self) -> None:
        """Until end()."""
        last = "0-0"
        while not self._ended.is_set():
            for _, entries in self._client.xread({"triage:results": last}, count=1_000, block=200) or []:
                now = time.monotonic()
                for entry_id, fields in entries:
                    last = entry_id
                    if fields["ce_subject"] in self.at:
                        self.twice.append(fields["ce_subject"])
                    self.at[fields["ce_subject"]] = now

    def end(self) -> None:
        """Stop measuring."""
        self._ended.set()
        self.join()
        self._client.close()


class Memory(threading.Thread):
    """Memory in MB: web and workers with their children, resident; Redis by its own count."""

    def __init__(self, processes: Processes) -> None:
        super().__init__(daemon=True)
        self.samples: dict[str, list[float]] = {name: [] for name in (WEB, *WORKERS, REDIS)}
        self._processes = processes
        self._client = redis.Redis.from_url(processes.direct_url)
        self._ended = threading.Event()

    def run(self) -> None:
        """Until end()."""
        while not self._ended.wait(SAMPLE_SECONDS):
            for name in (WEB, *WORKERS):
                self.samples[name].append(_resident_mb(self._processes.pid(name)))
            self.samples[REDIS].append(int(self._client.info("memory")["used_memory"]) / 2**20)

    def end(self) -> None:
        """Stop measuring."""
        self._ended.set()
        self.join()
        self._client.close()

    def row(self, name: str) -> str:
        """Return the memory at the beginning, the maximum, and at the end."""
        samples = self.samples[name]
        return f"{samples[0]:.0f}, {max(samples):.0f}, {samples[-1]:.0f} MB"


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` of them don't exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _resident_mb(pid: int) -> float:
    kilobytes = 0
    for one in (pid, *children_of_pid(pid)):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            for line in Path(f"/proc/{one}/status").read_text(encoding="utf-8").splitlines():
                if line.startswith("VmRSS:"):
                    kilobytes += int(line.split()[1])
    return kilobytes / 1024
