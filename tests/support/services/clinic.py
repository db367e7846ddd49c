"""The service in this process, with red-dots live: a worker that decides when asked, and a browser without scripts."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from service.boot.app import create_app
from tests.support.services.http_calls import Worker
from triage_rules.foundation.settings import Settings
from triage_rules.intake.form import write_answer
from triage_rules.language.bundle import Bundle
from triage_rules.records.reports import Lane
from triage_rules.store.redis import RedisStore

SECRET = "s" * 32
HTML = {"Accept": "text/html"}
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


class Unsent:
    """The worker here is asked by hand, so nobody has to be told."""

    def __call__(self, ids: Sequence[str], lane: Lane) -> None:
        pass

    def written(self, report_id: str, lane: Lane) -> str:  # noqa: ARG002 - as intake calls it
        return ""


class Clinic:
    """The service with red-dots live, a worker, and a browser without scripts."""

    def __init__(
        self, own: Settings, store: RedisStore, bundle: Bundle, *, auth: bool = False, country: str = ""
    ) -> None:
        self.store = store
        self.settings = Settings(
            redis_url=own.redis_url, data_dir=own.data_dir, auth=auth, pages_secret=SECRET, country=country
        )
        self.app: Flask = create_app(self.settings, store, Unsent())
        self.worker = Worker(store, bundle, self.settings.contact_choice)
        self.client: FlaskClient = self.app.test_client()

    def get(self, path: str) -> str:
        response = self.client.get(path, headers=HTML)
        assert response.status_code == 200, response.status_code
        return response.get_data(as_text=True)

    def post(self, address: str, /, **fields: Any) -> TestResponse:
        token = re.search(r'name="csrf" value="(\w+)"', self.get(address))
        assert token is not None
        return self.client.post(address, data={"csrf": token[1], **fields}, headers=HTML)

    def send(self, findings: dict[str, Any], address: str = "/forms/red-dots?mode=all") -> str:
        """Send a form with these answers; the address of the result."""
        answers = {f"a.{name}": write_answer(value) for name, value in findings.items()}
        response = self.post(address, do="send", path=",".join(findings), **answers)
        assert response.status_code == 303, response.get_data(as_text=True)
        return str(response.headers["Location"])

    def evaluate(self, findings: dict[str, Any]) -> dict[str, Any]:
        response = self.client.post("/v1/evaluate", json={"ruleset": "red-dots", "findings": findings})
        assert response.status_code == 200
        return dict(response.get_json())

    def fields_of(self, page: str) -> dict[str, str]:
        """The hidden fields of a page of the form."""
        return {name: html.unescape(value) for name, value in _HIDDEN.findall(page)}


def report_of(address: str) -> str:
    found = re.search(r"/results/([0-9a-f]{32})", address)
    assert found is not None
    return found[1]
