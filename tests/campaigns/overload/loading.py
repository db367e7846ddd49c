"""A run: fill the queue, keep posting, also urgent reports, stop, and check that everything recovers."""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.campaigns.chaos.processes import Processes, wait_for
from tests.campaigns.chaos.reports import Posting
from tests.campaigns.chaos.running import READY_SECONDS, is_ready
from tests.campaigns.chaos.schedule import REDIS, WEB, WORKERS
from tests.campaigns.overload.measuring import Events, Memory, percentile
from tests.support.actors import TESTER
from triage_rules.evaluation.answers import read_answers
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.foundation.settings import Settings
from triage_rules.language.bundle import open_bundle
from triage_rules.records.reports import History
from triage_rules.store.redis import RedisStore

AS_IN_PRODUCTION = {
    "TRIAGE_HEARTBEAT_SECONDS": "5",
    "TRIAGE_TASK_SOFT_SECONDS": "10",
    "TRIAGE_TASK_HARD_SECONDS": "20",
    "TRIAGE_STUCK_SECONDS": "60",
}
BATCH = 250
POSTERS = 2
TARGET_SECONDS = 1.0
DRAINED_SECONDS = 600.0
GROWTH = 1.5
MARGIN_MB = 100
JSON, NDJSON = "application/json", "application/x-ndjson"


@dataclass(frozen=True, slots=True)
class Plan:
    """`queued`: others that wait first; `seconds`: of load then; `age`: the limit, s; `rate`: urgent ones a second."""

    posting: Posting
    queued: int
    seconds: float
    age: int
    rate: float


@dataclass
class Outcome:
    """The outcome. `urgent`: seconds from post to event, by whether others were rejected by then; `rows`: for the table."""

    urgent: dict[str, list[float]] = field(default_factory=lambda: {"accepted": [], "refused": []})
    answers: Counter[str] = field(default_factory=Counter)
    retry_after: list[int] = field(default_factory=list)
    rows: list[tuple[str, str]] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    def table(self) -> str:
        """Return the rows as a Markdown table."""
        return "\n".join(["| what | figure |", "|---|---|", *(f"| {what} | {figure} |" for what, figure in self.rows)])


def run(plan: Plan, folder: Path) -> Outcome:
    """Start everything, load it, and check the outcome."""
    times = {"max_queue_age": plan.age, "pending": min(30, plan.age - 1), "sweep": min(5, plan.age - 1)}
    waits = {f"TRIAGE_{name.upper()}_SECONDS": str(seconds) for name, seconds in times.items()}
    processes = Processes(folder, **(AS_IN_PRODUCTION | waits))
    try:
        bundle = plan.posting.bundle
        processes.start_store()
        with RedisStore(Settings(redis_url=processes.direct_url)) as store:
            store.rulesets.deploy(bundle.name, bundle.version, bundle.digest, bundle.data, store.now_ms(), by=TESTER)
            processes.start_rest()
            wait_for(lambda: len(store.health.get_workers(store.now_ms(), 60_000)) > 1, READY_SECONDS, "both workers")
            wait_for(lambda: is_ready(processes.web_port), READY_SECONDS, "web")
            return Overload(plan, processes, store).run()
    finally:
        processes.end()


class Overload:
    """The load, and its notes."""

    def __init__(self, plan: Plan, processes: Processes, store: RedisStore) -> None:
        self._plan = plan
        self._processes = processes
        self._store = store
        self._outcome = Outcome()
        self._urgent, self._others = _by_lane(plan.posting)
        self._told: list[str] = []
        self._refusing = threading.Event()
        self._stopping = threading.Event()
        self._lock = threading.Lock()

    def run(self) -> Outcome:
        """All of it."""
        events, memory = Events(self._processes.direct_url), Memory(self._processes)
        events.start()
        memory.start()
        posters = [threading.Thread(target=self._load, args=(number,), daemon=True) for number in range(POSTERS)]
        for poster in posters:
            poster.start()
        wait_for(lambda: self._pending() >= self._plan.queued, 300, "the queue to fill")
        sent = self._post_urgent()
        longest = self._pending()
        self._stopping.set()
        for poster in posters:
            poster.join()
        stopped = time.monotonic()
        wait_for(lambda: self._pending() == 0, DRAINED_SECONDS, "the queue to drain")
        drained = time.monotonic() - stopped
        time.sleep(1)
        events.end()
        memory.end()
        self._judge(events, memory, sent)
        self._tell(memory, len(sent), longest, drained)
        return self._outcome

    def _load(self, number: int) -> None:
        """Post the others: batches and single reports alternating, as fast as they are answered, without retries."""
        connection = http.client.HTTPConnection("127.0.0.1", self._processes.web_port, timeout=30)
        others = itertools.cycle(self._others[number:] + self._others[:number])
        for turn in itertools.count():
            if self._stopping.is_set():
                break
            if turn % 2:
                self._note(*_post(connection, "/v1/reports", json.dumps(next(others)), JSON))
            else:
                lines = "\n".join(json.dumps(next(others)) for _ in range(BATCH))
                self._note(*_post(connection, "/v1/reports/batch", lines, NDJSON))
            time.sleep(0.2 if self._refusing.is_set() else 0.0)
        connection.close()

    def _note(self, status: int, retry_after: str | None, body: bytes) -> None:
        lines = [json.loads(line) for line in body.splitlines()]
        with self._lock:
            for line in lines:
                answer = int(line["status"]) if isinstance(line.get("status"), int) else status
                self._outcome.answers[str(answer)] += 1
                if "id" in line:
                    self._told.append(line["id"])
                if answer == http.HTTPStatus.SERVICE_UNAVAILABLE:
                    self._refusing.set()
            if retry_after is not None:
                self._outcome.retry_after.append(int(retry_after))

    def _post_urgent(self) -> list[tuple[float, str, Future[tuple[int, str | None, bytes]]]]:
        """Post urgent reports at a steady pace, independent of earlier ones; note time, state of the others, answer."""
        sent = []
        begun, every = time.monotonic(), 1 / self._plan.rate
        with ThreadPoolExecutor(16) as pool:
            for number, report in zip(
                range(int(self._plan.seconds * self._plan.rate)), itertools.cycle(self._urgent), strict=False
            ):
                due = begun + number * every
                time.sleep(max(0.0, due - time.monotonic()))
                others = "refused" if self._refusing.is_set() else "accepted"
                # From when it should have been posted: a pool without a free thread is waiting, too.
                sent.append((due, others, pool.submit(self._post_one, report)))
        return sent

    def _post_one(self, report: dict[str, Any]) -> tuple[int, str | None, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self._processes.web_port, timeout=30)
        try:
            return _post(connection, "/v1/reports", json.dumps(report), JSON)
        finally:
            connection.close()

    def _judge(self, events: Events, memory: Memory, sent: list[tuple[float, str, Future[Any]]]) -> None:
        found = self._outcome.violations
        for due, others, future in sent:
            status, _, body = future.result()
            if status != http.HTTPStatus.ACCEPTED:
                found.append(f"an urgent report was answered {status}")
                continue
            report_id = json.loads(body)["id"]
            self._told.append(report_id)
            if report_id in events.at:
                self._outcome.urgent[others].append(events.at[report_id] - due)
        lost = set(self._told) - set(events.at)
        found += [f"{len(lost)} lost"] if lost else []
        found += [f"{len(events.twice)} doubled"] if events.twice else []
        for others, waited in self._outcome.urgent.items():
            if waited and percentile(waited, 0.99) > TARGET_SECONDS:
                found.append(f"p99 of urgent ones while others are {others}: {percentile(waited, 0.99):.2f} s")
        found += [f"answered {answer}" for answer in self._outcome.answers if answer not in ("202", "503")]
        found += [f"memory of {name}: {memory.row(name)}" for name in (WEB, *WORKERS) if grew(memory.samples[name])]
        if not is_ready(self._processes.web_port):
            found.append("not ready afterwards")
        if self._post_one(self._others[0])[0] != http.HTTPStatus.ACCEPTED:
            found.append("afterwards an ordinary report is not accepted")

    def _tell(self, memory: Memory, urgent: int, longest: int, drained: float) -> None:
        rows, outcome = self._outcome.rows, self._outcome
        rows.append(("ruleset", self._plan.posting.bundle.name))
        rows.append(("others accepted, refused with 503", f"{outcome.answers['202']:,}, {outcome.answers['503']:,}"))
        if outcome.retry_after:
            rows.append(("Retry-After", f"{min(outcome.retry_after)} to {max(outcome.retry_after)} s"))
        rows.append(("others that waited when the load ended", f"{longest:,}"))
        rows.append(("urgent ones posted", f"{urgent:,}, {self._plan.rate:g} a second"))
        for others, waited in outcome.urgent.items():
            if waited:
                told = ", ".join(f"{percentile(waited, share):.2f}" for share in (0.5, 0.99, 1.0))
                rows.append(
                    (
                        f"post to event of {len(waited):,} urgent ones while others are {others}: p50, p99, longest",
                        f"{told} s",
                    )
                )
        for name in (WEB, *WORKERS, REDIS):
            rows.append((f"memory of {name}: at first, at most, at last", memory.row(name)))
        rows.append(("until nothing waited any more", f"{drained:.0f} s"))

    def _pending(self) -> int:
        return self._store.health.get_backlog(self._store.now_ms()).pending


def grew(samples: list[float]) -> bool:
    """Return True if the memory is above the limit for a process under load."""
    return max(samples) > GROWTH * samples[0] + MARGIN_MB


def _post(connection: http.client.HTTPConnection, path: str, body: str, kind: str) -> tuple[int, str | None, bytes]:
    connection.request("POST", path, body, {"Content-Type": kind})
    answer = connection.getresponse()
    return answer.status, answer.getheader("Retry-After"), answer.read()


def _by_lane(posting: Posting) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Split the pool into reports of the urgent lane and others."""
    evaluator = Evaluator(open_bundle(posting.bundle.data, posting.bundle.digest), posting.bundle.digest)
    lanes: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
    for report in posting.pool:
        read = read_answers(evaluator.ruleset, report["findings"])
        lanes[evaluator.looks_urgent(read, History())].append(report)
    return lanes[True], lanes[False]
