"""An interview over HTTP: panels, audience and the next screen, as a client that knows only the contract uses them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import pytest
import redis
from flask import Flask

from service.boot.app import create_app
from tests.support.actors import TESTER
from tests.support.paths import RED_DOTS
from tests.support.rulesets import glass_personas, repository
from tests.support.services.http_calls import ROUTINE, Caller, Worker, check_problem
from triage_rules.deployment.live import LiveRulesets
from triage_rules.evaluation.answers import UNKNOWN
from triage_rules.foundation.settings import Settings
from triage_rules.interview.random_people import random_person
from triage_rules.language.bundle import Bundle, make_bundle
from triage_rules.language.model import AskedOf, Audience, Value
from triage_rules.records.reports import Lane
from triage_rules.store.redis import RedisStore
from workers.attempts import Attempts
from workers.parts import WorkerParts

Json = dict[str, Any]
COMPLETE = ROUTINE | {"free_text": ""}
NOW_MS = time.time_ns() // 1_000_000


@pytest.fixture
def panelled(store: RedisStore, tmp_path: Any) -> Bundle:
    """The small ruleset with a panel, live."""
    bundle = make_bundle(glass_personas.write_folder(tmp_path / "glass-test"))
    deploy(store, bundle)
    return bundle


def deploy(store: RedisStore, bundle: Bundle) -> None:
    store.rulesets.deploy(bundle.name, bundle.version, bundle.digest, bundle.data, NOW_MS, by=TESTER)


@pytest.fixture
def http(settings: Settings, store: RedisStore, panelled: Bundle) -> Caller:
    return Caller(create_app(settings, store))


@pytest.fixture
def worker(store: RedisStore, panelled: Bundle) -> Worker:
    return Worker(store, panelled)


def ask(http: Caller, **body: Any) -> Json:
    response = http.post("/v1/evaluate", json={"findings": {}} | body)
    assert response.status_code == 200, response.get_json()
    result: Json = response.get_json()
    return result


def post(http: Caller, **body: Any) -> str:
    response = http.post("/v1/reports", json={"findings": {}} | body)
    assert response.status_code == 202
    return str(response.get_json()["id"])


def faults(response: Any) -> list[tuple[str, str]]:
    assert response.status_code == 422
    check_problem(response)
    return [(fault["pointer"], fault["code"]) for fault in response.get_json()["errors"]]


# --- audience ---


@pytest.mark.parametrize("path", ["/v1/reports", "/v1/evaluate"])
@pytest.mark.parametrize("audience", ["nurse", "Patient", "", "service", "anyone"])
def test_an_unknown_audience_is_refused(http: Caller, path: str, audience: str) -> None:
    response = http.post(path, json={"findings": ROUTINE, "audience": audience})
    assert faults(response) == [("/audience", "not_a_choice")]
    assert response.get_json()["errors"][0]["detail"] == "expected `patient` or `clinician`"


@pytest.mark.parametrize(("audience", "code"), [(None, "null"), (1, "wrong_type"), (["patient"], "wrong_type")])
def test_an_audience_is_a_text(http: Caller, audience: object, code: str) -> None:
    assert faults(http.post("/v1/evaluate", json={"findings": {}, "audience": audience})) == [("/audience", code)]


# --- panels ---


def test_the_answers_of_a_panel_count_in_both_calls(http: Caller, worker: Worker, store: RedisStore) -> None:
    body: Json = {
        "findings": {"age_years": 30, "temperature_c": 36.8, "blanches_on_pressure": "blanches", "free_text": ""},
        "panels": {"ill": ["itchy"]},
    }
    tried = ask(http, **body)
    assert (tried["level"], tried["interview"]["complete"]) == ("routine", True)
    assert tried["inferences"] == ask(http, findings=ROUTINE)["inferences"]
    report_id = post(http, **body)
    delivery = store.reports.get_delivery(report_id)
    assert delivery is not None
    assert delivery.report.answers == body["findings"] | {"fever_reported": False, "itchy": True}
    assert worker.decide(report_id)["disposition"] == tried["disposition"]


@pytest.mark.parametrize("path", ["/v1/reports", "/v1/evaluate"])
def test_faults_of_panels_come_with_all_others_and_repeat_no_answer(http: Caller, path: str) -> None:
    panels = {"ill": ["itchy", "itchy", "zq7"], "il": [], "more": "zq7"}
    response = http.post(path, json={"findings": {"itchy": "zq7", "age_years": 3}, "panels": panels})
    assert set(faults(response)) == {
        ("/findings/itchy", "wrong_type"),
        ("/panels/ill/1", "duplicate"),
        ("/panels/ill/2", "unknown_line"),
        ("/panels/il", "unknown_panel"),
        ("/panels/more", "unknown_panel"),
    }
    assert "zq7" not in response.get_data(as_text=True)


def test_a_panel_that_contradicts_the_findings_is_refused(http: Caller) -> None:
    response = http.post("/v1/reports", json={"findings": {"fever_reported": True}, "panels": {"ill": []}})
    assert faults(response) == [("/panels/ill", "contradicts")]


def test_a_key_covers_the_panels(http: Caller) -> None:
    key = {"Idempotency-Key": "k"}
    first = http.post("/v1/reports", json={"findings": {}, "panels": {"ill": []}}, headers=key)
    again = http.post("/v1/reports", json={"findings": {}, "panels": {"ill": []}}, headers=key)
    other = http.post("/v1/reports", json={"findings": {}, "panels": {"ill": ["itchy"]}}, headers=key)
    assert first.get_json()["id"] == again.get_json()["id"]
    assert other.status_code == 422
    assert other.get_json()["type"].endswith("idempotency-key-reused")


def test_each_report_of_a_batch_may_have_panels(http: Caller) -> None:
    lines = [{"findings": {}, "panels": {"ill": []}}, {"findings": {}, "panels": {"il": []}}]
    response = http.post(
        "/v1/reports/batch",
        data="\n".join(map(json.dumps, lines)),
        headers={"Content-Type": "application/x-ndjson"},
    )
    good, bad = [json.loads(line) for line in response.get_data(as_text=True).splitlines()]
    assert "id" in good
    assert "/panels/il" in json.dumps(bad)


# --- the next screen ---


def test_a_what_if_has_the_next_screen_until_it_is_complete(http: Caller) -> None:
    first = ask(http)["interview"]
    assert (first["audience"], first["complete"]) == ("patient", False)
    assert first["next"] == {
        "panel": "ill",
        "section": "Feeling ill",
        "question": "Is any of this so?",
        "lines": [
            {
                "finding": "fever_reported",
                "question": "Fever in the last 2 days?",
                "help": None,
                "none_means": False,
            },
            {"finding": "itchy", "question": "The spots itch", "help": None, "none_means": False},
        ],
    }
    then = ask(http, panels={"ill": []})["interview"]["next"]
    assert [question["finding"] for question in then["questions"]] == ["blanches_on_pressure"]
    assert all(question["question"] for question in then["questions"])
    done = ask(http, panels={"ill": ["itchy"]}, findings=COMPLETE)
    assert done["interview"] == {"audience": "patient", "complete": True, "next": None}


def test_unknown_is_an_answer_and_is_not_asked_again(http: Caller) -> None:
    """A client that answers "unknown" to everything gets through."""
    findings: Json = {}
    panels: Json = {}
    for _ in range(10):
        result = ask(http, findings=findings, panels=panels)
        shown = result["interview"]["next"]
        if shown is None:
            break
        if "panel" in shown:
            assert shown["panel"] not in panels
            panels[shown["panel"]] = "unknown"
        else:
            new = {question["finding"]: "unknown" for question in shown["questions"]}
            assert not new.keys() & findings.keys()
            findings |= new
    assert result["interview"]["complete"]
    assert (result["ask"], result["determined"]) == ([], False)
    assert {entry["finding"] for entry in result["open_elsewhere"]} >= {"blanches_on_pressure"}


# --- of a stored report ---


def next_of(http: Caller, report_id: str) -> Any:
    response = http.get(f"/v1/reports/{report_id}?interview=1")
    assert response.status_code == 200
    return response.get_json()["result"]["interview"]["next"]


def test_a_stored_report_has_its_next_screen_when_asked(http: Caller, worker: Worker) -> None:
    body: Json = {"panels": {"ill": []}}
    report_id = post(http, **body)
    worker.decide(report_id)
    stored = http.get(f"/v1/reports/{report_id}").get_json()["result"]
    assert "next" not in stored["interview"]
    assert next_of(http, report_id) == ask(http, **body)["interview"]["next"] is not None
    assert "next" not in http.get(f"/v1/reports/{report_id}").get_json()["result"]["interview"]


def test_a_complete_report_has_no_next_screen(http: Caller, worker: Worker) -> None:
    report_id = post(http, findings=COMPLETE)
    worker.decide(report_id)
    assert next_of(http, report_id) is None


def test_a_queued_or_dead_report_has_no_next_screen(http: Caller, worker: Worker) -> None:
    report_id = post(http)
    queued = http.get(f"/v1/reports/{report_id}?interview=1")
    assert (queued.status_code, queued.get_json()["status"]) == (200, "queued")
    assert "result" not in queued.get_json() or queued.get_json()["result"] is None
    worker.bury(report_id)
    dead = http.get(f"/v1/reports/{report_id}?interview=1").get_json()
    assert (dead["status"], dead["result"]["interview"]) == ("dead", None)


def test_the_next_screen_is_that_of_the_version_that_decided(
    http: Caller, worker: Worker, store: RedisStore, tmp_path: Any
) -> None:
    """A new version asks otherwise; and once the name is withdrawn, its reports can still go on."""
    report_id = post(http)
    worker.decide(report_id)
    before = next_of(http, report_id)
    assert before["panel"] == "ill"
    folder = glass_personas.write_folder(tmp_path / "newer")
    text = (folder / "ruleset.yaml").read_text(encoding="utf-8")
    changed = text.replace("first: [ill, [", "first: [[").replace("version: 1.0.0", "version: 1.1.0")
    (folder / "ruleset.yaml").write_text(changed, encoding="utf-8")
    deploy(store, make_bundle(folder))
    wait_for_version(http, "1.1.0")
    assert "panel" not in ask(http)["interview"]["next"]
    assert next_of(http, report_id) == before
    store.rulesets.withdraw("glass-test", NOW_MS + 1, by=TESTER)
    assert next_of(http, report_id) == before


def wait_for_version(http: Caller, version: str) -> None:
    until = time.monotonic() + 10
    while ask(http)["ruleset"]["version"] != version:
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.parametrize(
    "query", ["interview=0", "interview=true", "interview", "interview=1&interview=1", "next=1", "interview=1&x=2"]
)
def test_any_other_query_is_refused(http: Caller, query: str) -> None:
    response = http.get(f"/v1/reports/{post(http)}?{query}")
    assert response.status_code == 400
    assert response.get_json()["type"].endswith("unknown-parameter")


def test_the_next_screen_changes_the_tag_of_a_report(http: Caller, worker: Worker) -> None:
    """A client that kept the report without it must not get a 304."""
    report_id = post(http)
    worker.decide(report_id)
    tag = http.get(f"/v1/reports/{report_id}").headers["ETag"]
    response = http.get(f"/v1/reports/{report_id}?interview=1", headers={"If-None-Match": tag})
    assert response.status_code == 200
    same = http.get(f"/v1/reports/{report_id}?interview=1", headers={"If-None-Match": response.headers["ETag"]})
    assert same.status_code == 304


# --- published with the result ---


@pytest.mark.parametrize("publishes", [False, True])
def test_a_setting_publishes_the_next_screen(
    http: Caller, store: RedisStore, settings: Settings, redis_client: redis.Redis, *, publishes: bool
) -> None:
    def send(_: list[str], __: Lane) -> None:
        """Enqueue nothing."""

    parts = WorkerParts(
        replace(settings, publish_next_screen=publishes),
        store,
        LiveRulesets(store.rulesets),
        send,
        lambda: time.time_ns() // 1_000_000,
    )
    Attempts(parts).process(post(http, panels={"ill": []}))
    (_, event), *_ = redis_client.xrange("triage:results")
    talk = json.loads(event["data"])["interview"]
    assert (talk["complete"], "next" in talk) == (False, publishes)
    if publishes:
        assert talk["next"] == ask(http, panels={"ill": []})["interview"]["next"]


# --- a client of the contract ---


@dataclass
class Client:
    """A form that knows the contract and nothing of the ruleset; a person whose truth is known answers."""

    http: Caller
    truth: Mapping[str, Value]
    findings: Json = field(default_factory=dict)
    panels: Json = field(default_factory=dict)
    levels: list[str] = field(default_factory=list)

    def screens(self) -> Iterator[Json]:
        """Yield each result until the interview is complete, the last one too."""
        while True:
            result = ask(self.http, ruleset="red-dots", findings=self.findings, panels=self.panels)
            yield result
            shown = result["interview"]["next"]
            if shown is None:
                return
            self.answer(shown)

    def answer(self, shown: Json) -> None:
        if "panel" not in shown:
            new = {question["finding"]: self.says(question["finding"]) for question in shown["questions"]}
            assert 1 <= len(new) <= 3
            assert not new.keys() & self.findings.keys()
            self.findings |= new
            return
        none = {line["finding"]: line["none_means"] for line in shown["lines"]}
        assert 1 <= len(none) <= 7
        said = {name: self.says(name) for name in none}
        unknown = [name for name, answer in said.items() if answer == UNKNOWN]
        apply = [name for name, answer in said.items() if answer not in (UNKNOWN, none[name])]
        answer: Any = {"apply": apply, "unknown": unknown} if unknown else apply
        assert self.panels.get(shown["panel"]) != answer, "the same panel, with the same answer"
        self.panels[shown["panel"]] = answer

    def says(self, name: str) -> Value:
        return self.truth.get(name, UNKNOWN)


@pytest.fixture
def red_dots(settings: Settings, store: RedisStore) -> Caller:
    """The service with red-dots live."""
    deploy(store, repository.bundle(RED_DOTS))
    app: Flask = create_app(settings, store)
    return Caller(app)


def test_a_client_of_the_contract_gets_through_red_dots(red_dots: Caller) -> None:
    """As on the full form, whoever answers: healthy people, ill ones, and people who don't know a third."""
    ruleset = repository.ruleset(RED_DOTS)
    reached = {name for name, read in ruleset.inputs.items() if read.asked_of in Audience.PATIENT.answers}
    for seed, unknown in ((1, 0.02), (2, 0.02), (3, 1 / 3), (5, 1 / 3)):
        truth = random_person(ruleset, Random(seed), unknown=unknown)
        results = list(Client(red_dots, truth).screens())
        assert results[-1]["interview"]["complete"]
        assert len(results) - 1 <= 14
        form = {name: answer for name, answer in truth.items() if name in reached and answer != UNKNOWN}
        whole = ask(red_dots, ruleset="red-dots", findings=form)
        assert (results[-1]["level"], results[-1]["disposition"]) == (whole["level"], whole["disposition"])
        clinicians = {
            n for n, read in ruleset.inputs.items() if read.asked_of in (AskedOf.LABORATORY, AskedOf.CLINICIAN)
        }
        assert {entry["finding"] for entry in results[-1]["ask"]} & clinicians == set()


@pytest.mark.parametrize(("consciousness", "ambulance"), [("alert", False), ("drowsy", True)])
def test_a_feverish_child_whose_spots_stay_is_sent_at_once(
    red_dots: Caller, consciousness: str, *, ambulance: bool
) -> None:
    """After two screens; a drowsy one to the ambulance after the next, which asks how drowsy."""
    healthy = random_person(repository.ruleset(RED_DOTS), Random(1), unknown=0, usual=1)
    ill = {"age_years": 4, "temperature_c": 39.2, "fever_reported": True, "blanches_on_pressure": "does_not_blanch"}
    results = list(Client(red_dots, {**healthy, **ill, "consciousness": consciousness}).screens())
    assert all(result["level"] == "urgent" for result in results[2 + ambulance :])
    assert results[-1]["interview"]["complete"]
    by_three = [result["disposition"] for result in results[:4]]
    assert ("U1_ambulance_now" in by_three) is ambulance
    assert (results[-1]["disposition"] == "U1_ambulance_now") is ambulance


def test_a_ticked_choice_is_asked_before_anything_else(red_dots: Caller) -> None:
    """Also before the first screens, as the person is still thinking of it."""
    line, panel = next(
        (line.input, panel.name)
        for panel in repository.ruleset(RED_DOTS).panels.values()
        for line in panel.lines
        if line.none_means is not False and not panel.immediate_danger
    )
    shown = ask(red_dots, ruleset="red-dots", panels={panel: [line]})["interview"]["next"]
    assert [question["finding"] for question in shown["questions"]] == [line]
    then = ask(red_dots, ruleset="red-dots", panels={panel: [line]}, findings={line: UNKNOWN})["interview"]["next"]
    assert then["panel"] == "danger_now"
