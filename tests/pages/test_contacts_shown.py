"""Every surface shows the contacts of the service's country, and never a name in braces."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import redis

from tests.support.actors import TESTER
from tests.support.command import run_triage
from tests.support.rulesets.contacted import TEXT
from tests.support.services.clinic import Clinic, report_of
from triage_rules.foundation.settings import Settings
from triage_rules.language.bundle import Bundle, bundle_of
from triage_rules.language.reading import parse_document
from triage_rules.store.redis import RedisStore
from triage_rules.workbench.requests import Desk

UNFILLED = re.compile(r"\{\w*emergency|emergency_number\}|\{crisis")
REPORT = {"fit": True, "about_spots": False, "age": 85}
WRITTEN = {"a.fit": "yes", "a.about_spots": "no", "a.age": "85"}
CASES = "cases: [{id: a fit, findings: {fit: true}, expect: {level: urgent}}]\n"


@pytest.fixture(scope="module")
def spots() -> Bundle:
    return bundle_of(parse_document(TEXT.encode(), "ruleset.yaml"))


@pytest.fixture(scope="module")
def british(own: Settings, live: RedisStore, spots: Bundle) -> Clinic:
    live.rulesets.deploy(spots.name, spots.version, spots.digest, spots.data, live.now_ms(), by=TESTER)
    return Clinic(own, live, spots, country="GB")


@pytest.fixture(scope="module")
def report(british: Clinic) -> str:
    report = report_of(british.send(REPORT, "/forms/spots?mode=all"))
    british.worker.decide(report)
    return report


def is_filled(text: str, contact: str = "[999]") -> bool:
    return contact in text and UNFILLED.search(text) is None


@pytest.mark.parametrize(
    "path",
    [
        "/rulesets/spots",
        "/rulesets/spots/graph",
        "/rulesets/spots/graph.svg",
        "/rulesets/spots/rules/R1",
        "/rulesets/spots/rules/SCOPE",
        "/forms/spots?mode=one",
        "/forms/spots?mode=all",
        "/v1/rulesets/spots/schema",
        "/",
    ],
)
def test_pages_and_calls_of_a_ruleset_are_filled(british: Clinic, path: str) -> None:
    assert is_filled(british.get(path))


def test_the_call_of_a_ruleset_is_filled_beside_the_file_as_it_is_written(british: Clinic) -> None:
    detail = british.client.get("/v1/rulesets/spots").get_json()
    assert detail.pop("document") == json.loads(TEXT)  # its hash is the digest
    assert is_filled(json.dumps(detail))


@pytest.mark.parametrize("button", ["next", "check", "review", "all", "private"])
def test_the_form_is_filled_on_each_of_its_pages(british: Clinic, button: str) -> None:
    page = british.post("/forms/spots?mode=one", do=button, at="about_spots", **WRITTEN).get_data(as_text=True)
    assert UNFILLED.search(page) is None


@pytest.mark.parametrize("address", ["/results/{}", "/results/{}?view=clinician", "/v1/reports/{}?interview=1"])
def test_a_result_is_filled_wherever_it_is_read(british: Clinic, report: str, address: str) -> None:
    assert is_filled(british.get(address.format(report)))


def test_a_published_event_is_filled_and_names_its_contacts(british: Clinic, report: str) -> None:
    with redis.Redis.from_url(british.settings.redis_url, decode_responses=True) as client:
        published = {event["ce_subject"]: json.loads(event["data"]) for _, event in client.xrange("triage:results")}
    result = published[report]
    assert is_filled(json.dumps(result, ensure_ascii=False))
    assert result["contacts"] == {"country": "GB", "values": {"emergency_number": "999", "crisis_line": "116 123"}}


def test_an_evaluation_and_the_status_are_filled(british: Clinic) -> None:
    result = british.client.post("/v1/evaluate", json={"ruleset": "spots", "findings": {}}).get_data(as_text=True)
    assert is_filled(result)
    status = british.client.get("/v1/status").get_json()
    (ruleset,) = [entry for entry in status["rulesets"] if entry["name"] == "spots"]
    assert ruleset["contacts"]["country"] == "GB"


def test_a_result_stays_the_same_when_the_country_changes(
    own: Settings, spots: Bundle, british: Clinic, report: str
) -> None:
    american = Clinic(own, british.store, spots, country="US")
    assert is_filled(american.get("/rulesets/spots/rules/R1"), "[911]")
    page = american.get(f"/results/{report}?view=clinician&again=1")
    assert is_filled(page) and "[911]" not in page
    assert "the same result" in page


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("spots")
    (folder / "ruleset.yaml").write_text(TEXT, encoding="utf-8")
    (folder / "cases.yaml").write_text(CASES, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "command",
    [
        ["decide", "--interview"],
        ["decide", "--format", "json"],
        ["explain"],
        ["explain", "--format", "json"],
        ["explain", "--why-not", "monitor"],
    ],
    ids=" ".join,
)
def test_the_commands_are_filled(folder: Path, command: list[str]) -> None:
    report = json.dumps({"findings": REPORT})
    shown = run_triage(*command, folder, "-", stdin=report, TRIAGE_COUNTRY="GB")
    assert shown.exit_code == 0 and is_filled(shown.stdout), shown.output
    own = run_triage(*command, folder, "-", stdin=report, TRIAGE_CONTACT_EMERGENCY_NUMBER="110")
    assert is_filled(own.stdout, "[110]")


@pytest.mark.parametrize("ask", ["look", "check", "cases", "try", "interview", "compare"])
def test_the_workbench_is_filled(monkeypatch: pytest.MonkeyPatch, folder: Path, spots: Bundle, ask: str) -> None:
    """Beside the draft itself."""
    monkeypatch.setenv("TRIAGE_COUNTRY", "GB")
    files = {"ruleset.yaml": TEXT, "cases.yaml": CASES}
    live = {"digest": spots.digest, "data": spots.data.decode()}
    response = Desk().answer({"ask": ask, "files": files, "live": live, "words": {"fit": "yes"}})
    assert UNFILLED.search(json.dumps(response)) is None
    if ask == "try":
        assert "[999]" in json.dumps(response)
