"""A form's questions, and what is written in it, as the findings of a report."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.paths import RED_DOTS
from tests.support.rulesets import repository
from triage_rules.evaluation.answers import UNKNOWN
from triage_rules.intake.form import (
    Checklist,
    FormQuestion,
    Ticks,
    checklists,
    groups,
    questions,
    read_form_answers,
    ticks_of,
    unanswered,
    write_ticks,
)
from triage_rules.language.model import AskedOf, Audience, Input, InputKind

RULESET = repository.ruleset(RED_DOTS)
ASKED = questions(RULESET, Audience.CLINICIAN)


def written(read: Input, value: Any) -> str:
    match read.kind:
        case InputKind.YES_NO if value != UNKNOWN:
            return "yes" if value else "no"
        case _:
            return str(value)


def answer(read: Input) -> st.SearchStrategy[Any]:
    match read.kind:
        case InputKind.YES_NO:
            known: st.SearchStrategy[Any] = st.booleans()
        case InputKind.CHOICE:
            known = st.sampled_from([choice.value for choice in read.choices])
        case InputKind.INTEGER:
            known = st.integers(int(read.minimum or 0), int(read.maximum or 9))
        case InputKind.NUMBER:
            known = st.decimals(read.minimum or 0, read.maximum or 9, places=1).map(float)
        case _:
            return st.text("abc é\n'<", max_size=50).map(str.strip)
    return st.one_of(known, st.just(UNKNOWN))


FINDINGS = st.fixed_dictionaries({}, optional={name: answer(RULESET.inputs[name]) for name in ASKED})


@given(FINDINGS)
def test_what_is_written_in_a_form_is_what_a_program_would_post(answers: dict[str, Any]) -> None:
    """Letter for letter: so the form can't give another result than the API."""
    texts = {name: written(RULESET.inputs[name], value) for name, value in answers.items()}
    read = read_form_answers(RULESET, ASKED, texts)
    assert (read.given, read.faults) == (answers, {})


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("temperature_c", "101", "looks like degrees Fahrenheit"),
        ("temperature_c", "hot", "Write a number in digits (30 to 43 °C)"),
        ("temperature_c", "1e1", "Write a number in digits"),
        ("temperature_c", "NaN", "Write a number in digits"),
        ("age_months", "3.5", "Write a whole number"),
        ("age_years", "1980", "looks like a year of birth"),
        ("lesions_itchy", "perhaps", "Choose one"),
        ("lesion_size", "huge", "Choose one"),
        ("new_medicine_name", "x" * 201, "at most 200"),
    ],
)
def test_a_fault_is_told_in_words_at_its_question(name: str, text: str, told: str) -> None:
    """And never repeats what was written."""
    read = read_form_answers(RULESET, ASKED, {name: text, "lesions_painful": "no"})
    assert told in read.faults.pop(name)
    assert (read.given, read.faults) == ({"lesions_painful": False}, {})


def test_a_decimal_comma_is_a_point() -> None:
    assert read_form_answers(RULESET, ASKED, {"temperature_c": " 38,5 "}).given == {"temperature_c": 38.5}


def test_nobody_is_asked_what_is_not_theirs_to_answer() -> None:
    patient = questions(RULESET, Audience.PATIENT)
    clinicians_only = {AskedOf.CLINICIAN, AskedOf.LABORATORY}
    assert not {one.asked_of for one in patient.values()} & {*clinicians_only, AskedOf.SERVICE}
    assert set(ASKED) - set(patient) == {
        name for name, read in RULESET.inputs.items() if read.asked_of in clinicians_only
    }
    assert patient["temperature_c"].asked_of is AskedOf.MEASURED
    assert patient["neck_pressure_or_assault"].is_private


def test_groups_hold_every_question_once() -> None:
    assert [one.name for _, members in groups(ASKED.values()) for one in members] == list(ASKED)


def test_groups_hold_the_lines_of_checklists_once_and_choices_by_themselves() -> None:
    lists = checklists(RULESET, ASKED)
    members = [one for _, members in groups(ASKED.values(), lists.values()) for one in members]
    shown = [line.name for one in members if isinstance(one, Checklist) for line in one.yes_no_lines]
    shown += [one.name for one in members if isinstance(one, FormQuestion)]
    assert sorted(shown) == sorted(ASKED)
    assert "consciousness" in {one.name for one in members}


DANGER = checklists(RULESET, ASKED)["danger_now"].lines
LINES = st.sets(st.sampled_from([line.name for line in DANGER]))


def test_only_ticks_that_answer_the_list_are_taken() -> None:
    one, every = frozenset({"seizure"}), frozenset(line.name for line in DANGER)
    assert "Tick each line" in Ticks().fault(DANGER)
    assert "Untick one" in Ticks(one, none=True).fault(DANGER)
    assert Ticks(none=True).fault(DANGER) == Ticks(one).fault(DANGER) == ""
    assert Ticks(unknown=every).fault(DANGER) == ""


def test_a_line_not_known_does_not_answer_the_others() -> None:
    unknown = frozenset({"seizure"})
    assert Ticks(unknown=unknown).fault(DANGER) == (
        "Tick each other line that applies, or \u201cNone of the others\u201d."
    )
    assert Ticks(unknown=unknown, none=True).fault(DANGER) == ""
    assert Ticks(frozenset({"chest_pain"}), unknown).fault(DANGER) == ""


@given(LINES, LINES)
def test_ticks_answer_each_line_and_are_shown_again(apply: set[str], unknown: set[str]) -> None:
    """Also through the answers of the report, which are all that is kept of them."""
    ticks = Ticks(frozenset(apply), frozenset(unknown - apply), none=not apply)
    answers = write_ticks(DANGER, ticks, {})
    choices = {line.name for line in DANGER if line.is_choice}
    assert answers.keys() == {line.name for line in DANGER} - (apply & choices)
    for line in DANGER:
        if line.name in answers:
            expected = "yes" if line.name in apply else "unknown" if line.name in unknown else line.none_means
            assert answers[line.name] == expected
    again = ticks_of(DANGER, answers, apply & choices)
    assert (again.apply, again.unknown) == (ticks.apply, ticks.unknown)


def test_a_ticked_choice_keeps_its_answer_until_it_is_asked_again() -> None:
    written = {"consciousness": "unresponsive", "breathing_difficulty": "none"}
    ticks = Ticks(frozenset({"consciousness", "breathing_difficulty"}))
    answers = write_ticks(DANGER, ticks, written)
    assert answers["consciousness"] == "unresponsive"
    assert "breathing_difficulty" not in answers


def test_who_goes_on_without_an_answer_is_told_how_to_leave_it_open() -> None:
    assert "know" in unanswered(ASKED["age_years"])
    assert "Not measured" in unanswered(ASKED["temperature_c"])
    assert "know" in unanswered(ASKED["lesion_size"])
    assert unanswered(ASKED["free_text"]) == ""
