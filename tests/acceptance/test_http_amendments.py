"""Audience, amendments and panels over HTTP: what a form's engineer relies on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.services.http_calls import ROUTINE, URGENT, Caller, Worker, check_problem
from triage_rules.language.bundle import Bundle
from triage_rules.language.model import Audience
from triage_rules.store.redis import RedisStore


@pytest.fixture
def worker(store: RedisStore, deployed: Bundle) -> Worker:
    return Worker(store, deployed)


def post(http: Caller, path: str = "/v1/reports", **body: Any) -> Any:
    return http.post(path, json={"findings": ROUTINE} | body)


def posted(http: Caller, **body: Any) -> str:
    response = post(http, **body)
    assert response.status_code == 202
    return str(response.get_json()["id"])


def faults(response: Any) -> list[tuple[str, str]]:
    assert response.status_code == 422
    check_problem(response)
    return [(fault["pointer"], fault["code"]) for fault in response.get_json()["errors"]]


@pytest.mark.parametrize("path", ["/v1/reports", "/v1/evaluate"])
@pytest.mark.parametrize("amends", ["0" * 32, "no id", "0" * 31 + "A", 7])
def test_what_can_t_be_amended_is_refused_and_nothing_is_accepted(
    http: Caller, store: RedisStore, path: str, amends: object
) -> None:
    code = "wrong_type" if amends == 7 else "not_amendable"
    response = post(http, path, amends=amends)
    assert faults(response) == [("/amends", code)]
    if code == "not_amendable":
        assert "earlier report of yours" in response.get_json()["errors"][0]["detail"]
    assert store.health.get_backlog(0).pending == 0


def test_an_amendment_and_its_amended_report_name_each_other(http: Caller) -> None:
    first = posted(http, subject="p")
    second, third = (posted(http, subject="p", amends=first) for _ in range(2))
    reports = [http.get(f"/v1/reports/{each}").get_json() for each in (first, second)]
    assert [(report["amends"], report["amended_by"]) for report in reports] == [(None, [second, third]), (first, [])]


def test_another_subject_s_report_can_t_be_amended(http: Caller) -> None:
    first = posted(http, subject="p")
    assert faults(post(http, subject="q", amends=first)) == [("/amends", "not_amendable")]
    assert faults(post(http, amends=first)) == [("/amends", "not_amendable")]


def test_a_key_covers_audience_and_amended_report(http: Caller) -> None:
    first = posted(http)
    for name, value in (("audience", "clinician"), ("amends", first)):
        key, other = {"Idempotency-Key": f"k-{name}"}, {name: value}
        body = {"findings": ROUTINE}
        assert http.post("/v1/reports", json=body, headers=key).status_code == 202
        refused = http.post("/v1/reports", json=body | other, headers=key)
        assert refused.get_json()["type"].endswith("idempotency-key-reused")


def test_the_audience_is_kept_and_every_fault_is_named_at_once(http: Caller, store: RedisStore) -> None:
    kept = [store.reports.get_delivery(posted(http, **body)) for body in ({}, {"audience": "clinician"})]
    assert [delivery and delivery.report.audience for delivery in kept] == [Audience.PATIENT, Audience.CLINICIAN]
    response = post(http, audience="nurse", amends="?", panels={"no_such_panel": []}, findings={"no_such": 1})
    assert set(faults(response)) == {
        ("/audience", "not_a_choice"),
        ("/amends", "not_amendable"),
        ("/panels/no_such_panel", "unknown_panel"),
        ("/findings/no_such", "unknown_field"),
    }


def test_a_what_if_says_what_it_would_lower(http: Caller, worker: Worker) -> None:
    first = posted(http, findings=URGENT, subject="p")
    before = post(http, "/v1/evaluate", subject="p", amends=first).get_json()
    assert (before["amends"], before["lowers"]) == (first, None)
    worker.decide(first)
    urgent = http.get(f"/v1/reports/{first}").get_json()["result"]
    after = post(http, "/v1/evaluate", subject="p", amends=first).get_json()
    assert after["lowers"] == {"level": "urgent", "disposition": urgent["disposition"]}
    assert post(http, "/v1/evaluate").get_json()["amends"] is None
