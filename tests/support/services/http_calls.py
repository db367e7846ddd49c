"""For the tests of the HTTP interface: a caller that holds every answer against the description, and what is stored."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import redis
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from service.http.parts import get_parts
from tests.support.paths import GLASS_TEST
from tests.support.rulesets import repository
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.evaluation.result import Identity, failed_result
from triage_rules.foundation.contacts import NO_CHOICE, ContactChoice
from triage_rules.foundation.errors import StoreUnavailable
from triage_rules.language.bundle import Bundle, open_bundle
from triage_rules.store.redis import RedisStore

URGENT = {"age_years": 4, "blanches_on_pressure": "does_not_blanch", "temperature_c": 38.9}
ROUTINE = {
    "age_years": 30,
    "blanches_on_pressure": "blanches",
    "itchy": True,
    "fever_reported": False,
    "temperature_c": 36.8,
}

SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def glass_test() -> Bundle:
    """The ruleset of these tests."""
    return repository.bundle(GLASS_TEST)


@dataclass
class Caller:
    """Calls an app, with an API key if given. Every answer is checked against the app's description, and for headers."""

    app: Flask
    key: str | None = None
    seen: list[tuple[str, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client: FlaskClient = self.app.test_client()
        self.description, self._closed = _descriptions(self.app, self.client)

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        return self("GET", path, **kwargs)

    def post(self, path: str, **kwargs: Any) -> TestResponse:
        return self("POST", path, **kwargs)

    def __call__(self, method: str, path: str, **kwargs: Any) -> TestResponse:
        if self.key is not None:
            kwargs["headers"] = {"Authorization": f"Bearer {self.key}"} | dict(kwargs.get("headers", {}))
        response = self.client.open(path, method=method, **kwargs)
        check_headers(response)
        if response.status_code >= 400:
            check_problem(response)
        documented = self._documented(method, path, response)
        if documented is not None:
            self._check_body(documented, response)
        return response

    def _documented(self, method: str, path: str, response: TestResponse) -> dict[str, Any] | None:
        """The described answer. A path or method that no call has is not described, and must be refused."""
        try:
            rule, _ = self.app.url_map.bind("localhost").match(path.partition("?")[0], method, return_rule=True)
        except HTTPException:
            assert response.status_code in (404, 405)
            return None
        if rule.endpoint == "static":
            return None
        route = rule.rule.replace("<", "{").replace(">", "}")
        answers = self.description["paths"][route][method.lower()]["responses"]
        status = str(response.status_code)
        self.seen.append((method, route, status))
        assert status in answers, f"{method} {route} answered {status}, which is not described"
        return dict(answers[status])

    def _check_body(self, documented: dict[str, Any], response: TestResponse) -> None:
        if response.status_code == 304:
            assert response.get_data() == b""
            return
        media_type = response.mimetype
        assert media_type in documented["content"], f"{media_type} is not described"
        schema = documented["content"][media_type].get("schema", {})
        for value in _values(response):
            check(schema, value, self._closed)


_DESCRIPTIONS: dict[tuple[object, ...], tuple[dict[str, Any], dict[str, Any]]] = {}


def _descriptions(app: Flask, client: FlaskClient) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the app's description, and the closed one; building them takes longer than most tests."""
    with app.app_context():
        parts = get_parts()
    try:
        live = tuple(sorted(live.digest for live in parts.store.rulesets.get_live().values()))
    except StoreUnavailable:
        live = ()
    key = (parts.settings.auth_on, live)
    if key not in _DESCRIPTIONS:
        description: dict[str, Any] = json.loads(client.get("/openapi.json").get_data())
        _DESCRIPTIONS[key] = description, closed(description)
    return _DESCRIPTIONS[key]


def closed(description: dict[str, Any]) -> dict[str, Any]:
    """The description with no other fields in answers than it names: what we answer today must be described, too.

    Not so Result: its schema is published by itself, and has its own tests.
    """
    own = deepcopy(description)
    for name, schema in own["components"]["schemas"].items():
        if name != "Result" and "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return own


def check(schema: dict[str, Any], value: object, description: dict[str, Any]) -> None:
    """`value` fits `schema`, whose references are into `description`."""
    Draft202012Validator({**schema, "components": description["components"]}).validate(value)


def check_headers(response: TestResponse) -> None:
    """What every answer carries, whatever it is."""
    for name, value in SECURITY.items():
        assert response.headers[name] == value
    policy = response.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert policy.startswith(("default-src 'none'", "default-src 'self'"))


def check_problem(response: TestResponse) -> None:
    """RFC 9457, with our own members."""
    assert response.mimetype == "application/problem+json"
    told = response.get_json(force=True)
    assert told["status"] == response.status_code
    assert told["title"]
    assert told["type"].startswith("/problems/") or told["type"] == "about:blank"
    for fault in told.get("errors", []):
        assert set(fault) in ({"pointer", "code", "detail"}, {"pointer", "code", "detail", "file", "line", "column"})
    if response.status_code in (429, 503):
        assert int(response.headers["Retry-After"]) > 0
    assert "Traceback" not in response.get_data(as_text=True)


def _values(response: TestResponse) -> Iterator[object]:
    text = response.get_data(as_text=True)
    if response.mimetype == "application/x-ndjson":
        yield from map(json.loads, text.splitlines())
    elif "json" in response.mimetype:
        yield json.loads(text)
    else:
        yield text


def everything(url: str) -> dict[bytes, object]:
    """Each key of the store with its value: a hash with its fields, whose order may change by itself, others serialized."""
    with redis.Redis.from_url(url) as client:
        return {
            key: client.hgetall(key) if client.type(key) == b"hash" else client.dump(key)
            for key in sorted(client.scan_iter(count=1000))
        }


def now() -> int:
    return time.time_ns() // 1_000_000


class Worker:
    """Decides reports as a worker does: begin, evaluate, settle; without Celery, so that a test says when."""

    def __init__(self, store: RedisStore, bundle: Bundle, contacts: ContactChoice = NO_CHOICE) -> None:
        self.store = store
        self.evaluator = Evaluator(open_bundle(bundle.data, bundle.digest, contacts), bundle.digest)

    def decide(self, report_id: str) -> dict[str, Any]:
        delivery = self.store.work.begin(report_id, now())
        assert delivery is not None
        report = delivery.report
        result = self.evaluator.evaluate(
            report.answers, delivery.history, report_id=report.id, received_ms=report.received_ms, evaluated_ms=now()
        )
        assert self.store.work.settle(report_id, result, now())
        return result

    def bury(self, report_id: str) -> dict[str, Any]:
        delivery = self.store.work.begin(report_id, now())
        assert delivery is not None
        ruleset, received = self.evaluator.ruleset, delivery.report.received_ms
        identity = Identity(report_id, ruleset.name, ruleset.version, self.evaluator.digest, received, now())
        result = failed_result(identity, "poison")
        assert self.store.work.bury(report_id, result, "poison", now())
        return result


@contextmanager
def working(worker: Worker, client: redis.Redis) -> Iterator[None]:
    """A worker beside the test, which takes what is pending."""
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            for report_id in client.zrange("triage:pending", 0, -1):
                worker.decide(str(report_id))
            stop.wait(0.01)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
