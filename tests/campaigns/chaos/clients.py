"""Clients that post reports, retry failed ones, and note the ids that they receive."""

from __future__ import annotations

import http.client
import json
import queue
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

TIMEOUT_SECONDS = 8.0
PATIENCE_SECONDS = 60.0
GIVES_UP = 0.3
TWICE = 0.05
BATCH = 20

Report = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Job:
    """A post with one Idempotency-Key: a report or a batch.

    `gives_up`: at the first error, until the end. `twice`: sent by two clients at the same time.
    """

    key: str
    reports: tuple[Report, ...]
    gives_up: bool
    twice: bool

    @property
    def lines(self) -> list[str]:
        """Return the names of its reports in the notes."""
        return [f"{self.key} {number}" for number in range(1, len(self.reports) + 1)]


@dataclass
class Notes:
    """Notes of the clients. `told`: line -> the ids that its client received; `answers`: count of each status or error."""

    file: Path
    told: dict[str, list[str]] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)
    given_up: list[Job] = field(default_factory=list)
    unheard: list[Job] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def tell(self, line: str, report_id: str) -> None:
        """Note the id, also in the file."""
        with self.lock, self.file.open("a", encoding="utf-8") as file:
            self.told.setdefault(line, []).append(report_id)
            file.write(f"{line} {report_id}\n")


def make_jobs(seed: int, pool: list[Report], count: int, poison: Iterable[Report]) -> list[Job]:
    """`count` reports from the pool, a third with a subject of twenty, and the poisonous ones; singly or in batches."""
    random = Random(f"jobs {seed}")
    reports: list[Report] = []
    for _ in range(count):
        report = dict(random.choice(pool))
        if random.random() < 1 / 3:
            report["subject"] = f"subject-{random.randrange(20)}"
        reports.append(report)
    for one in poison:
        reports.insert(random.randrange(len(reports)), one)
    jobs = []
    while reports:
        size = BATCH if random.random() < 0.04 else 1
        part, reports = tuple(reports[:size]), reports[size:]
        key = f"run-{seed}-{len(jobs)}"
        jobs.append(Job(key, part, random.random() < GIVES_UP, random.random() < TWICE))
    return jobs


class Clients:
    """Threads that post the jobs to a port of this machine."""

    def __init__(self, port: int, jobs: list[Job], notes: Notes, threads: int = 6) -> None:
        self._port = port
        self._notes = notes
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        for job in jobs:
            for _ in range(1 + job.twice):
                self._jobs.put(job)
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]

    def start(self) -> None:
        """Start posting."""
        for thread in self._threads:
            thread.start()

    def busy(self) -> bool:
        """Return True while a job is left."""
        return any(thread.is_alive() for thread in self._threads)

    def join(self) -> None:
        """Wait until all are posted; at the end, clients that gave up ask again by their keys."""
        for thread in self._threads:
            thread.join()
        poster = _Poster(self._port)
        for job in self._notes.given_up:
            self._persist(poster, job)
        poster.close()

    def _work(self) -> None:
        poster = _Poster(self._port)
        try:
            while True:
                self._one(poster, self._jobs.get_nowait())
        except queue.Empty:
            poster.close()

    def _one(self, poster: _Poster, job: Job) -> None:
        if job.gives_up:
            if not self._try(poster, job):
                with self._notes.lock:
                    self._notes.given_up.append(job)
            return
        self._persist(poster, job)

    def _persist(self, poster: _Poster, job: Job) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        pause = 0.05
        while not self._try(poster, job):
            if time.monotonic() > until:
                with self._notes.lock:
                    self._notes.unheard.append(job)
                return
            time.sleep(pause)
            pause = min(pause * 1.5, 1.0)

    def _try(self, poster: _Poster, job: Job) -> bool:
        """Post once; return True if each of its reports has an id."""
        try:
            status, body = poster.post(job)
            answers = [json.loads(line) for line in body.splitlines()] if status in (200, 202) else []
        except (OSError, http.client.HTTPException, ValueError) as error:
            poster.close()
            self._count(type(error).__name__)
            return False
        self._count(str(status))
        for line, answer in zip(job.lines, answers, strict=False):
            if "id" in answer:
                self._notes.tell(line, answer["id"])
            else:
                self._count(f"line {answer['status']}")
        return len(answers) == len(job.reports) and all("id" in answer for answer in answers)

    def _count(self, met: str) -> None:
        with self._notes.lock:
            self._notes.answers[met] += 1


class _Poster:
    """A connection, opened again after an error."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)

    def post(self, job: Job) -> tuple[int, bytes]:
        one = len(job.reports) == 1
        body = "\n".join(json.dumps(report) for report in job.reports)
        kind = "application/json" if one else "application/x-ndjson"
        path = "/v1/reports" if one else "/v1/reports/batch"
        self._connection.request("POST", path, body, {"Content-Type": kind, "Idempotency-Key": job.key})
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def close(self) -> None:
        self._connection.close()
