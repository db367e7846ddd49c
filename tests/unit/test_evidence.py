"""What was shown of a ruleset when it went live: found while it is checked, kept, read again."""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path

import pytest

from service.pages.opened import open_case
from tests.support.rulesets import glass_personas
from triage_rules.assurance.cases import parse_cases, run_case
from triage_rules.deployment import deploy, evidence
from triage_rules.deployment.evidence import Evidence
from triage_rules.deployment.live import Loaded
from triage_rules.language.model import Audience

FOLDER = Path(__file__).resolve().parents[1] / "acceptance" / "rulesets" / "glass-test"

PROPERTIES = """
owner: us
review_by: 2030-01-01
properties:
  P1:
    says: Fever with spots that stay is urgent.
    whenever: {all: [nonblanching, febrile]}
    level_at_least: urgent
    fires: [R08]
    source: {text: made, marks: []}
"""


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    folder = tmp_path_factory.mktemp("glass-test")
    for name in ("ruleset.yaml", "cases.yaml"):
        (folder / name).write_text((FOLDER / name).read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "properties.yaml").write_text(PROPERTIES, encoding="utf-8")
    return evidence.read(deploy.check_folder(folder).kept[evidence.FILE_NAME])


def test_it_is_kept_which_case_fires_which_rule(shown: Evidence) -> None:
    assert [case.id for case in shown.firing("R08")] == ["spots-that-stay"]
    case = shown.firing("R08")[0]
    assert case.level == "urgent"
    assert case.answers["blanches_on_pressure"] == "does_not_blanch"
    assert shown.firing("R99") == []


def test_it_is_kept_what_is_proved_and_what_that_speaks_of(shown: Evidence) -> None:
    (proved,) = shown.properties
    assert (proved.id, proved.verdict, proved.owner) == ("P1", "proved", "us")
    assert proved.names == {"R08", "nonblanching", "febrile"}


def test_the_panels_and_the_audience_of_a_case_are_kept() -> None:
    evaluator = glass_personas.evaluator()
    text = """cases:
  - {id: ill, audience: clinician, panels: {ill: [fever_reported]}, expect: {level: monitor}}
"""
    outcomes = [run_case(evaluator, case) for case in parse_cases(text.encode(), "cases.yaml", evaluator.ruleset)]
    (case,) = evidence.read(evidence.text_of(outcomes, [])).cases
    assert (case.panels, case.audience) == ({"ill": ["fever_reported"]}, Audience.CLINICIAN)
    loaded = Loaded(evaluator.ruleset, evaluator.digest, evaluator)
    assert open_case(loaded, Evidence((case,)), "ill").facts["fever_reported"] is True


def test_cases_of_earlier_evidence_have_no_panels_and_are_a_patients() -> None:
    stored = {"id": "a", "note": "", "findings": {"itchy": True}, "history": [0, "none"], "level": None, "fires": []}
    data = json.dumps({"cases": [stored], "properties": []}).encode()
    (case,) = evidence.read(base64.b64encode(zlib.compress(data)).decode()).cases
    assert (case.answers, case.panels, case.audience) == ({"itchy": True}, {}, Audience.PATIENT)


def test_evidence_of_earlier_versions_has_no_personas() -> None:
    text = base64.b64encode(zlib.compress(b'{"cases": [], "properties": []}')).decode()
    assert evidence.read(text) == Evidence()
    assert evidence.read(text).median_screens is None


@pytest.mark.parametrize("text", [None, "", "{}", "?", base64.b64encode(zlib.compress(b"[]")).decode()])
def test_what_cant_be_read_is_no_evidence(text: str | None) -> None:
    """A ruleset that went live before it was kept has none; nothing else comes of it."""
    assert evidence.read(text) == Evidence()
