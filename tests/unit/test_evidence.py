"""What was shown of a ruleset when it went live: found while it is checked, kept, read again."""

from __future__ import annotations

import base64
import zlib
from pathlib import Path

import pytest

from triage_rules.deployment import deploy, evidence
from triage_rules.deployment.evidence import Evidence

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


def test_evidence_of_earlier_versions_has_no_personas() -> None:
    text = base64.b64encode(zlib.compress(b'{"cases": [], "properties": []}')).decode()
    assert evidence.read(text) == Evidence()
    assert evidence.read(text).median_screens is None


@pytest.mark.parametrize("text", [None, "", "{}", "?", base64.b64encode(zlib.compress(b"[]")).decode()])
def test_what_cant_be_read_is_no_evidence(text: str | None) -> None:
    """A ruleset that went live before it was kept has none; nothing else comes of it."""
    assert evidence.read(text) == Evidence()
