"""The JSON Schema of properties files says what the reader says, as far as a schema can."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.engine.test_proving import BEFORE, BROKEN, FAULTS, HOLDS
from triage_rules.assurance.properties.reading import KINDS, PROPERTIES_FILE, THEN, read_properties
from triage_rules.assurance.properties.schema import properties_json_schema
from triage_rules.language.reading import load_document, parse_document, parse_ruleset

ROOT = Path(__file__).resolve().parents[2]
COMMITTED = ROOT / "triage_rules" / "schemas" / "properties.schema.json"
PAGE = (ROOT / "docs" / "reference" / "properties.md").read_text(encoding="utf-8")
VALIDATOR = Draft202012Validator(properties_json_schema())
TOLD_BY_THE_SCHEMA = (
    "is not one of `monitor`",
    "did you mean `level_at_least`",
    "claims nothing",
    "different kinds",
    "not one of `previous`",
    "`38` is not an answer",
)


def fits(text: str) -> bool:
    return VALIDATOR.is_valid(parse_document(text.encode(), "x").data)


def of_claim(claim: str) -> str:
    return f"{BEFORE}  P1: {{says: this holds, source: {{text: made}}, {claim}}}\n"


def test_the_committed_schema_is_the_one_the_code_makes() -> None:
    """Editors load the file; `make schemas` writes it anew."""
    Draft202012Validator.check_schema(properties_json_schema())
    assert COMMITTED.read_text(encoding="utf-8") == json.dumps(properties_json_schema(), indent=2) + "\n"


@pytest.mark.parametrize("claim", [*HOLDS, *(claim for claim, _ in BROKEN)])
def test_what_the_reader_accepts_fits_the_schema(claim: str) -> None:
    assert fits(of_claim(claim))


@pytest.mark.parametrize(("claim", "told"), FAULTS, ids=[claim for claim, _ in FAULTS])
def test_what_the_schema_refuses_is_what_a_schema_can_see(claim: str, told: str) -> None:
    assert fits(of_claim(claim)) is not any(words in told for words in TOLD_BY_THE_SCHEMA)


@pytest.mark.parametrize("file", sorted(ROOT.glob("rulesets/**/properties.yaml")), ids=lambda file: file.parent.name)
def test_the_properties_of_every_ruleset_here_fit(file: Path) -> None:
    assert [error.json_path + error.message for error in VALIDATOR.iter_errors(load_document(file).data)] == []


def test_the_example_of_the_page_can_be_read_beside_red_dots(tmp_path: Path) -> None:
    example = re.search(r"```yaml\n(# yaml-language-server.*?)```", PAGE, re.DOTALL)
    assert example is not None
    (tmp_path / PROPERTIES_FILE).write_text(example[1], encoding="utf-8")
    ruleset = parse_ruleset((ROOT / "rulesets/red-dots/ruleset.yaml").read_bytes(), "ruleset.yaml")
    assert [asked.id for asked in read_properties(tmp_path, ruleset)] == ["P01", "P02"]
    assert fits(example[1])


def test_every_kind_stands_on_the_page() -> None:
    assert [key for key in (*KINDS, *THEN) if f"`{key}" not in PAGE and f" {key}:" not in PAGE] == []
