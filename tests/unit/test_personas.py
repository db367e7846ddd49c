"""Personas are read with every fault at its place, and those of red-dots get the outcome that they expect."""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.support.paths import GLASS_TEST, RED_DOTS, ROOT
from tests.support.rulesets import repository
from triage_rules.evaluation.answers import UNKNOWN, asked
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.foundation.errors import RulesetError
from triage_rules.interview.personas import PERSONAS_FILE, Persona, Personas, load_personas, parse_personas
from triage_rules.interview.personas_schema import personas_json_schema
from triage_rules.language.model import AskedOf, Audience, Level
from triage_rules.language.reading import load_document, parse_document
from triage_rules.records.reports import History

COMMITTED = ROOT / "triage_rules/schemas/personas.schema.json"
PAGE = (ROOT / "docs/reference/personas.md").read_text(encoding="utf-8")
VALIDATOR = Draft202012Validator(personas_json_schema())
GOOD = """\
ruleset: glass-test
budget: {median_screens: 4}
bases:
  adult:
    title: An adult
    findings: {age_years: 40, temperature_c: 36.8, fever_reported: false, itchy: false, free_text: ""}
  fading:
    base: adult
    findings: {blanches_on_pressure: blanches, new_spots_a_day: 0}
personas:
  bites:
    title: Insect bites
    group: harmless
    base: fading
    findings: {itchy: true}
    expect: {level: routine, disposition: R2_self_care_info}
  nurse:
    title: A nurse
    group: unsure
    audience: clinician
    base: adult
    findings: {blanches_on_pressure: not_tested, new_spots_a_day: unknown, free_text: unknown}
    expect: {level: monitor, disposition: M1_clinician_48h}
"""
TRUTH = {"age_years": 40, "temperature_c": 36.8, "fever_reported": False, "itchy": False, "free_text": ""}

SLIPS = [
    # the file
    ("ruleset: glass-test\n", "", "1:1: the key `ruleset` is missing"),
    ("glass-test", "glas-test", "1:10: `ruleset`: unknown ruleset `glas-test`; did you mean `glass-test`?"),
    ("glass-test", "red-dots", "1:10: `ruleset`: unknown ruleset `red-dots`; known are `glass-test`"),
    ("budget: {", "budgte: {", "2:1: unknown key `budgte`; did you mean `budget`?"),
    ("{median_screens: 4}", "4", "2:9: `budget`: expected a mapping, found `4`"),
    ("median_screens: 4", "", "2:1: `budget`: the key `median_screens` is missing"),
    ("median_screens: 4", "median_screens: 4, most: 9", "2:29: `budget`: unknown key `most`; known keys are `median_screens`"),
    ("median_screens: 4", "median_screens: 4.5", "2:26: `budget`: `median_screens`: expected a whole number, found `4.5`"),
    ("median_screens: 4", "median_screens: 0", "2:26: `budget`: `median_screens`: expected 1 or more, found `0`"),
    # bases
    ("  fading:\n", "  Spare: {}\n  fading:\n", "7:3: base `Spare`: the name is not valid; use lower case letters"),
    ("title: An adult", "title: 1", "5:12: base `adult`: `title`: expected a text, found `1`"),
    ("  fading:\n    base: adult", "  fading:\n    base: fading", "8:11: base `fading`: `base`: unknown base `fading`; known are `adult`"),
    ("    title: An adult", "    base: fading", "5:11: base `adult`: `base`: unknown base `fading`; there is none above"),
    ("  fading:\n    base", "  fading:\n    basis", "8:5: base `fading`: unknown key `basis`; did you mean `base`?"),
    # truths
    ("{blanches_on_pressure: blanches,", "{blanches_on_pressur: blanches,", "9:16: base `fading`: `findings`: unknown input `blanches_on_pressur`; did you mean `blanches_on_pressure`?"),
    ("age_years: 40", "age_years: 140", "6:27: base `adult`: `age_years`: `140` does not fit: expected 0 to 120 years"),
    ("age_years: 40", "age_years: old", '6:27: base `adult`: `age_years`: `old` does not fit: expected a number or "unknown", found a text'),
    ("temperature_c: 36.8", "temperature_c: 98", "6:46: base `adult`: `temperature_c`: `98` does not fit: expected 30 to 43 °C; this looks like degrees Fahrenheit"),
    ("itchy: true", "itchy: a little", '15:23: persona `bites`: `itchy`: `a little` does not fit: expected true, false or "unknown", found a text'),
    ("itchy: true", "itchy: [true]", "15:23: persona `bites`: `itchy`: a list does not fit: expected true, false"),
    ("itchy: true", "itchy: null", "15:23: persona `bites`: `itchy`: `null` does not fit: null is not an answer"),
    ("pressure: not_tested", "pressure: fades", "22:38: persona `nurse`: `blanches_on_pressure`: `fades` does not fit: expected one of `blanches`, `does_not_blanch`, `not_tested`"),
    ("itchy: true", "reports_last_48h: 1", "15:34: persona `bites`: `reports_last_48h`: `1` does not fit: this is counted by the service; leave it out"),
    ("findings: {itchy: true}", "findings: itchy", "15:15: persona `bites`: `findings`: expected a mapping, found the text `itchy`"),
    (', free_text: ""', "", "11:3: persona `bites`: there is no truth for `free_text`; write `unknown` for what the person doesn't know"),
    ("    base: adult\n    findings: {blanches_on_pressure: not_tested", "    findings: {blanches_on_pressure: not_tested", "17:3: persona `nurse`: there is no truth for `age_years`, `temperature_c`, `fever_reported`, `itchy`;"),
    # personas
    ("  bites:", "  Bites:", "11:3: persona `Bites`: the name is not valid; use lower case letters"),
    ("    title: Insect bites\n", "", "11:3: persona `bites`: the key `title` is missing"),
    ("group: harmless", "group: no harm", "13:12: persona `bites`: `group`: `no harm` is not valid; use lower case letters"),
    ("    group: harmless\n", "", "11:3: persona `bites`: the key `group` is missing"),
    ("audience: clinician", "audience: nurse", "20:15: persona `nurse`: `audience`: `nurse` is not one of `patient`, `clinician`"),
    ("base: fading\n    findings: {itchy", "base: fadin\n    findings: {itchy", "14:11: persona `bites`: `base`: unknown base `fadin`; did you mean `fading`?"),
    # the expected outcome
    ("    expect: {level: routine, disposition: R2_self_care_info}\n", "", "11:3: persona `bites`: the key `expect` is missing"),
    ("level: routine, ", "", "16:5: persona `bites`: `expect`: the key `level` is missing"),
    ("level: routine, disposition: R2_self_care_info", "level: routine", "16:5: persona `bites`: `expect`: the key `disposition` is missing"),
    ("level: routine", "level: calm", "16:21: persona `bites`: `expect`: `level`: `calm` is not one of `routine`, `monitor`, `urgent`"),
    ("R2_self_care_info", "R2_self_care", "16:43: persona `bites`: `expect`: `disposition`: unknown disposition `R2_self_care`; did you mean `R2_self_care_info`?"),
    ("level: routine", "level: monitor", "16:21: persona `bites`: `expect`: `level`: found `monitor`, but `R2_self_care_info` is `routine`"),
]  # fmt: skip
SCHEMA_IS_SILENT = (
    *("unknown ruleset", "unknown base", "unknown input", "unknown disposition", "no truth", "is `routine`"),
    *("` does not fit: expected", "` does not fit: this"),
)
"""Faults that no schema can see: they depend on the ruleset, or on other parts of the file."""


def read(text: str) -> Personas:
    return parse_personas(text.encode(), PERSONAS_FILE, repository.ruleset(GLASS_TEST))


def faults_of(text: str) -> list[str]:
    with pytest.raises(RulesetError) as refused:
        read(text)
    return [str(fault) for fault in refused.value.faults]


def changed(old: str, new: str) -> str:
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)


def test_a_good_file_is_read_whole() -> None:
    """`unknown` and a choice that means open are truths: the person doesn't know."""
    bites = Persona(
        "bites",
        "Insect bites",
        "harmless",
        Audience.PATIENT,
        TRUTH | {"itchy": True, "blanches_on_pressure": "blanches", "new_spots_a_day": 0},
        Level.ROUTINE,
        "R2_self_care_info",
    )
    nurse = Persona(
        "nurse",
        "A nurse",
        "unsure",
        Audience.CLINICIAN,
        TRUTH | {"free_text": UNKNOWN, "blanches_on_pressure": UNKNOWN, "new_spots_a_day": UNKNOWN},
        Level.MONITOR,
        "M1_clinician_48h",
    )
    personas = read(GOOD)
    assert personas == Personas((bites, nurse), median_screens=4)
    assert [(persona.place.line, persona.place.column) for persona in personas.personas] == [(11, 3), (17, 3)]


def test_the_budget_is_optional() -> None:
    assert read(changed("budget: {median_screens: 4}\n", "")).median_screens is None


def test_a_folder_without_the_file_has_no_personas(tmp_path: Path) -> None:
    assert load_personas(tmp_path, repository.ruleset(GLASS_TEST)) is None
    (tmp_path / PERSONAS_FILE).write_text(GOOD, encoding="utf-8")
    assert load_personas(tmp_path, repository.ruleset(GLASS_TEST)) == read(GOOD)


@pytest.mark.parametrize(("old", "new", "message"), SLIPS)
def test_a_slip_has_one_fault_at_its_place(old: str, new: str, message: str) -> None:
    """Follow-ups would hide the slip; only the truths of a base whose key is misspelt are also missed."""
    first, *others = faults_of(changed(old, new))
    assert first.startswith(f"{PERSONAS_FILE}:{message}")
    assert [fault for fault in others if "unknown key `basis`" not in first] == []


@pytest.mark.parametrize("key", ["bases", "personas"])
def test_a_list_in_place_of_a_mapping_is_a_fault(key: str) -> None:
    text = GOOD[: GOOD.index(f"{key}:")] + f"{key}: [a]\n"
    assert any(f"`{key}`: expected a mapping, found a list" in fault for fault in faults_of(text))


@pytest.mark.parametrize("old", ["age_years: 40", "base: fading\n    findings: {itchy"])
def test_a_truth_that_yaml_rejects_is_not_missing_too(old: str) -> None:
    (fault,) = faults_of(changed(old, old.replace(": ", ": &x ", 1)))
    assert "anchor" in fault


def test_a_file_without_people_is_a_fault() -> None:
    assert faults_of("ruleset: glass-test\npersonas: {}\n") == [
        f"{PERSONAS_FILE}:2:11: `personas`: the mapping is empty"
    ]
    assert faults_of("ruleset: glass-test\n") == [f"{PERSONAS_FILE}:1:1: the key `personas` is missing"]


def test_five_hundred_people_are_the_most() -> None:
    people = "".join(f"  p{number}: {{}}\n" for number in range(501))
    (fault,) = faults_of(f"ruleset: glass-test\npersonas:\n{people}")
    assert fault == f"{PERSONAS_FILE}:503:3: `personas`: the mapping has 501 entries; at most 500 are allowed"


def test_all_faults_are_listed_at_once_in_the_order_of_the_file() -> None:
    """Also those that make it no plain YAML, if reading could go on."""
    text = (
        changed("title: An adult", "title: &x An adult")
        .replace("itchy: true", "itchy: 3")
        .replace("audience: clinician", "audience: nurse")
    )
    assert [int(fault.split(":")[1]) for fault in faults_of(text)] == [5, 15, 20]


def outcome_of(evaluator: Evaluator, persona: Persona) -> tuple[str, str]:
    """Return level and disposition once the persona has answered all that they know and can be asked."""
    inputs = evaluator.ruleset.inputs
    answers = {
        name: truth
        for name, truth in persona.truth.items()
        if truth != UNKNOWN and inputs[name].asked_of in persona.audience.answers
    }
    result = evaluator.evaluate(answers, History(), report_id=persona.name, received_ms=0, evaluated_ms=0)
    return result["level"], result["disposition"]


def expected_of(persona: Persona) -> tuple[str, str]:
    return persona.expect_level.word, persona.expect_disposition


# --- the schema ---


def fits(text: str) -> bool:
    return VALIDATOR.is_valid(parse_document(text.encode(), PERSONAS_FILE).data)


def test_the_committed_schema_is_current() -> None:
    """Editors load the file; `make schemas` writes it."""
    Draft202012Validator.check_schema(personas_json_schema())
    assert COMMITTED.read_text(encoding="utf-8") == json.dumps(personas_json_schema(), indent=2) + "\n"


def test_the_schema_accepts_a_good_file() -> None:
    assert fits(GOOD)


@pytest.mark.parametrize(("old", "new", "message"), SLIPS)
def test_the_schema_rejects_what_a_schema_can_see(old: str, new: str, message: str) -> None:
    assert fits(changed(old, new)) is any(words in message for words in SCHEMA_IS_SILENT)


@pytest.mark.parametrize("file", sorted(ROOT.glob("rulesets/**/personas.yaml")), ids=lambda file: str(file.parent.name))
def test_the_personas_of_every_ruleset_here_fit_the_schema(file: Path) -> None:
    assert [error.json_path + error.message for error in VALIDATOR.iter_errors(load_document(file).data)] == []


def test_the_example_of_the_page_is_whole_and_right() -> None:
    example = re.search(r"```yaml\n(# yaml-language-server.*?)```", PAGE, re.DOTALL)
    assert example is not None
    assert fits(example[1])
    evaluator = Evaluator(repository.ruleset(GLASS_TEST), "sha256:" + "0" * 64)
    personas = read(example[1]).personas
    assert [outcome_of(evaluator, persona) for persona in personas] == [expected_of(persona) for persona in personas]


# --- red-dots ---


@cache
def red_dots() -> Personas:
    personas = load_personas(RED_DOTS, repository.ruleset(RED_DOTS))
    assert personas is not None
    return personas


@pytest.fixture(scope="module")
def evaluator() -> Evaluator:
    return Evaluator(repository.ruleset(RED_DOTS), "sha256:" + "0" * 64)


@pytest.mark.parametrize("persona", red_dots().personas, ids=lambda persona: str(persona.name))
def test_a_person_of_red_dots_gets_the_expected_outcome(evaluator: Evaluator, persona: Persona) -> None:
    assert outcome_of(evaluator, persona) == expected_of(persona)


def test_the_people_of_red_dots_are_of_all_kinds() -> None:
    """An interview must be short for harmless people, fast for urgent ones, and end for those who know little."""
    people = red_dots().personas
    groups = Counter(persona.group for persona in people)
    assert groups["harmless"] >= 12
    assert groups["urgent"] >= 7
    assert groups["unsure"] >= 4
    assert {persona.expect_level for persona in people if persona.group == "harmless"} == {Level.ROUTINE}
    assert {persona.expect_level for persona in people if persona.group == "urgent"} == {Level.URGENT}
    assert {persona.audience for persona in people} == set(Audience)
    ages = [age for persona in people if isinstance(age := persona.truth["age_years"], int | float)]
    assert min(ages) < 0.25
    assert max(ages) >= 80


def test_patients_of_red_dots_know_nothing_that_only_clinicians_know() -> None:
    inputs = asked(repository.ruleset(RED_DOTS))
    out_of_reach = [read.name for read in inputs if read.asked_of in {AskedOf.CLINICIAN, AskedOf.LABORATORY}]
    patients = [persona for persona in red_dots().personas if persona.audience is Audience.PATIENT]
    known = {(p.name, name) for p in patients for name in out_of_reach if p.truth[name] != UNKNOWN}
    assert (len(out_of_reach) > 0, known) == (True, set())
