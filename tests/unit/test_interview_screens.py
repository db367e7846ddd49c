"""The number of screens left in an interview."""

from __future__ import annotations

from tests.support.paths import RED_DOTS
from tests.support.rulesets import repository
from triage_rules.interview.screens import count_screens_left, screens_of

SCREENS = screens_of(repository.ruleset(RED_DOTS))


def test_a_screen_counts_once_however_many_of_its_inputs_are_asked() -> None:
    assert count_screens_left(SCREENS, set()) == 0
    assert count_screens_left(SCREENS, {"seizure", "chest_pain_crushing"}) == 1
    assert count_screens_left(SCREENS, {"seizure", "age_years", "neck_pressure_or_assault"}) == 3


def test_every_input_that_people_answer_stands_on_one_screen() -> None:
    names = {name for screen in SCREENS for name in screen.inputs}
    assert count_screens_left(SCREENS, names) == len(SCREENS)
