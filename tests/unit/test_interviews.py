"""Interviews of personas: their figures, their description and the search for the longest, on a small ruleset."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from random import Random
from typing import Any

import pytest

from tests.support.rulesets import glass_personas
from triage_rules.cli.interview_text import as_text
from triage_rules.evaluation.answers import UNKNOWN
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.interview.description import describe_run, describe_summary
from triage_rules.interview.longest import search_longest
from triage_rules.interview.persona_runs import PersonaRun, expected_of_form, run_persona
from triage_rules.interview.personas import Persona
from triage_rules.interview.plan import NextScreen, Planner
from triage_rules.interview.random_people import random_person
from triage_rules.language.model import AskedOf, Audience, Level


@pytest.fixture(scope="module")
def evaluator() -> Evaluator:
    return glass_personas.evaluator()


@pytest.fixture(scope="module")
def planner(evaluator: Evaluator) -> Planner:
    return Planner(evaluator)


@pytest.fixture(scope="module")
def personas(evaluator: Evaluator) -> dict[str, Persona]:
    return {persona.name: persona for persona in glass_personas.personas(evaluator).personas}


@pytest.fixture(scope="module")
def runs(evaluator: Evaluator, planner: Planner, personas: dict[str, Persona]) -> list[PersonaRun]:
    return [run_persona(evaluator, planner, persona) for persona in personas.values()]


def test_a_persona_passes_with_a_complete_interview_and_the_expected_outcome(runs: list[PersonaRun]) -> None:
    assert [(run.persona.name, run.result["disposition"], run.is_complete, run.differences) for run in runs] == [
        ("bites", "R2_self_care_info", True, ()),
        ("feverish", "U2_emergency_dept_now", True, ()),
        ("unsure", "M1_clinician_48h", True, ()),
    ]
    assert [len(run.certificate) <= run.conversation.screens for run in runs] == [True] * 3
    assert [run.screens_until_urgent for run in runs] == [None, 2, None]


def test_another_outcome_than_the_expected_one_is_a_difference(
    evaluator: Evaluator, planner: Planner, personas: dict[str, Persona]
) -> None:
    wrong = replace(personas["bites"], expect_level=Level.MONITOR, expect_disposition="M1_clinician_48h")
    run = run_persona(evaluator, planner, wrong)
    assert not run.passed
    assert run.differences == (
        "level: wanted monitor, got routine",
        "disposition: wanted M1_clinician_48h, got R2_self_care_info",
    )


class _Repeating(Planner):
    """Planner with a fault: it shows its first screen for ever."""

    def next_screen(self, *_: Any, **__: Any) -> NextScreen:
        return NextScreen(self.screens[0], self.screens[0].inputs)


def test_an_interview_that_repeats_a_screen_is_broken_off_and_fails(
    evaluator: Evaluator, personas: dict[str, Persona]
) -> None:
    run = run_persona(evaluator, _Repeating(evaluator), personas["feverish"])
    assert run.conversation.screens == 1
    assert not run.is_complete
    assert run.differences[-1] == "interview: does not end; it asks again for fever_reported, itchy"
    assert describe_run(evaluator.ruleset, run)["complete"] is False


def test_the_outcome_of_the_full_form_leaves_out_what_the_audience_is_not_asked(evaluator: Evaluator) -> None:
    truth = {"blanches_on_pressure": "does_not_blanch", "temperature_c": 39.1, "fever_reported": UNKNOWN}
    assert expected_of_form(evaluator, truth, Audience.PATIENT) == (Level.URGENT, "U2_emergency_dept_now")
    inputs = dict(evaluator.ruleset.inputs)
    inputs["temperature_c"] = replace(inputs["temperature_c"], asked_of=AskedOf.CLINICIAN)
    other = Evaluator(replace(evaluator.ruleset, inputs=inputs), evaluator.digest)
    assert expected_of_form(other, truth, Audience.PATIENT)[0] is Level.MONITOR
    assert expected_of_form(other, truth, Audience.CLINICIAN)[0] is Level.URGENT


def test_an_interview_is_described_screen_by_screen_in_the_rulesets_words(
    evaluator: Evaluator, runs: list[PersonaRun]
) -> None:
    bites, _, unsure = (describe_run(evaluator.ruleset, run) for run in runs)
    first, second = bites["shown"][:2]
    assert (first["panel"], first["title"], first["question"]) == ("ill", "Feeling ill", "Is any of this so?")
    assert first["answers"] == [
        {
            "finding": "fever_reported",
            "question": "Fever in the last 2 days?",
            "answer": False,
            "in_words": "no",
            "applies": False,
        },
        {"finding": "itchy", "question": "The spots itch", "answer": True, "in_words": "applies", "applies": True},
    ]
    assert (first["after"]["lowest"], first["after"]["could_be"]) == ("routine", "urgent")
    assert (second["title"], second["answers"][0]["in_words"]) == ("Spots", "Yes, they fade")
    assert bites["shown"][-1]["after"]["lowest"] == bites["shown"][-1]["after"]["could_be"] == "routine"
    assert bites["outcome"] == bites["expected"]
    assert sum(shown["taps"] for shown in bites["shown"]) == bites["taps"]
    assert bites["answers"]["temperature_c"] == 36.8
    assert unsure["shown"][0]["answers"][0]["in_words"] == "I don't know"


def test_the_summary_has_each_group_and_all(runs: list[PersonaRun]) -> None:
    summary = describe_summary(runs)
    assert [figures["group"] for figures in summary["groups"]] == ["harmless", "urgent", "unsure", "all"]
    everyone = summary["groups"][-1]
    screens = sorted(run.conversation.screens for run in runs)
    assert (everyone["people"], everyone["complete"], everyone["passed"]) == (3, 3, 3)
    assert everyone["screens"] == {"median": screens[1], "most": screens[2]}
    assert everyone["screens_until_urgent"] == {"mean": 2, "most": 2}
    assert summary["groups"][0]["screens_until_urgent"] is None
    assert 0 < summary["planning_ms"]["mean"] <= summary["planning_ms"]["most"]
    assert describe_summary([]) == {"groups": [], "planning_ms": None}


def test_the_text_has_a_block_for_each_person_and_a_table(evaluator: Evaluator, runs: list[PersonaRun]) -> None:
    data = {
        "interviews": [describe_run(evaluator.ruleset, run) for run in runs],
        "budget": 4,
        "summary": describe_summary(runs),
    }
    lines = list(as_text(data))
    assert lines[1].strip() == "1  Feeling ill: Is any of this so? The spots itch"
    assert "   2  Spots: Press a clear glass on the spots. Do they fade? No, they stay" in lines
    assert "   1  Feeling ill: Is any of this so? I don't know: Fever in the last 2 days?" in lines
    assert any(line.startswith("all ") for line in lines)
    assert lines[-1] == "The budget of the ruleset is a median of 4 screens."
    assert "bites" not in "\n".join(as_text(data, only_failed=True))
    data["interviews"][1] |= {"audience": "clinician"}
    assert any(
        line.endswith(": A man of 40 with a fever, whose spots stay (a clinician answers)") for line in as_text(data)
    )


def found(evaluator: Evaluator, planner: Planner, people: list[Persona], seed: int) -> Iterator[tuple[Any, int]]:
    search = search_longest(evaluator.ruleset, planner, [(p.audience, p.truth) for p in people], Random(seed))
    yield from ((person, conversation.screens) for person, conversation in search)


def test_the_search_finds_the_longest_interview_from_any_start_and_the_same_by_the_same_seed(
    evaluator: Evaluator, planner: Planner, personas: dict[str, Persona]
) -> None:
    people = [Random(seed) for seed in range(200)]
    most = max(
        run_persona(
            evaluator,
            planner,
            replace(personas["bites"], truth=random_person(evaluator.ruleset, random, usual=0.5)),
        ).conversation.screens
        for random in people
    )
    for start in ([], [personas["feverish"]]):
        steps = list(islice(found(evaluator, planner, start, 1), 150))
        assert steps == list(islice(found(evaluator, planner, start, 1), 150))
        lengths = [screens for _, screens in steps]
        assert lengths == sorted(lengths)
        assert lengths[-1] == most > 2


def test_the_search_interviews_the_given_people_first(
    evaluator: Evaluator, planner: Planner, personas: dict[str, Persona]
) -> None:
    (first, second) = islice(found(evaluator, planner, [personas["feverish"], personas["bites"]], 1), 2)
    assert first[0] == (Audience.PATIENT, personas["feverish"].truth)
    assert second[0] == (Audience.PATIENT, personas["bites"].truth)
