"""The JSON Schema of ruleset files says what the reader says, as far as a schema can."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.support.rulesets.faulty_files import ALL, Faulty, example
from tests.support.shares import examples, params
from tests.unit.test_reading import CONDITIONS, PATHS, RULESETS, VALUES, edited, text_with
from triage_rules.foundation.errors import RulesetError
from triage_rules.language.reading import build_ruleset, load_document, parse_document
from triage_rules.language.reading.schema import ruleset_json_schema

COMMITTED = Path(__file__).resolve().parents[2] / "triage_rules" / "schemas" / "ruleset.schema.json"
VALIDATOR = Draft202012Validator(ruleset_json_schema())


def data_of(text: str) -> dict[str, object]:
    return parse_document(text.encode(), "x").data


def test_the_committed_schema_is_the_one_the_code_makes():
    """Editors load the file; `python -m triage_rules.language.reading.schema` writes it anew."""
    assert COMMITTED.read_text(encoding="utf-8") == json.dumps(ruleset_json_schema(), indent=2) + "\n"


def test_the_schema_is_itself_valid():
    Draft202012Validator.check_schema(ruleset_json_schema())


def test_the_example_in_the_docs_fits_the_schema():
    """An editor must not underline the page that explains the language."""
    assert [error.message for error in VALIDATOR.iter_errors(data_of(example()))] == []


@pytest.mark.parametrize("folder", RULESETS, ids=lambda path: path.name)
def test_each_ruleset_of_the_repository_fits_the_schema(folder):
    assert [error.json_path + error.message for error in VALIDATOR.iter_errors(load_document(folder).data)] == []


@pytest.mark.parametrize("faulty", params([f for f in ALL if f.schema is not None], 30), ids=lambda faulty: faulty.id)
def test_the_schema_refuses_the_faults_that_a_schema_can_see(faulty: Faulty):
    """The reader refuses all of these; what the schema sees is told while typing."""
    assert VALIDATOR.is_valid(data_of(faulty.text())) is not faulty.schema


@pytest.mark.parametrize("written", [written for written, _ in CONDITIONS])
def test_every_way_to_write_a_condition_fits_the_schema(written):
    """The table of the docs again."""
    assert VALIDATOR.is_valid(data_of(text_with(written)))


@settings(deadline=None, max_examples=examples(40, 150))
@given(st.lists(st.tuples(PATHS, VALUES), min_size=1, max_size=2))
def test_what_the_reader_accepts_fits_the_schema(edits):
    """An editor that underlines a good ruleset teaches people to look away."""
    data: object = data_of(example())
    for path, value in edits:
        data = edited(data, path, value)
    try:
        build_ruleset(data)
    except RulesetError:
        return
    assert [error.json_path for error in VALIDATOR.iter_errors(data)] == []


def test_every_key_has_a_description_for_editors():
    """Completion without an explanation is half a help."""
    schema = ruleset_json_schema()
    bare = []
    for where, part in [("", schema), *schema["$defs"].items()]:
        for key, value in part.get("properties", {}).items():
            target = schema["$defs"][value["$ref"].split("/")[-1]] if "$ref" in value else value
            inner = value.get("anyOf", [{}])[0]
            if not any("description" in described for described in (value, target, inner)):
                bare.append(f"{where}.{key}")
    assert bare == []
