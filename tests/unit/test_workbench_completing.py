"""Completion: at each place of a ruleset, its cases and its properties what could stand there, also in a broken draft."""

from __future__ import annotations

from pathlib import Path

import pytest

from triage_rules.workbench.completion import complete
from triage_rules.workbench.text_index import locate

FOLDER = Path(__file__).resolve().parents[1] / "acceptance" / "rulesets" / "glass-test"
RULES = (FOLDER / "ruleset.yaml").read_text(encoding="utf-8")
RULE = "\n  R99:\n    title: new\n"
CASE = "cases:\n  - id: one\n"
PROPERTY = "properties:\n  P01:\n"


def options(text: str, file: str = "ruleset.yaml") -> list[str] | None:
    """What is offered at the end of the text."""
    own = text if file == "ruleset.yaml" else RULES
    lines = text.split("\n")
    found = complete({"ruleset.yaml": own, file: text}, file, len(lines), len(lines[-1]) + 1)
    return None if found is None else [option.label for option in found.options]


def rule(text: str) -> list[str] | None:
    """In a rule at the end of the glass-test ruleset's rules."""
    return options(RULES[: RULES.index("\nsafety_net:")].rstrip("\n") + RULE + text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("    wh", ["when"]),
        ("    disposition: ", ["U2_emergency_dept_now", "M1_clinician_48h", "R2_self_care_info"]),
        ("    disposition: U", ["U2_emergency_dept_now"]),
        ("    infers: n", ["null", "nonblanching"]),
        ("    source: {t", ["text"]),
        ("    clinician_only: ", ["true", "false"]),
        ("    when: feb", ["febrile", "fever_reported"]),
        ("    when: {all: [non", ["nonblanching"]),
        ("    when: {all: [nonblanching,\n            it", ["itchy"]),
        ("    when:\n      any:\n        - red", ["reports_last_48h", "red_flag_words"]),
        ("    when: {blanches_on_pressure: {is: ", ["blanches", "does_not_blanch", "not_tested"]),
        ("    when:\n      not:\n        blanches_on_pressure:\n          in: [blanches, d", ["does_not_blanch"]),
        ("    when: {temp", ["temperature_c"]),
        ("    when: {temperature_c: {at_l", ["at_least", "at_most"]),
        ("    when: {open: new", ["new_spots_a_day"]),
        ("    flags: [n", ["no_rule_matched"]),
    ],
)
def test_a_rule_is_completed_by_the_language_and_by_the_drafts_own_names(text: str, wanted: list[str]) -> None:
    assert rule(text) == wanted


QUESTION = "\n  zz:\n    type: yes_no\n"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("    relevant: {", ["when", "otherwise"]),
        ("    relevant: {when: fev", ["fever_reported"]),
        ("    relevant:\n      when: fever_reported\n      otherwise: ", ["true", "false"]),
        ("    available_if: fev", ["fever_reported"]),
        ("    expected: ", ["true", "false"]),
        ("    asked_of: m", ["measured"]),
    ],
)
def test_the_gates_of_a_question_are_completed(text: str, wanted: list[str]) -> None:
    assert options(RULES[: RULES.index("\nmentions:")].rstrip("\n") + QUESTION + text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("    phr", ["phrases"]), ("    phrases: {e", ["en"]), ("    phrases:\n      en: [stiff neck]\n      d", ["de"])],
)
def test_phrases_are_completed_with_their_languages(text: str, wanted: list[str]) -> None:
    assert (
        options(RULES[: RULES.index("\ninferences:")].rstrip("\n") + "\n  zz:\n    text: free_text\n" + text) == wanted
    )


PANELS = "\npanels:\n  now:\n    question: Is any of this so?\n"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("    imm", ["immediate_danger"]),
        ("    lines: [it", ["itchy"]),
        ("    lines:\n      - itchy\n      - {finding: bl", ["blanches_on_pressure"]),
        ("    lines:\n      - {finding: blanches_on_pressure, text: bl", []),
        ("    lines:\n      - {finding: blanches_on_pressure, none_means: b", ["blanches"]),
        ("    lines:\n      - finding: blanches_on_pressure\n        none_means: d", ["does_not_blanch"]),
        ("    lines: [itchy]\nscreens:\n  first: [n", ["now", "new_spots_a_day"]),
        ("    lines: [itchy]\nscreens:\n  first: [now, [te", ["temperature_c"]),
        ("    lines: [itchy]\nscreens:\n  t", ["then"]),
    ],
)
def test_panels_and_screens_are_completed(text: str, wanted: list[str]) -> None:
    assert options(RULES + PANELS + text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("    ex", ["expect"]),
        ("    findings: {bl", ["blanches_on_pressure"]),
        ("    findings: {itchy: ", ["true", "false"]),
        ("    findings:\n      blanches_on_pressure: d", ["does_not_blanch"]),
        ("    expect: {level: u", ["urgent"]),
        ("    expect: {fires: [", ["R08", "R67", "S11", "S12"]),
        ("    expect:\n      ask_includes:\n        - te", ["temperature_c"]),
        ("    history: {highest_level_24h: n", ["none"]),
    ],
)
def test_a_case_is_completed(text: str, wanted: list[str]) -> None:
    assert options(CASE + text, "cases.yaml") == wanted


def test_a_base_is_offered_by_its_name() -> None:
    text = "bases:\n  child: {age_years: 4}\ncases:\n- id: one\n  base: "
    assert options(text, "cases.yaml") == ["child"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("    level_at_least: ", ["monitor", "urgent"]),
        ("    whenever: {all: [feb", ["febrile", "fever_reported"]),
        ("    fires: [R6", ["R08", "R67"]),
        ("    hidden", ["hidden_from_patient"]),
    ],
)
def test_a_property_is_completed(text: str, wanted: list[str]) -> None:
    assert options(PROPERTY + text, "properties.yaml") == wanted


PERSONA = """bases:
  adult:
    findings: {itchy: false}
personas:
  bites:
    group: harmless
  new:
"""


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("    au", ["audience"]),
        ("    audience: ", ["patient", "clinician"]),
        ("    base: ", ["adult"]),
        ("    group: ", ["harmless"]),
        ("    findings: {bl", ["blanches_on_pressure"]),
        ("    findings: {itchy: ", ["true", "false"]),
        ("    findings:\n      blanches_on_pressure: d", ["does_not_blanch"]),
        ("    expect: {level: u", ["urgent"]),
        ("    expect: {disposition: M", ["M1_clinician_48h"]),
    ],
)
def test_a_persona_is_completed(text: str, wanted: list[str]) -> None:
    assert options(PERSONA + text, "personas.yaml") == wanted


VIGNETTE = """vignettes:
  bites:
    group: adults
  new:
"""


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("    mil", ["mildest"]),
        ("    kind: ", ["urgent", "between", "harmless"]),
        ("    group: ", ["adults"]),
        ("    findings: {bl", ["blanches_on_pressure"]),
        ("    wanted: M", ["M1_clinician_48h"]),
        ("    mildest: R", ["R2_self_care_info"]),
        ("    source: {u", ["url"]),
    ],
)
def test_a_vignette_is_completed(text: str, wanted: list[str]) -> None:
    assert options(VIGNETTE + text, "vignettes.yaml") == wanted


def test_a_vignette_may_rest_on_its_own_bases_and_those_of_the_personas() -> None:
    text = f"bases:\n  teenager:\n    title: Fifteen\n{VIGNETTE}    base: "
    lines = text.split("\n")
    files = {"ruleset.yaml": RULES, "personas.yaml": PERSONA, "vignettes.yaml": text}
    found = complete(files, "vignettes.yaml", len(lines), len(lines[-1]) + 1)
    assert found is not None
    assert {option.label for option in found.options} == {"adult", "teenager"}


@pytest.mark.parametrize("text", ["    # disp", "    reason: a word or t", "    reason: 'a wo"])
def test_nothing_is_offered_in_words_and_comments(text: str) -> None:
    assert rule(text) is None


def test_a_place_beyond_the_text_is_nothing() -> None:
    assert locate("a: 1", 7, 1) is None
    assert complete({}, "ruleset.yaml", 3, 1) is None


def test_a_broken_draft_still_has_names() -> None:
    assert options(RULES.replace("inputs:", "inputs: {", 1) + "\n  S99:\n    disposition: M") == ["M1_clinician_48h"]
