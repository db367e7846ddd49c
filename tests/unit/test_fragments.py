"""Parts that rulesets share: read as if they stood in the file, named in faults, and part of the digest."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator

from tests.support.paths import RED_DOTS
from tests.support.rulesets.generated import DIGEST
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.foundation.contacts import ContactChoice
from triage_rules.foundation.errors import RulesetError
from triage_rules.interview.plan import Planner
from triage_rules.language.bundle import bundle_of, open_bundle
from triage_rules.language.model import Audience
from triage_rules.language.reading import parse_document, parse_ruleset, read_ruleset
from triage_rules.language.reading.fragments import SECTIONS, fragment_names
from triage_rules.language.reading.schema import ruleset_json_schema
from triage_rules.records.reports import History

TEXT = """\
ruleset: sore-throat
language: 1
version: 1.0.0
title: Sore throat
description: Sore throats only.
owner: us
review_by: 2099-01-01
approved_by: null
approved_on: null
uses: [danger-now@1]
dispositions:
  M1_soon: {level: monitor, act_within_minutes: 2880, title: Soon, patient: Ask within 2 days., clinician: Soon.}
default: {disposition: M1_soon, reason: No rule fits.}
validity: {minutes: 60}
always: {patient: Ask again if it gets worse., clinician: Not approved.}
inputs:
  sore_throat: {type: yes_no, group: throat, question: Sore throat?}
screens: {first: [danger_now]}
rules:
  R1: {title: Sore throat, when: sore_throat, disposition: M1_soon, reason: Sore throats pass., source: {text: ours, marks: []}}
"""


def test_a_ruleset_asks_and_decides_by_the_shared_panel() -> None:
    ruleset = parse_ruleset(TEXT.encode(), "ruleset.yaml", ContactChoice("GB"))
    panel = ruleset.panels["danger_now"]
    assert panel.immediate_danger and len(panel.lines) == 7
    evaluator = Evaluator(ruleset, DIGEST)
    first = Planner(evaluator).next_screen({}, History(), Audience.PATIENT)
    assert first is not None and first.inputs == panel.inputs
    for sign in panel.inputs:
        gravest = ruleset.inputs[sign].choices[-1].value if ruleset.inputs[sign].choices else True
        result = evaluator.evaluate({sign: gravest}, History(), report_id="r", received_ms=0, evaluated_ms=0)
        assert (result["level"], result["disposition"]) == ("urgent", "U1_ambulance_now")
        assert "Call an ambulance now (999)." in result["advice"]["patient"]


def test_a_bundle_holds_the_fragment_so_its_digest_names_it_too() -> None:
    """A later version of the package can't change what a bundle decides."""
    document = parse_document(TEXT.encode(), "ruleset.yaml")
    assert "uses" not in document.data
    bundle = bundle_of(document)
    assert open_bundle(bundle.data, bundle.digest) == parse_ruleset(TEXT.encode(), "ruleset.yaml")
    assert bundle.digest != bundle_of(parse_document(TEXT.replace("uses: [danger-now@1]", "").encode(), "x")).digest


def test_an_own_disposition_and_contact_take_the_place_of_the_fragments() -> None:
    own = (
        "  U1_ambulance_now:\n    {level: urgent, act_within_minutes: 0, title: T, clinician: C,"
        ' patient: "Ring {emergency_number}."}\n'
    )
    contacts = 'contacts: {emergency_number: {default: "144"}}\n'
    text = TEXT.replace("dispositions:\n", contacts + "dispositions:\n" + own)
    assert parse_ruleset(text.encode(), "x").dispositions["U1_ambulance_now"].patient == "Ring 144."


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("danger-now@1", "danger-now@2", 10, "`uses`: unknown fragment `danger-now@2`; did you mean `danger-now@1`?"),
        ("[danger-now@1]", "[danger-now@1, danger-now@1]", 10, "`uses`: `danger-now@1` is in the list twice"),
        ("[danger-now@1]", "danger-now@1", 10, "`uses`: expected a list of fragments, found the text `danger-now@1`"),
        ("  sore_throat: {", "  seizure: {type: yes_no, group: throat, question: A fit?}\n  sore_throat: {", 17,
         "`inputs`: `seizure` is already defined by `danger-now@1`, in `uses`"),
    ],
)  # fmt: skip
def test_a_fault_is_at_the_rulesets_own_line(old: str, new: str, line: int, message: str) -> None:
    with pytest.raises(RulesetError) as error:
        parse_ruleset(TEXT.replace(old, new).encode(), "ruleset.yaml")
    assert f"ruleset.yaml:{line}:" in str(error.value) and message in str(error.value)


def test_the_place_of_a_shared_part_is_in_its_own_file() -> None:
    ruleset = parse_ruleset(TEXT.encode(), "ruleset.yaml")
    shared, own = ruleset.rules["DANGER-NOW"].place, ruleset.rules["R1"].place
    assert shared is not None and shared.file == "danger-now@1.yaml" and shared.line > 1
    assert own is not None and own.file == "ruleset.yaml"


@pytest.mark.parametrize("name", fragment_names())
def test_each_fragment_has_only_sections_that_are_joined(name: str) -> None:
    other = parse_document(TEXT.replace("danger-now@1", name).encode(), "x").data
    without = parse_document(TEXT.replace("uses: [danger-now@1]\n", "").encode(), "x").data
    assert {key for key in other if other[key] != without.get(key)} <= set(SECTIONS)


def test_the_shared_panel_asks_what_red_dots_asks() -> None:
    """An answer to a question of the same name means the same in every ruleset."""
    shared = parse_ruleset(TEXT.encode(), "ruleset.yaml")
    red_dots = read_ruleset(RED_DOTS)
    assert shared.panels["danger_now"] == red_dots.panels["danger_now"]
    for name in shared.panels["danger_now"].inputs:
        first, second = shared.inputs[name], red_dots.inputs[name]
        assert (first.question, first.choices, first.expected) == (second.question, second.choices, second.expected)


def test_the_schema_offers_the_fragments() -> None:
    uses = ruleset_json_schema()["properties"]["uses"]
    assert Draft202012Validator(uses).is_valid(["danger-now@1"])
    assert not Draft202012Validator(uses).is_valid(["danger-now"])
