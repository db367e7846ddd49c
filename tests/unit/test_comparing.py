"""Comparing rulesets: counts, kinds of difference and examples on made rulesets where the right answer is plain."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from triage_rules.assurance.comparison import (
    MOST_ANSWERS,
    Comparison,
    LevelPair,
    LevelTally,
    Patient,
    compare,
    distinct,
    opinion,
)
from triage_rules.cli import main
from triage_rules.cli.compare import BEGIN, END
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.language.model import Level
from triage_rules.language.reading import parse_ruleset
from triage_rules.records.reports import History

HEAD = """\
ruleset: {name}
language: 1
version: 1.0.0
title: Made
description: Made for a test.
owner: tests
review_by: 2099-01-01
approved_by: null
approved_on: null
dispositions:
  U: {{level: urgent, act_within_minutes: 60, title: Now, patient: Go now., clinician: Now.}}
  M: {{level: monitor, act_within_minutes: 2880, title: Soon, patient: Go soon., clinician: Soon.}}
  R: {{level: routine, act_within_minutes: null, title: Later, patient: Stay., clinician: Later.}}
default: {{disposition: M, reason: Nothing fits.}}
validity: {{minutes: 60}}
always: {{patient: Take care., clinician: Made.}}
inputs:
"""
AGE = "  age: {type: number, group: g, unit: a, minimum: 0, maximum: 120, question: How old?}\n"
FEVER = '  fever: {type: yes_no, group: g, question: "Hot?"}\n'
SPOTS = "  spots: {type: choice, group: g, question: Where?, choices: {arm: On the arm, all: All over}}\n"


def rule(name: str, when: str, disposition: str) -> str:
    return f"  {name}: {{title: T, when: {when}, disposition: {disposition}, reason: So., source: {{text: made, marks: []}}}}\n"


FIRST = (
    HEAD.format(name="first")
    + AGE
    + FEVER
    + SPOTS
    + "rules:\n"
    + rule("F1", "fever", "U")
    + rule("F2", "{not: fever}", "R")
)
OTHER = HEAD.format(name="other") + AGE + FEVER + "rules:\n" + rule("O1", "{all: [fever, {age: {less_than: 16}}]}", "U")
"""Only children with a fever are urgent; it has no question about spots, and never says routine."""


def evaluator(text: str) -> Evaluator:
    return Evaluator(parse_ruleset(text.encode(), "made.yaml"), "sha256:" + "0" * 64)


def patient(name: str, **answers: object) -> Patient:
    return Patient(name, "", answers, History())


PATIENTS = [
    patient("child-hot", age=4, fever=True, spots="arm"),
    patient("adult-hot", age=40, fever=True, spots="arm"),
    patient("adult-hot-too", age=50, fever=True),
    patient("somebody-hot", fever=True, spots="all"),
    patient("child-well", age=4, fever=False),
    patient("nobody"),
]


@pytest.fixture(scope="module")
def found() -> Comparison:
    return compare(evaluator(FIRST), [evaluator(OTHER)], PATIENTS)[0]


def test_same_lower_and_higher_are_counted_apart_for_rules_and_defaults(found: Comparison) -> None:
    """Its rule fires for the child alone; by its default three hot ones are lower, the well one higher, nobody the same."""
    assert found.speaking == LevelTally(same=1, lower=0, higher=0)
    assert found.silent == LevelTally(same=1, lower=3, higher=1)
    assert found.refused == ()


def test_every_patient_is_in_one_cell(found: Comparison) -> None:
    assert found.cells == {
        (Level.URGENT, "U", True): 1,
        (Level.URGENT, "M", False): 3,
        (Level.ROUTINE, "M", False): 1,
        (Level.MONITOR, "M", False): 1,
    }


def test_a_difference_that_answers_could_still_close_is_told_from_one_that_stays(found: Comparison) -> None:
    kinds = {difference.kind: difference.patients for difference in found.differences}
    assert kinds == {
        LevelPair(Level.URGENT, Level.MONITOR, speaks=False, may_agree=False): ("adult-hot", "adult-hot-too"),
        LevelPair(Level.URGENT, Level.MONITOR, speaks=False, may_agree=True): ("somebody-hot",),
        LevelPair(Level.ROUTINE, Level.MONITOR, speaks=False, may_agree=False): ("child-well",),
    }


def test_what_is_lower_comes_first_and_the_most_frequent_first(found: Comparison) -> None:
    assert [(difference.kind.lower, len(difference.patients)) for difference in found.differences] == [
        (True, 2),
        (True, 1),
        (False, 1),
    ]


def test_the_example_has_only_answers_that_matter(found: Comparison) -> None:
    """Spots matter to neither; the age of the well child neither, since a fever that was denied decides for both."""
    examples = {difference.patients[0]: difference.example.answers for difference in found.differences}
    assert examples == {
        "adult-hot": {"age": 50, "fever": True},
        "somebody-hot": {"fever": True},
        "child-well": {"fever": False},
    }


def test_an_example_of_many_answers_is_cut_to_those_that_decide_and_says_so() -> None:
    """Each `q` answered no keeps it from being urgent by the other one, and decides nothing."""
    many = range(MOST_ANSWERS + 1)
    asked = "".join(f"  q{n}: {{type: yes_no, group: g, question: 'Q{n}?'}}\n" for n in many)
    urgent = rule("O3", f"{{any: [{', '.join(f'q{n}' for n in many)}]}}", "U")
    other = HEAD.format(name="other") + AGE + FEVER + asked + "rules:\n" + urgent
    hot = patient("hot", fever=True, **{f"q{n}": False for n in many})
    (difference,) = compare(evaluator(FIRST), [evaluator(other)], [hot])[0].differences
    assert not difference.kind.may_agree
    assert difference.example.answers == {"fever": True}
    assert difference.rest_answered


def test_an_example_of_few_answers_differs_in_its_way_by_itself(found: Comparison) -> None:
    assert [difference.rest_answered for difference in found.differences] == [False, False, False]


def test_an_example_still_differs_as_its_kind_says(found: Comparison) -> None:
    first, other = evaluator(FIRST), evaluator(OTHER)
    for difference in found.differences:
        assert opinion(first, difference.example) == difference.first
        assert opinion(other, difference.example) == difference.other
        assert (difference.first.level, difference.other.level) == (difference.kind.first, difference.kind.other)


def test_a_ruleset_compared_with_itself_differs_nowhere() -> None:
    found = compare(evaluator(FIRST), [evaluator(FIRST)], PATIENTS)[0]
    assert found.differences == ()
    assert found.speaking.same + found.silent.same == len(PATIENTS)


def test_answers_that_a_ruleset_has_no_question_for_are_kept_from_it() -> None:
    assert opinion(evaluator(OTHER), patient("p", fever=True, age=4, spots="all")) == opinion(
        evaluator(OTHER), patient("p", fever=True, age=4)
    )


def test_a_patient_whom_one_of_the_two_refuses_is_told_and_not_counted() -> None:
    found = compare(evaluator(FIRST), [evaluator(OTHER)], [patient("too-old", age=200), PATIENTS[0]])[0]
    assert found.refused == ("too-old",)
    assert found.speaking.all + found.silent.all == 1


def test_patients_with_the_same_answers_and_history_count_once() -> None:
    seen_before = Patient("again", "", {"age": 4, "fever": True}, History(reports_last_48h=2))
    kept = distinct([patient("a", age=4, fever=True), patient("b", fever=True, age=4), seen_before])
    assert [one.id for one in kept] == ["a", "again"]


# --- the command ----------------------------------------------------------------------------

CASES = {
    "first": """\
cases:
  - {id: hot, note: Hot., findings: {fever: true, age: 40}, expect: {level: urgent}}
  - {id: refused, findings: {age: 200}, expect: {refused: [age]}}
""",
    "other": """\
cases:
  - {id: child, note: A hot child., findings: {fever: true, age: 4}, expect: {level: urgent}}
  - {id: twin, note: The same answers., findings: {age: 40, fever: true}, expect: {level: monitor}}
""",
}


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    for name, text in (("first", FIRST), ("other", OTHER)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "ruleset.yaml").write_text(text, encoding="utf-8")
        (tmp_path / name / "cases.yaml").write_text(CASES[name], encoding="utf-8")
    return [str(tmp_path / "first"), str(tmp_path / "other")]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["compare", *arguments], catch_exceptions=False)


def test_the_cases_of_all_rulesets_are_compared_without_twins_and_those_to_be_refused(folders: list[str]) -> None:
    told = json.loads(run(*folders, "--format", "json").stdout)
    assert (told["cases"], told["left_out"]) == (2, {"to_be_refused": 1, "twins": 1})
    (other,) = told["others"]
    assert other["speaking"] == {"cases": 1, "same": 1, "lower": 0, "higher": 0}
    (difference,) = other["differences"]
    assert difference["cases"] == ["first/hot"]
    assert difference["example"]["in_words"] == [
        {"question": "Hot?", "answer": "yes"},
        {"question": "How old?", "answer": "40 years"},
    ]
    assert (difference["example"]["first"]["rules"], difference["example"]["other"]["rules"]) == (["F1"], [])


def test_the_answers_of_a_cases_panels_are_compared(folders: list[str]) -> None:
    """The same answers as the other ruleset's case has as findings: the case is a twin again."""
    first = Path(folders[0])
    panel = "panels:\n  ill: {question: Ill?, section: s, lines: [fever]}\n"
    (first / "ruleset.yaml").write_text(FIRST.replace("rules:", panel + "rules:"), encoding="utf-8")
    cases = CASES["first"].replace("{fever: true, age: 40}", "{age: 40}, panels: {ill: [fever]}")
    (first / "cases.yaml").write_text(cases, encoding="utf-8")
    compared = json.loads(run(*folders, "--format", "json").stdout)
    assert (compared["cases"], compared["left_out"]) == (2, {"to_be_refused": 1, "twins": 1})


@pytest.mark.parametrize("form", ["text", "markdown", "json"])
def test_every_form_says_that_cases_are_no_patients(folders: list[str], form: str) -> None:
    assert "worked cases that test the rules, not patients" in run(*folders, "--format", form).stdout


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_an_example_is_shown_in_questions_and_answers(folders: list[str], form: str) -> None:
    told = run(*folders, "--format", form).stdout
    assert "Lower: first urgent, other monitor; only its default applies; no answer can change that (1 case)" in told
    assert "Hot? yes · How old? 40 years" in told
    assert "first: urgent, U (F1); other: monitor, M (no rule fires)" in told
    assert "cases: first/hot" not in told
    assert "cases: first/hot" in run(*folders, "--format", form, "--cases").stdout


def test_the_table_is_written_between_its_two_lines_and_nowhere_else(folders: list[str], tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    assert run(*folders, "--into", str(document)).exit_code == 0
    made = run(*folders, "--format", "markdown").stdout
    assert document.read_text(encoding="utf-8") == f"before\n{BEGIN}\n\n{made}\n{END}\nafter\n"


def test_a_document_without_the_two_lines_is_left_alone(folders: list[str], tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text(f"{END}\n{BEGIN}\n", encoding="utf-8")
    told = run(*folders, "--into", str(document))
    assert (told.exit_code, "must contain the lines" in told.stderr) == (2, True)
    assert document.read_text(encoding="utf-8") == f"{END}\n{BEGIN}\n"


def test_a_ruleset_that_is_not_sound_is_a_finding(folders: list[str]) -> None:
    file = Path(folders[1]) / "ruleset.yaml"
    file.write_text(OTHER.replace("less_than: 16", "less_than: x"), encoding="utf-8")
    assert run(*folders).exit_code == 1
