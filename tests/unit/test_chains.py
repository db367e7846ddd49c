"""The place of a result in its chain of amendments, and what it lowers."""

from __future__ import annotations

from typing import Any

import pytest

from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.language.model import Level
from triage_rules.records.chains import ChainPlace, ChainResult, ChainStanding, ChainView, find_lowered, find_standing

U1, U2 = (Level.URGENT, "U1_ambulance_now"), (Level.URGENT, "U2_emergency_dept_now")
M1, M3 = (Level.MONITOR, "M1_clinician_48h"), (Level.MONITOR, "M3_self_monitor_recheck")
R2 = (Level.ROUTINE, "R2_self_care_info")
UNDECIDED = (None, None)
Outcome = tuple[Level | None, str | None]


def result_of(outcome: Outcome) -> dict[str, Any]:
    level, disposition = outcome
    return {"id": "own", "level": level.word if level is not None else None, "disposition": disposition}


def chain_result(outcome: Outcome, received_ms: int = 0) -> ChainResult:
    return ChainResult(f"at-{received_ms}", received_ms, *outcome)


@pytest.mark.parametrize(
    ("own", "above", "shown", "lowered"),
    [
        (R2, None, None, None),
        (R2, U2, None, U2),
        (U2, U1, None, U1),
        (M3, M1, None, M1),  # M3 has less time to act, and is less urgent: the order in the file decides
        (M1, M3, None, None),
        (U1, U2, None, None),
        (U2, U2, None, None),
        (M1, UNDECIDED, None, UNDECIDED),
        (U2, UNDECIDED, None, None),
        (R2, M1, U2, U2),
        (R2, U1, U2, U1),
        (R2, UNDECIDED, U1, U1),
        (R2, UNDECIDED, M1, UNDECIDED),
        (R2, (Level.URGENT, "of another version"), None, (Level.URGENT, "of another version")),
        (U2, (Level.URGENT, "of another version"), None, None),
    ],
)
def test_a_result_names_the_most_urgent_outcome_that_it_lowers(
    red_dots_evaluator: Evaluator, own: Outcome, above: Outcome | None, shown: Outcome | None, lowered: Outcome | None
) -> None:
    view = ChainView(above and chain_result(above), shown and chain_result(shown))
    found = find_lowered(result_of(own), view, red_dots_evaluator.ruleset, ChainPlace.FRONT)
    level, disposition = lowered or (None, None)
    expected = {"level": level.word if level is not None else None, "disposition": disposition}
    assert found == (expected if lowered else None)


def test_a_result_behind_the_one_shown_lowers_nothing_of_it(red_dots_evaluator: Evaluator) -> None:
    view = ChainView(None, chain_result(U1))
    assert find_lowered(result_of(R2), view, red_dots_evaluator.ruleset, ChainPlace.BACK) is None


@pytest.mark.parametrize(
    ("own", "above", "lowered"),
    [
        (R2, U2, {"level": "urgent", "disposition": U2[1]}),
        (U2, U1, {"level": "urgent", "disposition": U1[1]}),
        (R2, M1, {"level": None, "disposition": None}),
        (R2, R2, {"level": None, "disposition": None}),
        (U2, U2, None),
    ],
)
def test_a_dead_letter_below_the_decided_report_ranks_as_urgent_and_below_its_urgent_outcome(
    red_dots_evaluator: Evaluator, own: Outcome, above: Outcome, lowered: dict[str, str | None] | None
) -> None:
    view = ChainView(chain_result(above), None, chain_result(UNDECIDED, 1))
    assert find_lowered(result_of(own), view, red_dots_evaluator.ruleset, ChainPlace.FRONT) == lowered


@pytest.mark.parametrize(
    ("own", "received_ms", "shown", "place"),
    [
        (R2, 11, U1, ChainPlace.FRONT),
        (R2, 10, U1, ChainPlace.FRONT),
        (R2, 9, U1, ChainPlace.BACK),
        (U1, 9, U1, ChainPlace.BACK),
        (U1, 9, U2, ChainPlace.SIDE),
    ],
)
def test_the_newest_report_is_in_front_and_an_older_more_urgent_one_beside_it(
    red_dots_evaluator: Evaluator, own: Outcome, received_ms: int, shown: Outcome, place: ChainPlace
) -> None:
    view = ChainView(chain_result(M1, 1), chain_result(shown, 10))
    found = find_standing(result_of(own), view, red_dots_evaluator.ruleset, amends="at-1", received_ms=received_ms)
    assert found == ChainStanding(place, "at-1", "at-10")


def test_a_report_in_no_chain_has_no_place(red_dots_evaluator: Evaluator) -> None:
    found = find_standing(result_of(R2), ChainView(), red_dots_evaluator.ruleset, amends=None, received_ms=1)
    assert found == ChainStanding()
