"""The result as others read it: its shape, its texts, its times, and what it says when the evaluators differ."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from tests import golden
from tests.support.rulesets.generated import DIGEST, make_report, make_ruleset
from tests.support.shares import examples
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.evaluation.result import ENGINE_DISAGREEMENT, HUMAN_REVIEW_NOW, Identity, failed_result
from triage_rules.evaluation.signals import Numbering, Rails
from triage_rules.language.model import Answers, Audience, Level, RuleOutcome, Ruleset
from triage_rules.language.reading import read_ruleset
from triage_rules.records.reports import History

RECEIVED, EVALUATED = 1_795_000_000_000, 1_795_000_000_250
SICK: Answers = {
    "age_years": 4,
    "temperature_c": 38.5,
    "fever_reported": False,
    "blanches_on_pressure": "does_not_blanch",
    "itchy": False,
    "free_text": "She has a STIFF  neck.",
}
WELL: Answers = {
    "age_years": 30,
    "temperature_c": 36.8,
    "fever_reported": False,
    "blanches_on_pressure": "blanches",
    "itchy": True,
    "drowsy": False,
    "injury": False,
    "free_text": "",
}


@pytest.fixture(scope="module")
def spots() -> Ruleset:
    return read_ruleset(golden.GOLDEN / "spots")


def evaluated(
    ruleset: Ruleset, findings: Answers, history: History | None = None, audience: Audience = Audience.PATIENT
) -> dict[str, Any]:
    return Evaluator(ruleset, DIGEST).evaluate(
        findings,
        history or History(),
        report_id="r-1",
        received_ms=RECEIVED,
        evaluated_ms=EVALUATED,
        audience=audience,
    )


# --- shape ----------------------------------------------------------------------------------


def test_a_whole_result_is_what_the_golden_file_says(spots: Ruleset) -> None:
    result = evaluated(spots, SICK, History(3, Level.MONITOR))
    golden.check("spots/result.json", json.dumps(result, ensure_ascii=False, indent=2) + "\n")


def test_a_result_has_every_field_that_others_rely_on(spots: Ruleset) -> None:
    wanted = {
        *("id", "ruleset", "level", "disposition", "act_within_minutes", "valid_until", "could_be", "determined"),
        *("ask", "rules", "inferences", "missing", "conflicts", "flags", "advice", "received_at", "evaluated_at"),
    }
    failed = failed_result(Identity("r-1", "spots", "1.2.0", DIGEST, RECEIVED, EVALUATED), "engine_failed")
    for result in (evaluated(spots, SICK), evaluated(spots, {}), failed):
        assert wanted <= result.keys()
        assert {"name", "version", "digest"} <= result["ruleset"].keys()
        assert result["advice"].keys() == {"patient", "clinician"}


def test_a_result_names_the_report_the_ruleset_and_the_times(spots: Ruleset) -> None:
    result = evaluated(spots, WELL)
    assert result["id"] == "r-1"
    assert result["ruleset"] == {"name": "spots", "version": "1.2.0", "digest": DIGEST, "approved_by": None}
    assert result["received_at"] == "2026-11-18T11:06:40.000Z"
    assert result["evaluated_at"] == "2026-11-18T11:06:40.250Z"


def test_a_result_is_plain_json() -> None:
    for seed in range(50):
        random = Random(seed)
        ruleset = make_ruleset(random)
        answers, history = make_report(random, ruleset)
        result = evaluated(ruleset, answers, history)
        assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_no_text_of_the_patient_is_in_a_result(spots: Ruleset) -> None:
    """What a text mentions is told, what it says is not."""
    result = evaluated(spots, {**SICK, "free_text": "stiff neck, says Eleonora"})
    assert "R20" in {rule["id"] for rule in result["rules"]}
    assert "Eleonora" not in json.dumps(result)


def test_rules_and_floors_stand_most_urgent_first() -> None:
    order = ["urgent", "monitor", "routine", None]
    for seed in range(examples(30, 100)):
        random = Random(seed)
        ruleset = make_ruleset(random)
        result = evaluated(ruleset, *make_report(random, ruleset))
        for fired in (result["rules"], result["safety_net"]):
            places = [order.index(rule.get("level")) for rule in fired]
            assert places == sorted(places)


def test_a_rule_that_fired_names_what_it_rests_on(spots: Ruleset) -> None:
    fired = {rule["id"]: rule for rule in evaluated(spots, SICK)["rules"]}
    assert fired["R08"]["because"] == ["nonblanching", "febrile", "child"]
    assert fired["R08"]["disposition"] == "U2_emergency_dept_now"
    assert fired["R08"]["source"] == "Kohlmaier 2023"


def test_inferences_are_the_established_ones_with_what_they_rest_on(spots: Ruleset) -> None:
    inferences = evaluated(spots, SICK)["inferences"]
    assert inferences["febrile"] == {"says": "Has or had a fever", "because": {"temperature_c": 38.5}}
    assert inferences["suspected_imd"]["because"] == {"nonblanching": True, "febrile": True}
    assert "explained" not in inferences


def test_answers_that_contradict_each_other_are_told(spots: Ruleset) -> None:
    assert [conflict["id"] for conflict in evaluated(spots, SICK)["conflicts"]] == ["C01"]
    assert evaluated(spots, WELL)["conflicts"] == []


# --- times ----------------------------------------------------------------------------------


def test_a_result_expires_sooner_unless_that_is_ruled_out(spots: Ruleset) -> None:
    """Four hours for a child or with a fever, and for whoever may be one or have one."""
    assert evaluated(spots, WELL)["valid_until"] == "2026-11-19T11:06:40.000Z"
    for sooner in ({**WELL, "age_years": 4}, {**WELL, "temperature_c": 38}, {}, {"age_years": 30}):
        assert evaluated(spots, sooner)["valid_until"] == "2026-11-18T15:06:40.000Z"


def test_without_a_sooner_time_the_one_time_holds(spots: Ruleset) -> None:
    once = replace(spots, validity=replace(spots.validity, sooner=None, sooner_minutes=None))
    assert evaluated(once, {})["valid_until"] == "2026-11-19T11:06:40.000Z"


# --- flags and advice -----------------------------------------------------------------------


def test_flags_are_those_of_what_fired_and_of_the_default_while_no_rule_did(spots: Ruleset) -> None:
    assert evaluated(spots, SICK)["flags"] == ["isolation_check"]
    assert evaluated(spots, {})["flags"] == ["no_rule_matched", "data_insufficient"]
    assert evaluated(spots, WELL)["flags"] == []


def test_advice_gives_the_reasons_of_the_level_and_no_lesser_ones(spots: Ruleset) -> None:
    result = evaluated(spots, SICK)
    assert result["level"] == "urgent"
    for text in result["advice"].values():
        assert "can mean a serious infection" in text
        assert "no harmless explanation" not in text
    assert result["advice"]["patient"].startswith("Go to an emergency department now.")
    assert result["advice"]["patient"].endswith("Do the glass test again in 4 hours.")
    assert "Red feature." in result["advice"]["clinician"]
    assert "Red feature." not in result["advice"]["patient"]


def test_nothing_established_says_so_in_the_advice(spots: Ruleset) -> None:
    advice = evaluated(spots, {"itchy": False})["advice"]
    assert "No rule matched these answers" in advice["patient"]
    assert "No rule matched these answers" in advice["clinician"]


def test_advice_says_that_no_clinician_has_approved_the_ruleset(spots: Ruleset) -> None:
    assert "No clinician has approved this ruleset." in evaluated(spots, SICK)["advice"]["clinician"]
    approved = replace(spots, approved_by="Dr. A. Physician")
    assert "No clinician has approved" not in evaluated(approved, SICK)["advice"]["clinician"]


SAFEGUARDING: Answers = {**WELL, "itchy": False, "injury": True, "explanation_inconsistent": True}


def test_a_clinician_only_reason_never_reaches_the_patient(spots: Ruleset) -> None:
    result = evaluated(spots, SAFEGUARDING)
    (rule,) = [rule for rule in result["rules"] if rule["id"] == "R60"]
    assert rule["audience"] == "clinician"
    assert "safeguarding" in result["advice"]["clinician"]
    assert "safeguarding" not in result["advice"]["patient"]
    assert "explanation" not in result["advice"]["patient"]


def test_no_clinician_only_reason_of_made_rulesets_reaches_the_patient() -> None:
    kept_back = told = 0
    for seed in range(examples(60, 200)):
        random = Random(seed)
        ruleset = make_ruleset(random)
        result = evaluated(ruleset, *make_report(random, ruleset))
        patient = result["advice"]["patient"].split("\n\n")
        for rule in result["rules"]:
            at_level = rule["level"] == result["level"]
            secret = ruleset.rules[rule["id"]].clinician_only
            assert (rule.get("audience") == "clinician") == secret
            assert (rule["text"] in patient) == (at_level and not secret)
            kept_back, told = kept_back + (at_level and secret), told + (at_level and not secret)
    assert kept_back > examples(3, 10)
    assert told > examples(30, 100)


def test_a_question_for_a_clinician_says_so(spots: Ruleset) -> None:
    rule = replace(spots.rules["R60"], outcomes=(RuleOutcome("U2_emergency_dept_now"),))
    ruleset = replace(spots, rules={**spots.rules, "R60": rule})
    result = evaluated(ruleset, {"injury": True}, audience=Audience.CLINICIAN)
    asked = {question["finding"]: question.get("audience") for question in result["ask"]}
    assert asked["explanation_inconsistent"] == "clinician"
    assert set(asked.values()) == {None, "clinician"}


def test_a_patient_is_not_asked_what_only_a_clinician_can_answer(spots: Ruleset) -> None:
    rule = replace(spots.rules["R60"], outcomes=(RuleOutcome("U2_emergency_dept_now"),))
    result = evaluated(replace(spots, rules={**spots.rules, "R60": rule}), {"injury": True})
    assert "explanation_inconsistent" not in {question["finding"] for question in result["ask"]}
    elsewhere = {question["finding"]: question["audience"] for question in result["open_elsewhere"]}
    assert elsewhere["explanation_inconsistent"] == "clinician"


def test_a_question_says_how_far_its_answer_could_raise_or_lower(spots: Ruleset) -> None:
    without = {name: value for name, value in WELL.items() if name != "itchy"}
    asked = {question["finding"]: question for question in evaluated(spots, without)["ask"]}
    assert asked["itchy"]["could_lower_to"] == "routine"
    assert asked["itchy"]["could_raise_to"] is None


# --- a failure ------------------------------------------------------------------------------


def test_a_failed_evaluation_has_no_level_and_wants_a_human_now(spots: Ruleset) -> None:
    """It is never routine, nothing is known of what could be, and it is not to be relied on for a minute."""
    identity = Identity("r-1", spots.name, spots.version, DIGEST, RECEIVED, EVALUATED)
    result = failed_result(identity, "engine_failed")
    assert result["level"] is None
    assert result["flags"] == [HUMAN_REVIEW_NOW]
    assert result["act_within_minutes"] == 0
    assert result["could_be"] == "urgent"
    assert result["determined"] is False
    assert result["valid_until"] == result["received_at"]
    assert result["failure"] == "engine_failed"
    assert result["status"] == "dead"


# --- the second opinion ---------------------------------------------------------------------


def differing(ruleset: Ruleset, findings: Answers, lie: Callable[[Rails], Rails]) -> tuple[dict[str, Any], int]:
    """The result if the engine's rails are turned into others; and how often the alarm was called."""
    alarms: list[None] = []
    evaluator = Evaluator(ruleset, DIGEST, alarm=lambda: alarms.append(None))
    run, numbering = evaluator._run, Numbering(ruleset)
    evaluator._run = lambda facts: numbering.masks(lie(numbering.rails(run(facts))))  # type: ignore[method-assign]
    result = evaluator.evaluate(findings, History(), report_id="r-1", received_ms=RECEIVED, evaluated_ms=EVALUATED)
    return result, len(alarms)


def test_evaluators_that_agree_raise_no_alarm(spots: Ruleset) -> None:
    result, alarms = differing(spots, SICK, lambda rails: rails)
    assert alarms == 0
    assert ENGINE_DISAGREEMENT not in result["flags"]


def test_an_engine_that_loses_a_rule_does_not_lower_the_level(spots: Ruleset) -> None:
    lost = frozenset({"R08", "R08+1", "R20"})
    result, alarms = differing(spots, SICK, lambda r: Rails(r.established - lost, r.possible - lost, r.certain - lost))
    assert alarms == 1
    assert result["level"] == "urgent"
    assert {"R08", "R20"} <= {rule["id"] for rule in result["rules"]}
    assert ENGINE_DISAGREEMENT in result["flags"]
    assert result["determined"] is False


def test_an_engine_that_makes_up_a_rule_raises_the_level(spots: Ruleset) -> None:
    """Which of the two is wrong is not known, so the higher one counts."""
    more = frozenset({"R08", "R08+1"})
    result, alarms = differing(spots, WELL, lambda r: Rails(r.established | more, r.possible | more, r.certain | more))
    assert alarms == 1
    assert result["level"] == "urgent"
    assert ENGINE_DISAGREEMENT in result["flags"]


def test_at_one_level_the_more_urgent_disposition_counts(spots: Ruleset) -> None:
    more = frozenset({"R08+2"})
    result, _ = differing(spots, SICK, lambda r: Rails(r.established | more, r.possible | more, r.certain))
    assert result["disposition"] == "U1_call_ambulance"


def test_what_only_one_of_them_thinks_possible_is_possible(spots: Ruleset) -> None:
    """Also if the other one has the higher level now: could_be is never too low."""
    findings: Answers = {"age_years": 30, "temperature_c": 36.8, "itchy": True}
    honest = evaluated(spots, findings)
    assert honest["could_be"] == "urgent"
    result, alarms = differing(spots, findings, lambda r: Rails(r.established | {"R30"}, frozenset({"R30"}), r.certain))
    assert alarms == 1
    assert result["could_be"] == "urgent"
    assert [rule["id"] for rule in result["rules"]] == ["R30"]


@pytest.mark.parametrize("rail", ["established", "possible", "certain"])
def test_a_difference_on_any_rail_is_a_disagreement(spots: Ruleset, rail: str) -> None:
    result, alarms = differing(spots, {}, lambda rails: replace(rails, **{rail: getattr(rails, rail) ^ {"R30"}}))
    assert alarms == 1
    assert ENGINE_DISAGREEMENT in result["flags"]
    assert result["determined"] is False


def test_a_disagreement_is_never_determined_even_if_it_is_about_no_level(spots: Ruleset) -> None:
    """An engine that is wrong about one thing may be wrong about the next."""
    settled = {**SICK, "drowsy": False}
    assert evaluated(spots, settled)["determined"] is True
    result, _ = differing(spots, settled, lambda rails: replace(rails, established=rails.established ^ {"C01"}))
    assert result["level"] == "urgent"
    assert result["determined"] is False


def test_without_a_second_opinion_the_engine_alone_decides(spots: Ruleset) -> None:
    evaluator = Evaluator(spots, DIGEST, second_opinion=False, alarm=lambda: pytest.fail("an alarm"))
    result = evaluator.evaluate(SICK, History(), report_id="r-1", received_ms=RECEIVED, evaluated_ms=EVALUATED)
    assert result == evaluated(spots, SICK)


def test_no_made_lie_ever_lowers_the_level() -> None:
    """Whatever the engine answers, the level is at least what the reference says, and so is what could be."""
    for seed in range(examples(40, 150)):
        random = Random(seed)
        ruleset = make_ruleset(random)
        answers, _ = make_report(random, ruleset)
        honest = evaluated(ruleset, answers)

        def lie(rails: Rails, random: Random = random) -> Rails:
            keys = sorted(rails.established | rails.possible)
            kept = frozenset(key for key in keys if random.random() < 0.6)
            return Rails(kept, *(frozenset(key for key in keys if random.random() < share) for share in (0.6, 0.3)))

        result, _ = differing(ruleset, answers, lie)
        assert Level.of(honest["level"]) <= Level.of(result["level"]) <= Level.of(result["could_be"])
        assert Level.of(result["could_be"]) >= Level.of(honest["could_be"])
