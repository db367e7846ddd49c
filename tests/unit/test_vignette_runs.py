"""Vignettes are run by form and by interview; their figures add up, and what fails is what the budget says."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.rulesets import glass_personas, glass_vignettes
from triage_rules.interview.conversation import Conversation
from triage_rules.interview.plan import NextScreen, Planner
from triage_rules.interview.vignette_figures import (
    VignetteSuite,
    budget_shortfalls,
    describe_figures,
    figures_of,
    percent,
)
from triage_rules.interview.vignette_runs import VignetteRun, VignetteVerdict, judge, run_vignettes
from triage_rules.interview.vignettes import KINDS, PERCENTS, VignetteBudget

EVALUATOR = glass_personas.evaluator()
RULESET = EVALUATOR.ruleset
DISPOSITIONS = list(RULESET.dispositions)
"""From the gravest to the mildest."""


def run_all(text: str = glass_vignettes.VIGNETTES) -> VignetteSuite:
    known = glass_vignettes.vignettes(EVALUATOR, text)
    return VignetteSuite(tuple(run_vignettes(EVALUATOR, known.vignettes)), known.budget)


@pytest.fixture(scope="module")
def suite() -> VignetteSuite:
    return run_all()


@pytest.fixture(scope="module")
def fading(suite: VignetteSuite) -> VignetteRun:
    return suite.runs[0]


def test_each_vignette_is_run_by_form_and_by_interview(suite: VignetteSuite) -> None:
    interviews = [run.interview for run in suite.runs if run.interview is not None]
    forms = [(run.verdict, run.form["disposition"]) for run in suite.runs]
    assert [(*form, other.result["disposition"]) for form, other in zip(forms, interviews, strict=True)] == [
        ("acceptable", "M1_clinician_48h", "M1_clinician_48h"),
        ("exact", "R2_self_care_info", "R2_self_care_info"),
        ("exact", "U2_emergency_dept_now", "U2_emergency_dept_now"),
    ]
    assert [run.deciding for run in suite.runs] == [(), ("R67",), ("R08",)]
    assert [interview.conversation.screens for interview in interviews] == [2, 4, 2]
    assert (suite.misses, suite.failures) == ({}, [])


def test_a_miss_says_what_was_wanted_what_came_out_and_which_rule_decided() -> None:
    """Too mild fails; too grave does not, but counts against the budget."""
    mild = run_all(glass_vignettes.TOO_MILD)
    assert mild.misses == {"fever": "too mild: wanted U2_emergency_dept_now, got M1_clinician_48h (no rule fits)"}
    assert mild.failures[0] == "1 of 3 are too mild"
    assert [run.passed for run in mild.runs] == [True, True, False]
    grave = run_all(
        glass_vignettes.VIGNETTES.replace(
            "{age_years: 33, itchy: true}", "{blanches_on_pressure: does_not_blanch, fever_reported: true}"
        )
    )
    assert grave.misses == {"swelling": "too grave: wanted R2_self_care_info, got U2_emergency_dept_now (by R08)"}
    assert all(run.passed for run in grave.runs)
    assert grave.failures == [
        "1 of 3 (33.3 %) are exact, and the budget is at least 50 %",
        "2 of 3 (66.7 %) are acceptable, and the budget is at least 75 %",
        "1 of 2 (50 %) harmless are called urgent, and the budget is at most 0 %",
    ]


def test_a_miss_names_the_range_if_it_is_wider_than_the_wanted_outcome(fading: VignetteRun) -> None:
    wide = replace(
        fading.vignette, wanted="M1_clinician_48h", mildest="M1_clinician_48h", gravest="U2_emergency_dept_now"
    )
    mild = replace(
        fading,
        vignette=wide,
        form={**fading.form, "disposition": "R2_self_care_info"},
        verdict=VignetteVerdict.TOO_MILD,
    )
    assert (mild.miss or "").startswith(
        "too mild: wanted M1_clinician_48h (acceptable: M1_clinician_48h to U2_emergency_dept_now), got R2_self_care_info"
    )


def test_another_outcome_by_interview_fails_even_if_both_are_acceptable(
    suite: VignetteSuite, fading: VignetteRun
) -> None:
    assert fading.interview is not None
    result = {**fading.interview.result, "disposition": "R2_self_care_info"}
    other = replace(fading, interview=replace(fading.interview, result=result))
    assert other.miss == "the interview ends with R2_self_care_info, the form with M1_clinician_48h"
    assert not other.passed
    failing = VignetteSuite((other, *suite.runs[1:]))
    assert failing.failures == ["1 of 3 have another outcome by interview than by form"]


def test_an_interview_that_does_not_end_fails(fading: VignetteRun) -> None:
    screen = Planner(EVALUATOR).screens[0]
    assert fading.interview is not None
    conversation = Conversation(repeated=NextScreen(screen, ("itchy",)))
    repeating = replace(fading, interview=replace(fading.interview, conversation=conversation))
    assert repeating.miss == "the interview does not end; it asks again for itchy"
    result = {**fading.interview.result, "interview": {"complete": False}}
    incomplete = replace(fading, interview=replace(fading.interview, result=result))
    assert (incomplete.miss, incomplete.passed) == ("the interview is not complete, although no screen is left", False)


def test_the_figures_are_counts_without_a_name(suite: VignetteSuite) -> None:
    """The half that is set aside is shown by them."""
    figures = describe_figures(RULESET, suite.runs)
    assert figures["all"] | {"screens": 0, "taps": 0} == {
        "vignettes": 3, "exact": 2, "acceptable": 3, "too_mild": 0, "too_grave": 0,
        "form_and_interview_differ": 0, "harmless": 2, "harmless_called_urgent": 0, "screens": 0, "taps": 0,
    }  # fmt: skip
    assert figures["all"]["screens"] == {"median": 2, "most": 4}
    assert {name: group["vignettes"] for name, group in figures["groups"].items()} == {"adults": 2, "children": 1}
    assert {name: kind["exact"] for name, kind in figures["kinds"].items()} == {"urgent": 1, "harmless": 1}
    assert figures["levels"] == {"labels": ["urgent", "monitor", "routine"], "rows": [[1, 0, 0], [0, 0, 0], [0, 1, 1]]}
    assert figures["dispositions"] == {"labels": DISPOSITIONS, "rows": [[1, 0, 0], [0, 0, 0], [0, 1, 1]]}
    assert figures["groups"]["children"]["levels"] == [[1, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert not any(run.vignette.name in str(figures) for run in suite.runs)


# --- laws ---


@cache
def template() -> VignetteRun:
    return run_all().runs[0]


places = st.integers(0, len(DISPOSITIONS) - 1)


@st.composite
def judged(draw: st.DrawFn) -> VignetteRun:
    """A run of a form whose outcome, wanted outcome and range are drawn."""
    gravest, wanted, mildest = sorted(draw(st.tuples(places, places, places)))
    got = DISPOSITIONS[draw(places)]
    level = RULESET.dispositions[DISPOSITIONS[wanted]].level
    vignette = replace(
        template().vignette,
        group=draw(st.sampled_from(["adults", "children"])),
        kind=next(kind for kind, of_kind in KINDS.items() if of_kind is level),
        wanted=DISPOSITIONS[wanted],
        mildest=DISPOSITIONS[mildest],
        gravest=DISPOSITIONS[gravest],
    )
    form = {**template().form, "disposition": got, "level": RULESET.dispositions[got].level.word}
    return replace(template(), vignette=vignette, form=form, interview=None, verdict=judge(RULESET, vignette, got))


@given(judged())
def test_an_outcome_is_acceptable_exactly_within_the_range(run: VignetteRun) -> None:
    """And exact only within it: the order is that of the ruleset."""
    gravest, got, mildest = (
        DISPOSITIONS.index(code) for code in (run.vignette.gravest, run.form["disposition"], run.vignette.mildest)
    )
    within = {VignetteVerdict.EXACT, VignetteVerdict.WITHIN}
    assert (run.verdict in within) is (gravest <= got <= mildest)
    assert (run.verdict is VignetteVerdict.EXACT) is (run.form["disposition"] == run.vignette.wanted)
    assert (run.verdict is VignetteVerdict.TOO_MILD) is (got > mildest)
    assert (run.miss is None) is (run.verdict in within)


@given(st.lists(judged(), max_size=8))
def test_the_counts_add_up(runs: list[VignetteRun]) -> None:
    figures = describe_figures(RULESET, runs)
    whole = figures["all"]
    assert whole["acceptable"] + whole["too_mild"] + whole["too_grave"] == whole["vignettes"] == len(runs)
    assert whole["exact"] <= whole["acceptable"]
    assert whole["harmless_called_urgent"] <= whole["harmless"]

    def total(parts: dict[str, Any], key: str) -> int:
        return sum(part[key] for part in parts.values())

    for key in ("vignettes", "exact", "acceptable", "too_mild", "too_grave", "harmless", "harmless_called_urgent"):
        assert total(figures["groups"], key) == total(figures["kinds"], key) == whole[key]
    for name in ("levels", "dispositions"):
        assert sum(map(sum, figures[name]["rows"])) == len(runs)
    diagonal = sum(row[place] for place, row in enumerate(figures["dispositions"]["rows"]))
    assert diagonal == whole["exact"]


@given(st.lists(judged(), max_size=8), st.sampled_from(PERCENTS), st.integers(0, 100))
def test_a_budget_that_is_met_is_no_shortfall(runs: list[VignetteRun], key: str, limit: int) -> None:
    figures = figures_of(runs)
    parts = {
        "exact_percent": (figures.exact, figures.vignettes),
        "acceptable_percent": (figures.acceptable, figures.vignettes),
        "harmless_called_urgent_percent": (figures.harmless_called_urgent, figures.harmless),
    }
    part, whole = parts[key]
    is_kept = part * 100 <= limit * whole if key == "harmless_called_urgent_percent" else part * 100 >= limit * whole
    shortfalls = budget_shortfalls(figures, VignetteBudget({key: limit}))
    assert (shortfalls == []) is is_kept
    assert all(f"{part} of {whole} ({percent(part, whole):g} %)" in line for line in shortfalls)
