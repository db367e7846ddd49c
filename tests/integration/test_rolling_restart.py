"""A release under load: web by HUP, then each worker and beat by TERM. No request fails, no report is tried twice."""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import time
from collections import Counter
from pathlib import Path

import redis

from tests.campaigns.chaos.processes import Processes, children_of_pid, wait_for
from tests.campaigns.chaos.reports import glass_test
from tests.campaigns.chaos.running import READY_SECONDS, is_ready
from tests.campaigns.chaos.schedule import BEAT, WEB, WORKERS
from tests.support.actors import TESTER
from triage_rules.foundation.settings import Settings
from triage_rules.store.redis import RedisStore

PATIENT = {"TRIAGE_PENDING_SECONDS": "60", "TRIAGE_TASK_SOFT_SECONDS": "8", "TRIAGE_TASK_HARD_SECONDS": "9"}
"""No sweep and no time limit may try a report again because the machine is slow."""


class Client(threading.Thread):
    """Posts without a pause until told to stop. `keeps`: its connection, as long as web lets it."""

    def __init__(self, port: int, number: int, *, keeps: bool) -> None:
        super().__init__(daemon=True)
        self.answers: Counter[str] = Counter()
        self.told: list[str] = []
        self.stopping = threading.Event()
        self._port = port
        self._number = number
        self._keeps = keeps

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        reports = itertools.cycle(glass_test().pool)
        for turn in itertools.count():
            if self.stopping.is_set():
                break
            headers = {"Content-Type": "application/json", "Idempotency-Key": f"{self._number}-{turn}"}
            body = json.dumps(next(reports))
            for again in (False, True):
                try:
                    connection.request("POST", "/v1/reports", body, headers)
                    answer = connection.getresponse()
                    told = json.load(answer)
                except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError) as error:
                    # A kept connection may end between two requests: HTTP clients then ask once more on a new one.
                    connection.close()
                    self.answers[f"{type(error).__name__}{' again' if again else ''}"] += 1
                    continue
                self.answers[str(answer.status)] += 1
                if answer.status == http.HTTPStatus.ACCEPTED:
                    self.told.append(told["id"])
                break
            if not self._keeps:
                connection.close()
            time.sleep(0.04)
        connection.close()


def test_a_release_under_load_loses_and_fails_nothing(tmp_path: Path) -> None:
    """Clients see 202 alone; those that keep their connections may find it closed, and ask again."""
    processes, bundle = Processes(tmp_path, **PATIENT), glass_test().bundle
    clients = [Client(processes.web_port, number, keeps=number % 2 == 1) for number in range(4)]
    try:
        processes.start_store()
        with RedisStore(Settings(redis_url=processes.direct_url)) as store:
            store.rulesets.deploy(bundle.name, bundle.version, bundle.digest, bundle.data, store.now_ms(), by=TESTER)
            processes.start_rest()
            wait_for(lambda: is_ready(processes.web_port), READY_SECONDS, "web")
            wait_for(
                lambda: len(store.health.get_workers(store.now_ms(), 60_000)) == len(WORKERS),
                READY_SECONDS,
                "both workers",
            )
            for client in clients:
                client.start()
            renew_web(processes)
            for name in (*WORKERS, BEAT):
                renew(processes, store, name)
            time.sleep(0.5)
            for client in clients:
                client.stopping.set()
                client.join()
            wait_for(lambda: store.health.get_backlog(store.now_ms()).pending == 0, 60, "all to be settled")
            told = [one for client in clients for one in client.told]
            attempts = Counter(store.reports.get(one).attempts for one in told)
        with redis.Redis.from_url(processes.direct_url, decode_responses=True) as client_of_store:
            published = [fields["ce_subject"] for _, fields in client_of_store.xrange("triage:results")]
    finally:
        processes.end()
    assert len(told) > 100
    assert sorted(published) == sorted(told)
    assert attempts == {1: len(told)}
    for client in clients[::2]:
        assert client.answers.keys() == {"202"}, client.answers
    for client in clients[1::2]:
        assert client.answers.keys() <= {"202", "RemoteDisconnected", "ConnectionResetError"}, client.answers


def renew_web(processes: Processes) -> None:
    """Until the new child serves and the old one has ended."""
    old = children_of_pid(processes.pid(WEB))
    processes.renew(WEB)
    wait_for(
        lambda: bool(new := children_of_pid(processes.pid(WEB))) and not set(old) & set(new), 60, "the new web child"
    )


def renew(processes: Processes, store: RedisStore, name: str) -> None:
    """Until another process runs in its place and, if it is a worker, says that it is there."""
    old = processes.pid(name)
    processes.renew(name)
    wait_for(lambda: processes.pid(name) != old, 60, name)
    if name in WORKERS:
        new = processes.pid(name)
        wait_for(
            lambda: any(one.endswith(f"/{new}") for one in store.health.get_workers(store.now_ms(), 60_000)),
            60,
            f"a new {name}",
        )
