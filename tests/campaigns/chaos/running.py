"""One run: processes, clients, a seeded schedule of faults, and then the checker."""

from __future__ import annotations

import contextlib
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import redis

from tests.campaigns.chaos.checker import Checker
from tests.campaigns.chaos.clients import Clients, Notes, make_jobs
from tests.campaigns.chaos.processes import GROUPS, Processes, wait_for
from tests.campaigns.chaos.reports import Posting, next_version
from tests.campaigns.chaos.schedule import make_schedule
from tests.campaigns.chaos.striking import Striking
from tests.support.actors import TESTER
from triage_rules.foundation.settings import Settings
from triage_rules.language.bundle import Bundle
from triage_rules.store.redis import RedisStore

READY_SECONDS = 40.0
DRAINED_SECONDS = 120.0
ROLLED_BACK = 0.5


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a run. `seconds`: its length; `drained`: from the last answer and fault until all was handled."""

    seed: int
    ruleset: str
    reports: int
    poison: int
    given_up: int
    struck: Counter[str]
    answers: Counter[str]
    restarts: int
    seconds: float
    drained: float
    violations: list[str]


def run(seed: int, posting: Posting, reports: int, faults: int, folder: Path, *, poison: int = 1) -> Outcome:
    """Run a seed; a failure of the service is a violation in the outcome, not an exception."""
    started = time.monotonic()
    jobs = make_jobs(seed, posting.pool, reports - poison, [posting.poison] * poison)
    notes = Notes(folder / "told")
    processes = Processes(folder)
    progress = Progress(notes, processes.direct_url, reports)
    bundles = [posting.bundle, next_version(posting.bundle)]
    store = RedisStore(Settings(redis_url=processes.direct_url))
    schedule = make_schedule(seed, faults)
    striking = Striking(processes, schedule, progress, lambda: _told(notes), lambda pick: _deploy(store, bundles, pick))
    drained, violations = 0.0, list[str]()
    try:
        _start(processes, posting)
        clients = Clients(processes.web_port, jobs, notes)
        striker = threading.Thread(target=striking.run, daemon=True)
        clients.start()
        striker.start()
        striker.join()
        clients.join()
        processes.wait_for_store()
        quiet = time.monotonic()
        with redis.Redis.from_url(processes.direct_url, decode_responses=True) as client:
            violations += _drain(client)
            drained = time.monotonic() - quiet
            handled = {group: processes.handled(group) for group in GROUPS.values()}
            violations += Checker(client, bundles, jobs, notes, handled).violations()
    except TimeoutError as error:
        violations.append(str(error))
    finally:
        store.close()
        processes.end()
    return Outcome(
        seed, posting.bundle.name, reports, poison, len(notes.given_up), striking.struck, notes.answers,
        processes.restarts, time.monotonic() - started, drained, violations,
    )  # fmt: skip


class Progress:
    """The progress of a run: half for received ids, half for published results."""

    def __init__(self, notes: Notes, url: str, reports: int) -> None:
        self._notes = notes
        self._all = 2 * reports
        self._client = redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5)
        self._published = 0

    def __call__(self) -> float:
        # If it is away, as the schedule wants it, what was published so far still counts.
        with contextlib.suppress(redis.RedisError):
            self._published = int(self._client.xlen("triage:results"))
        return (len(self._notes.told) + self._published) / self._all


def _start(processes: Processes, posting: Posting) -> None:
    processes.start_store()
    bundle = posting.bundle
    with RedisStore(Settings(redis_url=processes.direct_url)) as store:
        store.rulesets.deploy(
            bundle.name, bundle.version, bundle.digest, bundle.data, time.time_ns() // 1_000_000, by=TESTER
        )
        processes.start_rest()
        wait_for(lambda: len(store.health.get_workers(_now_ms(), 60_000)) > 1, READY_SECONDS, "both workers")
    wait_for(lambda: is_ready(processes.web_port), READY_SECONDS, "web")


def _deploy(store: RedisStore, bundles: list[Bundle], pick: float) -> None:
    """Roll back if possible, or make the other version live."""
    name, now_ms = bundles[0].name, store.now_ms()
    live = store.rulesets.get_live()[name]
    if pick < ROLLED_BACK and live.previous is not None:
        store.rulesets.roll_back(name, now_ms, by=TESTER)
        return
    (other,) = (bundle for bundle in bundles if bundle.digest != live.digest)
    store.rulesets.deploy(name, other.version, other.digest, other.data, now_ms, by=TESTER)


def _drain(client: redis.Redis) -> list[str]:
    """Wait until nothing is pending and each group has acknowledged all."""

    def quiet() -> bool:
        groups = client.xinfo_groups("triage:results")
        acknowledged = all(group["pending"] == 0 and group["lag"] == 0 for group in groups)
        return not client.zcard("triage:pending") and len(groups) == len(GROUPS) and acknowledged

    try:
        wait_for(quiet, DRAINED_SECONDS, "all to be settled and handled")
    except TimeoutError as error:
        return [str(error)]
    return []


def is_ready(port: int) -> bool:
    """Return True if web is ready."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _told(notes: Notes) -> list[str]:
    with notes.lock:
        return [ids[0] for ids in notes.told.values()]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
