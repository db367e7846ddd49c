"""The plan's certificates beside the smallest possible ones, found by exhaustive search over screens."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterable

import pytest

from tests.support.paths import RED_DOTS
from tests.support.rulesets import repository
from tests.support.rulesets.generated import DIGEST
from tests.support.shares import some_of
from triage_rules.evaluation.answers import UNKNOWN
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.interview.personas import Persona, load_personas
from triage_rules.interview.plan import Planner
from triage_rules.interview.screens import Screen
from triage_rules.language.model import AskedOf
from triage_rules.records.reports import History

NONE = History()


@pytest.fixture(scope="module")
def planner() -> Planner:
    return Planner(Evaluator(repository.ruleset(RED_DOTS), DIGEST))


def people() -> list[Persona]:
    personas = load_personas(RED_DOTS, repository.ruleset(RED_DOTS))
    assert personas is not None
    return list(personas.personas)


def settles(planner: Planner, person: Persona, screens: Iterable[Screen]) -> bool:
    """Whether the truthful answers on these screens, and no others, settle the outcome."""
    asked = {name for screen in screens for name in screen.inputs}
    answers = {name: person.truth.get(name, UNKNOWN) for name in asked if is_answered(planner, person, name)}
    return planner.standing(answers, NONE, person.audience).decision.determined


def is_answered(planner: Planner, person: Persona, name: str) -> bool:
    asked_of = planner.ruleset.inputs[name].asked_of
    return asked_of is not AskedOf.SERVICE and asked_of in person.audience.answers


def fewest_screens(planner: Planner, person: Persona) -> int:
    """The size of the smallest set of screens that settles the outcome. More answers never unsettle it."""
    needed = [s for s in planner.screens if not settles(planner, person, [x for x in planner.screens if x is not s])]
    others = [screen for screen in planner.screens if screen not in needed]
    for more in range(len(others) + 1):
        for chosen in itertools.combinations(others, more):
            if settles(planner, person, [*needed, *chosen]):
                return len(needed) + more
    raise AssertionError("every screen together settles the outcome")


def test_certificates_of_personas_are_close_to_the_smallest(planner: Planner) -> None:
    ratios = []
    for person in some_of(people(), 10):
        certificate = planner.certificate({}, NONE, person.audience, person.truth)
        assert settles(planner, person, [shown.screen for shown in certificate]), person.name
        fewest = fewest_screens(planner, person)
        assert fewest <= len(certificate) <= 1.5 * fewest + 2, person.name
        ratios.append(len(certificate) / max(1, fewest))
    assert statistics.median(ratios) <= 1.15
