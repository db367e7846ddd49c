"""People made at random are whole, truthful and consistent, and most of them are mostly healthy."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.support.paths import GLASS_TEST, RED_DOTS
from tests.support.rulesets import repository
from triage_rules.evaluation.answers import UNKNOWN, asked, read_answers
from triage_rules.interview.random_people import random_person, usual_answer
from triage_rules.language.model import Ruleset
from triage_rules.language.reading import parse_ruleset

GATES = {
    "new_spots_a_day: {": "new_spots_a_day: {relevant: {when: {age_years: {less_than: 60}}, otherwise: 0}, expected: 1, ",
    "itchy: {": "itchy: {relevant: {when: {new_spots_a_day: {at_least: 1}}}, ",
    "fever_reported: {": "fever_reported: {available_if: itchy, ",
    "    unit: Cel\n": "    unit: Cel\n    relevant: {when: {any: [red_flag_words, {age_years: {less_than: 1}}]}, otherwise: 36.5}\n",
    "    {type: number, group: person": "    {expected: 40, type: number, group: person",
}
"""Gates for the small ruleset: one needs the answer to another, which stands after it in the file."""


@pytest.fixture(scope="module")
def gated() -> Ruleset:
    text = (GLASS_TEST / "ruleset.yaml").read_text(encoding="utf-8")
    for old, new in GATES.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    return parse_ruleset(text.encode(), "ruleset.yaml")


def people(ruleset: Ruleset, count: int = 100, **options: float) -> list[dict[str, Any]]:
    return [dict(random_person(ruleset, Random(seed), **options)) for seed in range(count)]


def test_given_truths_are_kept_as_far_as_they_are_relevant(gated: Ruleset) -> None:
    """So a person can be changed in some answers, and stays consistent."""
    given = {"age_years": 70, "new_spots_a_day": 9, "blanches_on_pressure": "blanches"}
    changed = [random_person(gated, Random(seed), unknown=0, given=given) for seed in range(50)]
    assert {person["age_years"] for person in changed} == {70}
    assert {person["blanches_on_pressure"] for person in changed} == {"blanches"}
    assert {person["new_spots_a_day"] for person in changed} == {0}
    assert len({person["temperature_c"] for person in changed}) > 1


def test_the_share_of_usual_answers_may_be_chosen() -> None:
    ruleset = repository.ruleset(GLASS_TEST)
    healthy = [random_person(ruleset, Random(seed), unknown=0, usual=1) for seed in range(50)]
    assert {person["itchy"] for person in healthy} == {False}
    ill = [random_person(ruleset, Random(seed), unknown=0, usual=0) for seed in range(50)]
    assert {person["itchy"] for person in ill} == {True}


@pytest.mark.parametrize("folder", [RED_DOTS, GLASS_TEST], ids=lambda folder: str(folder.name))
def test_every_input_has_a_truth_that_a_report_may_give(folder: Path) -> None:
    ruleset = repository.ruleset(folder)
    names = [read.name for read in asked(ruleset)]
    for person in people(ruleset):
        assert list(person) == names
        known = {name: truth for name, truth in person.items() if truth != UNKNOWN}
        assert set(read_answers(ruleset, person)) >= set(known)


def test_the_same_seed_makes_the_same_person() -> None:
    ruleset = repository.ruleset(RED_DOTS)
    assert random_person(ruleset, Random(7)) == random_person(ruleset, Random(7))
    assert random_person(ruleset, Random(7)) != random_person(ruleset, Random(8))


def test_irrelevant_inputs_have_what_relevance_implies(gated: Ruleset) -> None:
    """And relevant ones have truths of their own."""
    seen = set()
    for person in people(gated, 400, unknown=0):
        young = person["age_years"] < 60
        spots = person["new_spots_a_day"]
        assert young or spots == 0
        assert (person["itchy"] == UNKNOWN) is (spots == 0)
        assert (person["fever_reported"] == UNKNOWN) is (person["itchy"] is not True)
        words = str(person["free_text"]) in {"stiff neck", "blue lips"}
        assert words or person["age_years"] < 1 or person["temperature_c"] == 36.5
        seen |= {("young", young), ("spots", spots), ("itchy", person["itchy"]), ("words", words)}
    assert seen >= {("young", True), ("young", False), ("spots", 0), ("spots", 1)}
    assert seen >= {("itchy", True), ("itchy", False), ("words", True), ("words", False)}


def test_ages_differ_as_other_questions_depend_on_them(gated: Ruleset) -> None:
    ages = [person["age_years"] for person in people(gated, unknown=0)]
    assert 0.3 < sum(age != 40 for age in ages) / len(ages) < 0.7


def test_an_input_whose_relevance_is_open_has_a_truth_of_its_own(gated: Ruleset) -> None:
    ages_unknown = [person for person in people(gated, 400, unknown=0.3) if person["age_years"] == UNKNOWN]
    assert {person["new_spots_a_day"] for person in ages_unknown} - {0, UNKNOWN} != set()


def test_most_people_are_mostly_healthy_and_some_are_not() -> None:
    ruleset = repository.ruleset(RED_DOTS)
    usual = {read.name: answer for read in asked(ruleset) if (answer := usual_answer(read)) is not None}
    known = [[name for name in usual if person[name] != UNKNOWN] for person in people(ruleset)]
    shares = [
        sum(person[name] == usual[name] for name in names) / len(names)
        for person, names in zip(people(ruleset), known, strict=True)
    ]
    assert sum(share > 0.9 for share in shares) > 0.6 * len(shares)
    assert min(shares) < 0.9


def test_a_person_may_know_little() -> None:
    ruleset = repository.ruleset(RED_DOTS)
    choices = [read.name for read in asked(ruleset) if usual_answer(read) is not None]
    unknown = [person[name] == UNKNOWN for person in people(ruleset, unknown=1 / 3) for name in choices]
    assert 0.25 < sum(unknown) / len(unknown) < 0.5
