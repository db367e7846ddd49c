"""What people answer is told to nobody else: no log, metric, error answer, task message or process argument holds it."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis

from tests.support.paths import GLASS_TEST
from tests.support.services.triage_up import Everything
from tests.support.waiting import wait_for
from triage_rules.consumer import Consumer, follow
from triage_rules.records.events import Event

SUBJECT = "Zq-subject-7401"
TEXT = "Zq-free-text-7402"
KEY = "Zq-idempotency-7403"
FRACTION = "417740485"  # of a second, in reported_at
TEMPERATURE = 38.77405
FIELD = "zq_field_7406"
BAD_VALUE = "Zq-bad-value-7407"
BROKEN = "Zq-broken-json-7408"
PATH = "Zq-path-7409"
QUERY = "Zq-query-7410"
HEADER = "Zq-header-7411"
STORED = "Zq-stored-7412"
MARKS = (SUBJECT, TEXT, KEY, FRACTION, str(TEMPERATURE), FIELD, BAD_VALUE, BROKEN, PATH, QUERY, HEADER, STORED)


def marked_in(text: str) -> list[str]:
    """The marked values in a text, as they are or in base64, as Celery's messages have them."""
    inside = [base64.b64decode(word).decode("latin-1") for word in re.findall(r"(?:[A-Za-z0-9+/]{4}){6,}", text)]
    return [mark for mark in MARKS if any(mark.lower() in one.lower() for one in (text, *inside))]


class Asked:
    """Calls the service with what is marked, and keeps every answer that isn't a report."""

    def __init__(self, everything: Everything) -> None:
        self.base = everything.base
        self.errors: list[str] = []

    def __call__(self, path: str, body: object = None, **headers: str) -> int:
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
        named = {"Content-Type": "application/json"} | {name.replace("_", "-"): text for name, text in headers.items()}
        try:
            with urllib.request.urlopen(urllib.request.Request(self.base + path, data, named), timeout=20) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            self.errors.append(f"{error.headers}{error.read().decode()}")
            return error.code


def report(**changed: object) -> dict[str, object]:
    now = datetime.now(UTC).strftime(f"%Y-%m-%dT%H:%M:%S.{FRACTION}Z")
    answers = {"age_years": 4, "temperature_c": TEMPERATURE, "free_text": TEXT}
    return {"ruleset": "glass-test", "subject": SUBJECT, "reported_at": now, "findings": answers} | changed


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory, red_dots_store: Path) -> Iterator[Everything]:
    running = Everything(
        tmp_path_factory.mktemp("everything"), "--no-samples", store=red_dots_store,
        TRIAGE_PENDING_SECONDS="2", TRIAGE_SWEEP_SECONDS="1", TRIAGE_MAX_DELIVERIES="2",
    )  # fmt: skip
    try:
        yield running.wait_until_serving()
    finally:
        assert running.stop() == 0


@pytest.fixture
def store(everything: Everything) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(everything.redis_url, decode_responses=True) as client:
        yield client


def queues(store: redis.Redis) -> str:
    """All that Celery has in Redis."""
    found = []
    for key in store.scan_iter(match="triage:celery:*"):
        read: dict[str, Callable[[str], object]] = {
            "list": lambda name: store.lrange(name, 0, -1),
            "hash": store.hgetall,
            "zset": lambda name: store.zrange(name, 0, -1),
            "set": store.smembers,
            "string": store.get,
            "none": str,  # gone since the scan
        }
        found.append(f"{key} {read[str(store.type(key))](key)}")
    return "\n".join(found)


def provoke_refusals(ask: Asked) -> None:
    """Everything that is refused at the door."""
    assert ask("/v1/reports", report(**{FIELD: 1})) == 422
    assert ask("/v1/reports", report(findings={FIELD: BAD_VALUE, "temperature_c": BAD_VALUE})) == 422
    assert ask("/v1/reports", report(subject=f" {BAD_VALUE}", reported_at=BAD_VALUE, ruleset=BAD_VALUE)) == 422
    assert ask("/v1/reports", f'{{"findings": {BROKEN}'.encode()) == 400
    assert ask("/v1/reports", f'{{"{FIELD}": "{BROKEN}", "{FIELD}": NaN}}'.encode()) in (400, 422)
    assert ask("/v1/reports", b'{"subject": "' + BROKEN.encode() + b'\xff"}') in (400, 422)
    lines = "\n".join([json.dumps(report(findings={"temperature_c": BAD_VALUE})), f"{{{BROKEN}"])
    ask("/v1/reports/batch", lines.encode(), Content_Type="application/x-ndjson")
    assert ask(f"/v1/reports/{PATH}") == 404
    assert ask(f"/{PATH}?q={QUERY}") == 404
    assert ask(f"/v1/reports?{QUERY}={QUERY}", report()) in (400, 422)
    assert ask(f"/v1/rulesets/{PATH}") in (404, 422)
    assert ask("/v1/reports", report(), Prefer=HEADER, Idempotency_Key=f'"{HEADER}') in (200, 202, 400, 422)
    assert ask("/v1/reports", report(subject=BAD_VALUE), Idempotency_Key=KEY) == 422  # used for another report
    assert ask("/v1/evaluate", report(findings={"free_text": {TEXT: TEXT}})) == 422


def provoke_dead_letters(everything: Everything, store: redis.Redis, ask: Asked) -> str:
    """Reports that can't be read, and one on which the evaluation fails; what Celery held meanwhile."""
    for pid in everything.children("worker"):
        os.kill(pid, signal.SIGSTOP)
    try:
        for broken in (f'{{"free_text": "{STORED}', json.dumps({STORED: STORED}), json.dumps({"age_years": STORED})):
            before = set(store.zrange("triage:pending", 0, -1))
            assert ask("/v1/reports", report()) == 202
            (made,) = set(store.zrange("triage:pending", 0, -1)) - before
            store.hset(f"triage:report:{made}", "findings", broken)
        held = queues(store)
    finally:
        for pid in everything.children("worker"):
            os.kill(pid, signal.SIGCONT)
    wait_for(lambda: store.zcard("triage:pending") == 0, 20)
    return held


def provoke_an_outage(everything: Everything, ask: Asked) -> None:
    """Redis dies; `up` starts it again."""
    for pid in everything.children("redis"):
        os.kill(pid, signal.SIGKILL)
    assert ask("/v1/reports", report()) == 503
    wait_for(lambda: ask("/v1/reports", report()) == 202, 20)


def files_of(folder: Path) -> dict[str, str]:
    return {str(path): path.read_text(encoding="latin-1") for path in folder.rglob("*") if path.is_file()}


def test_what_is_answered_leaks_nowhere(
    everything: Everything, store: redis.Redis, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After good reports, bad ones, dead letters and an outage; then the subject is erased, from the files as well."""
    everything.triage("deploy", str(GLASS_TEST))
    ask = Asked(everything)
    wait_for(lambda: Asked(everything)("/v1/evaluate", report()) == 200, 5)  # until web has noticed the deployment
    assert ask("/v1/reports", report(), Idempotency_Key=KEY, Prefer="wait=10") == 200
    assert ask("/v1/evaluate", report()) == 200
    provoke_refusals(ask)
    held = provoke_dead_letters(everything, store, ask)
    assert store.xlen("triage:dead") >= 1
    failing_handler(everything.redis_url, monkeypatch)
    provoke_an_outage(everything, ask)
    wait_for(lambda: store.zcard("triage:pending") == 0, 20)

    # the marked values are where they belong, so they can be found
    stored = "\n".join(str(store.hgetall(key)) for key in store.scan_iter(match="triage:report:*"))
    assert {SUBJECT, TEXT, FRACTION, str(TEMPERATURE), STORED} <= set(marked_in(stored))
    assert marked_in("\n".join(str(event.result) for event in follow(everything.redis_url, "0", silence=0.2)))

    # and nowhere else
    with urllib.request.urlopen(everything.base + "/metrics", timeout=10) as answer:
        metrics = answer.read().decode()
    shown = subprocess.run(["ps", "-ewwo", "args"], capture_output=True, text=True, check=True).stdout
    logs = {**files_of(everything.data_dir / "log"), "up": everything.output, "consumer": caplog.text}
    assert all(len(logs[str(everything.data_dir / "log" / f"{name}.log")]) > 100 for name in ("web", "worker", "redis"))
    assert {name: marked_in(text) for name, text in logs.items() if marked_in(text)} == {}
    assert marked_in(metrics) == []
    assert marked_in(shown) == []
    assert "triage.evaluate" in held and marked_in(held + queues(store)) == []
    # A field that nobody knows is named to the one who sent it, in a pointer; no value ever is.
    assert len(ask.errors) >= 15
    assert {mark for error in ask.errors for mark in marked_in(error)} <= {FIELD}

    # a planted leak is seen
    with (everything.data_dir / "log/worker.log").open("a", encoding="utf-8") as log:
        log.write(f"ValueError: {TEXT}\n")
    assert [marked_in(text) for text in files_of(everything.data_dir / "log").values() if marked_in(text)] == [[TEXT]]
    store.lpush("triage:celery:planted", json.dumps({"body": base64.b64encode(f'[["{SUBJECT}"]]'.encode()).decode()}))
    assert marked_in(queues(store)) == [SUBJECT]
    store.delete("triage:celery:planted")

    erased = everything.triage("erase", "--subject", "-", stdin=SUBJECT + "\n")
    assert re.match(r"[1-9]\d* reports?, [1-9]\d* events?, [1-9]\d* dead letters?\b", erased.stdout)
    assert "rewritten without the erased data" in erased.stderr
    assert marked_in(erased.stdout + erased.stderr) == []
    kept = {name: marked_in(text) for name, text in files_of(everything.data_dir / "redis").items() if marked_in(text)}
    assert kept == {}


def failing_handler(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A consumer whose handler raises an error with the answers in its text."""
    consumer = Consumer(url, "clumsy", max_deliveries=1)

    def handle(event: Event) -> None:
        consumer.stop()
        raise ValueError(f"{SUBJECT} {event.result}")

    with consumer:
        consumer.run(handle)
