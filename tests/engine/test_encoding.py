"""The solver's formulas are a third reading of the rule language, and say what the evaluators say."""

from __future__ import annotations

import itertools
import runpy
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from tests.support.oracles import encoding_agreement
from tests.support.oracles.encoding_agreement import brute_force_differences, disagreements, small_ruleset
from tests.support.rulesets import repository
from tests.support.rulesets.generated import DIGEST
from tests.support.shares import examples, some_of
from triage_rules.assurance.solver.answers import first_above, first_at_least
from triage_rules.assurance.solver.encoding import Encoding
from triage_rules.assurance.solver.report_of_model import plain_number
from triage_rules.assurance.solver.solver import Budget, GaveUp, Model, NoReport, Solver
from triage_rules.assurance.solver.witness import EncoderBugError, Witness, Witnesses, claims, hold_against
from triage_rules.evaluation.answers import read_answers
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.language.model import Compare, Inferred, InputKind, Level, Mention, Not, Op, Ruleset, Yes
from triage_rules.language.reading import parse_ruleset, read_ruleset

RED_DOTS = Path(__file__).parents[2] / "rulesets" / "red-dots"
CAMPAIGN = Path(__file__).parents[1] / "campaigns" / "analysis.py"

HEAD = """
ruleset: fever
language: 1
version: 1.0.0
title: Fever
description: A small one.
owner: us
review_by: 2030-01-01
approved_by: null
approved_on: null
dispositions:
  U1: {level: urgent, act_within_minutes: 0, title: now, patient: Go now., clinician: Now.}
  M1: {level: monitor, act_within_minutes: 60, title: soon, patient: Call., clinician: Call.}
  R1: {level: routine, act_within_minutes: null, title: home, patient: Rest., clinician: Rest.}
default: {disposition: M1, reason: Nothing matched.}
validity: {minutes: 60}
always: {patient: Take care., clinician: A draft.}
"""
FEVER = """
inputs:
  age_years: {type: integer, group: person, minimum: 0, maximum: 120, question: Age?}
  temperature_c: {type: number, group: illness, minimum: 30, maximum: 43, question: Temperature?}
  spots:
    {type: choice, group: spots, question: Spots?, choices: {few: Few, many: Many, not_seen: {label: Not looked, means_open: true}}}
  hurt: {type: yes_no, group: other, question: Hurt by somebody?}
  note: {type: text, group: other, max_length: 40, question: Anything else?}
  reports_last_48h: {type: integer, group: service, asked_of: service, minimum: 0, question: counted}
mentions:
  neck: {text: note, phrases: [Stiff  Neck], says: mentions the neck}
  body: {text: note, phrases: [neck, back], says: mentions a part of the body}
rules:
  R1:
    {title: Fever, when: {temperature_c: {at_least: 38}}, disposition: U1, reason: A fever., source: {text: made, marks: []}}
  R2:
    {title: Safe, when: hurt, disposition: U1, reason: Somebody hurt them., clinician_only: true, source: {text: made, marks: []}}
  R3:
    {title: Home, when: {all: [{not: hurt}, {spots: {is: few}}]}, disposition: R1, reason: All well., source: {text: made, marks: []}}
  R4:
    {title: Words, when: {all: [neck, body]}, disposition: U1, reason: The words., source: {text: made, marks: []}}
safety_net:
  S1:
    {title: Again, when: {reports_last_48h: {at_least: 2}}, raise_one: {monitor: M1, urgent: U1}, reason: Again., source: {text: made, marks: []}}
"""


@cache
def fever() -> Ruleset:
    return parse_ruleset((HEAD + FEVER).encode(), "ruleset.yaml")


def only(witness: Witness | NoReport | GaveUp) -> Witness:
    assert isinstance(witness, Witness)
    return witness


# --- against the evaluators and against every report ---


def test_the_formulas_say_what_engine_and_reference_say() -> None:
    """Five reports each, one of them empty; three rails, three values, level, disposition, could_be, determined, advice."""
    told = [f"seed {seed}, {difference}" for seed in range(examples(5, 20)) for difference in disagreements(seed)]
    assert told == []


def test_a_report_is_found_if_and_only_if_there_is_one_and_none_is_smaller() -> None:
    """Small rulesets, each level with each outcome; brute force looks at every report."""
    small = ((seed, made) for seed in itertools.count(1000) if (made := small_ruleset(seed)) is not None)
    told = [
        f"seed {seed}, {difference}"
        for seed, made in itertools.islice(small, examples(5, 20))
        for difference in brute_force_differences(made)
    ]
    assert told == []


@pytest.mark.parametrize(
    ("method", "lie"),
    [
        ("_translate_leaf_for_good", lambda self, condition: self._translate_leaf(condition)),
        ("_may_fall_to_default", lambda self: self.by_default()),
        ("_some_floor_raises", lambda self, _: self.logic.false),
        ("implied", lambda self, _: self.logic.false),
    ],
)
def test_an_encoder_that_reads_the_language_wrongly_is_found_out(
    monkeypatch: pytest.MonkeyPatch, method: str, lie: object
) -> None:
    """An agreement that can't fail proves nothing."""
    monkeypatch.setattr(Encoding, method, lie)
    assert any(True for seed in range(200) for _ in disagreements(seed))


def test_brute_force_finds_a_solver_that_knows_too_little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding_agreement.brute_force, "level", lambda *_: Level.MONITOR)
    small = (made for seed in itertools.count() if (made := small_ruleset(seed)) is not None)
    assert any(True for made in itertools.islice(small, 20) for _ in brute_force_differences(made))


def test_cases_of_red_dots_come_out_as_the_formulas_say() -> None:
    ruleset = repository.ruleset(RED_DOTS)
    encoding, evaluator = Encoding(ruleset), Evaluator(ruleset, DIGEST)
    witnesses = Witnesses(Solver(encoding), [evaluator])
    cases = some_of([case for case in repository.cases(RED_DOTS) if "refused" not in case.expect][::20], 12)
    for case in cases:
        findings = read_answers(ruleset, case.answers)
        model = witnesses.solver.find(encoding.says(findings, case.history))
        assert isinstance(model, Model), case.id
        witness = witnesses.replayed(model)
        assert isinstance(witness, Witness)
        assert witness.result["level"] == case.expect["level"], case.id
    assert len(cases) >= examples(12, 40)


def test_the_campaign_ends_well_and_fails_on_a_difference(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert campaign(monkeypatch, "3") == 0
    assert "3 rulesets and 3 small ones, 0 differences" in capsys.readouterr().out
    monkeypatch.setattr(encoding_agreement, "Decider", None)
    monkeypatch.setattr(encoding_agreement, "disagreements", lambda _: iter(["a lie"]))
    assert campaign(monkeypatch, "1") == 1
    assert "seed 0, a lie" in capsys.readouterr().out


def campaign(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The script's exit status."""
    monkeypatch.setattr(sys, "argv", [str(CAMPAIGN), *arguments])
    monkeypatch.setattr(sys, "path", [*sys.path])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(CAMPAIGN), run_name="__main__")
    return int(ended.value.code or 0)


# --- witnesses ---


def test_the_smallest_witness_has_one_answer_in_round_numbers_and_is_replayed() -> None:
    encoding = Encoding(fever())
    witness = only(Witnesses(Solver(encoding)).smallest(encoding.established("R1")))
    assert witness.answers == {"temperature_c": 38}
    assert witness.fewest
    assert witness.result["level"] == "urgent"
    assert witness.describe(fever()) == ["Temperature? 38"]


def test_what_is_to_be_kept_is_answered_and_the_rest_left_out() -> None:
    encoding = Encoding(fever())
    witness = only(Witnesses(Solver(encoding)).smallest(encoding.established("R1"), keep=["age_years"]))
    assert set(witness.answers) == {"age_years", "temperature_c"}


def test_history_is_counted_only_where_it_is_needed() -> None:
    encoding = Encoding(fever())
    witnesses = Witnesses(Solver(encoding))
    assert only(witnesses.smallest(encoding.level_is(Level.MONITOR))).history.reports_last_48h == 0
    raised = only(witnesses.smallest(encoding.level_is(Level.URGENT), encoding.by_default()))
    assert raised.answers == {}
    assert raised.history.reports_last_48h == 2
    assert raised.describe(fever()) == ["Earlier reports in the last 48 hours: 2"]


def test_a_text_mentions_what_it_must_and_nothing_else() -> None:
    """`Stiff Neck` holds `neck`, so a text with the first has the second; `back` can stand alone."""
    encoding = Encoding(fever())
    witnesses = Witnesses(Solver(encoding))
    assert only(witnesses.smallest(encoding.established("R4"))).answers == {"note": "stiff neck"}
    neck, body = Yes("neck"), Yes("body")
    assert witnesses.smallest(encoding.true(neck), encoding.false(body)) == NoReport()
    without = only(witnesses.smallest(encoding.false(neck), encoding.true(body)))
    assert without.answers == {"note": "back"}
    assert only(witnesses.smallest(encoding.false(neck), encoding.false(body))).answers == {"note": "nothing else"}


def test_a_text_that_must_say_unknown_still_answers_its_question() -> None:
    unknown = replace(fever(), mentions={"m": Mention("m", "note", ("Unknown",), "says")}, rules={}, inferences={})
    encoding = Encoding(unknown)
    assert only(Witnesses(Solver(encoding)).smallest(encoding.true(Yes("m")))).answers == {"note": "unknown."}


def test_phrases_that_make_another_one_together_are_kept_apart() -> None:
    phrases = {"one": "aa", "two": "bb", "both": "aa. bb"}
    mentions = {name: Mention(name, "note", (phrase,), "says") for name, phrase in phrases.items()}
    encoding = Encoding(replace(fever(), mentions=mentions, rules={}, inferences={}))
    one, two, both = (Yes(name) for name in phrases)
    found = Witnesses(Solver(encoding)).smallest(encoding.true(one), encoding.true(two), encoding.false(both))
    assert only(found).answers == {"note": "aa / bb"}


def test_a_text_that_would_be_too_long_is_no_witness_and_no_proof() -> None:
    long = replace(fever(), mentions={"m": Mention("m", "note", ("x" * 41,), "says")}, rules={}, inferences={})
    encoding = Encoding(long)
    found = Witnesses(Solver(encoding)).smallest(encoding.true(Yes("m")))
    assert isinstance(found, GaveUp)
    assert "40 characters" in found.why


def test_a_witness_that_the_product_contradicts_is_never_shown() -> None:
    """The evaluator of another ruleset stands for an encoder that is wrong."""
    encoding = Encoding(fever())
    other = replace(fever(), rules={name: rule for name, rule in fever().rules.items() if name != "R1"})
    witnesses = Witnesses(Solver(encoding), [Evaluator(other, DIGEST)])
    with pytest.raises(EncoderBugError):
        witnesses.smallest(encoding.established("R1"))


def test_a_report_on_which_the_evaluators_differ_is_no_witness() -> None:
    encoding = Encoding(fever())
    witness = only(Witnesses(Solver(encoding)).smallest(encoding.established("R1")))
    solver = Solver(encoding)
    model = solver.find(encoding.established("R1"))
    assert isinstance(model, Model)
    with pytest.raises(EncoderBugError, match="differ"):
        hold_against({**witness.result, "flags": ["engine_disagreement"]}, claims(encoding), model)


# --- relevance ---

GATED = """
inputs:
  age_years: {type: integer, group: person, minimum: 0, maximum: 120, question: Age?}
  pregnant: {type: yes_no, group: person, question: Pregnant?, relevant: {when: {age_years: {at_least: 10}}, otherwise: false}}
  weeks:
    {type: integer, group: person, minimum: 0, maximum: 45, question: Weeks?, relevant: {when: pregnant, otherwise: 0}}
  note: {type: yes_no, group: person, question: A note?, relevant: {when: pregnant}}
rules:
  R1: {title: Early, when: {weeks: {less_than: 12}}, disposition: R1, reason: Early., source: {text: made, marks: []}}
  R2: {title: Open, when: {open: note}, disposition: M1, reason: Open., source: {text: made, marks: []}}
  R3: {title: Late, when: {weeks: {at_least: 12}}, disposition: U1, reason: Late., source: {text: made, marks: []}}
"""


@cache
def gated() -> Ruleset:
    return parse_ruleset((HEAD + GATED).encode(), "ruleset.yaml")


def test_a_witness_leaves_out_the_answers_that_relevance_implies() -> None:
    """The age implies no pregnancy, and that implies 0 weeks."""
    encoding = Encoding(gated())
    witness = only(Witnesses(Solver(encoding)).smallest(encoding.established("R1"), encoding.answered("pregnant")))
    assert witness.answers == {"age_years": 9}
    implied = {entry["finding"]: entry["taken_as"] for entry in witness.result["irrelevant"]}
    assert implied == {"pregnant": False, "weeks": 0}


def test_an_explicit_answer_beats_relevance() -> None:
    encoding = Encoding(gated())
    child = encoding.answers.compares(gated().inputs["age_years"], Op.LESS_THAN, 10)[0]
    witness = only(Witnesses(Solver(encoding)).smallest(child, encoding.established("R3")))
    assert witness.answers == {"age_years": 9, "weeks": 12}
    assert witness.result["level"] == "urgent"


def test_without_an_implied_answer_an_irrelevant_question_stays_open() -> None:
    encoding = Encoding(gated())
    witnesses = Witnesses(Solver(encoding))
    ruled_out = encoding.false(Yes("pregnant"))
    witness = only(witnesses.smallest(ruled_out, encoding.established("R2")))
    assert "R2" in {rule["id"] for rule in witness.result["rules"]}
    assert "note" not in {entry["finding"] for entry in witness.result["irrelevant"]}
    assert witnesses.smallest(encoding.implied("note")) == NoReport()


def test_each_of_two_reports_implies_its_own_answers() -> None:
    """Only the age differs, and with it what follows from it."""
    first = Encoding(gated())
    second = Encoding(gated(), sharing=first, but=["age_years"])
    witness = only(Witnesses(Solver(first, second)).smallest(first.implied("pregnant"), second.is_open("pregnant")))
    assert [answers for answers, _ in witness.reports] == [{"age_years": 9}, {}]
    assert [len(result["irrelevant"]) for result in witness.results] == [2, 0]


# --- what is asked ---


def test_safeguarding_words_are_proved_never_to_reach_the_patient() -> None:
    encoding = Encoding(fever())
    witnesses = Witnesses(Solver(encoding))
    assert witnesses.smallest(encoding.patient_reads("Somebody hurt")) == NoReport()
    assert only(witnesses.smallest(encoding.clinician_reads("Somebody hurt"))).answers == {"hurt": True}
    assert only(witnesses.smallest(encoding.patient_reads("A fever"))).answers == {"temperature_c": 38}


def test_numbers_are_bounded_as_reading_bounds_them_and_have_no_gaps() -> None:
    encoding = Encoding(fever())
    solver = Solver(encoding)
    hot, years = Compare("temperature_c", Op.MORE_THAN, 43), Compare("age_years", Op.MORE_THAN, 15)
    assert solver.find(encoding.true(hot)) == NoReport()
    below_16 = Compare("age_years", Op.LESS_THAN, 16)
    assert solver.find(encoding.true(years), encoding.true(below_16)) == NoReport()
    between = [Compare("temperature_c", Op.MORE_THAN, 37.9), Compare("temperature_c", Op.LESS_THAN, 38)]
    witness = only(Witnesses(solver).smallest(*map(encoding.true, between)))
    assert witness.answers == {"temperature_c": 37.91}


def test_a_choice_that_means_open_leaves_the_finding_open() -> None:
    encoding = Encoding(fever())
    assert isinstance(Solver(encoding).find(encoding.is_open("spots")), Model)
    assert only(Witnesses(Solver(encoding)).smallest(encoding.answered("spots"))).answers["spots"] in {"few", "many"}


def test_no_condition_is_ever_both_true_and_false() -> None:
    encoding = Encoding(repository.ruleset(RED_DOTS))
    solver = Solver(encoding)
    for name in encoding.ruleset.inferences:
        both = (encoding.true(Inferred(name)), encoding.true(Not(Inferred(name))))
        assert solver.find(*both) == NoReport()


def test_two_versions_are_asked_about_one_report() -> None:
    """A threshold moved by half a degree: the difference is the half degree, and both are replayed."""
    moved = parse_ruleset((HEAD + FEVER.replace("at_least: 38", "at_least: 38.5")).encode(), "ruleset.yaml")
    old = Encoding(fever())
    new = Encoding(moved, sharing=old)
    witnesses = Witnesses(Solver(old, new))
    urgent = Level.URGENT
    lowered = [old.level_at_least(urgent), new.logic.opposite(new.level_at_least(urgent))]
    witness = only(witnesses.smallest(*lowered))
    assert witness.answers == {"temperature_c": 38}
    assert [result["level"] for result in witness.results] == ["urgent", "monitor"]
    raised = [new.level_at_least(urgent), old.logic.opposite(old.level_at_least(urgent))]
    assert witnesses.smallest(*raised) == NoReport()


def test_what_only_one_version_asks_is_open_to_the_other() -> None:
    without = FEVER.replace("{all: [{not: hurt}, {spots: {is: few}}]}", "{not: hurt}").replace(
        "  spots:\n    {type: choice, group: spots, question: Spots?, choices: {few: Few, many: Many, "
        "not_seen: {label: Not looked, means_open: true}}}\n",
        "",
    )
    old = Encoding(fever())
    new = Encoding(parse_ruleset((HEAD + without).encode(), "ruleset.yaml"), sharing=old)
    witness = only(Witnesses(Solver(old, new)).smallest(old.fired("R3"), new.fired("R3")))
    assert witness.answers == {"spots": "few", "hurt": False}
    assert "spots" not in new.ruleset.inputs


def test_the_same_ruleset_twice_makes_the_same_formulas() -> None:
    """What a mutant leaves as it was costs nothing and needs no proof."""
    first = Encoding(fever())
    second = Encoding(replace(fever()), sharing=first)
    assert all(first.level_is(level).eq(second.level_is(level)) for level in Level)


def test_a_second_report_may_differ_in_the_named_answers_alone() -> None:
    """What the rest of the two reports says is one and the same; each has its own result."""
    first = Encoding(fever())
    second = Encoding(fever(), sharing=first, but=["hurt"])
    witnesses = Witnesses(Solver(first, second))
    lowered = [first.level_is(Level.URGENT), second.level_is(Level.ROUTINE)]
    witness = only(witnesses.smallest(*lowered))
    assert [findings for findings, _ in witness.reports] == [
        {"spots": "few", "hurt": True},
        {"spots": "few", "hurt": False},
    ]
    assert witness.answers == witness.reports[0][0]
    assert [result["level"] for result in witness.results] == ["urgent", "routine"]
    hot = first.answers.compares(fever().inputs["temperature_c"], Op.AT_LEAST, 38)[0]
    assert second.answers.compares(fever().inputs["temperature_c"], Op.AT_LEAST, 38)[0].eq(hot)
    assert witnesses.smallest(*lowered, hot) == NoReport()


def test_words_are_looked_for_as_phrases_are_and_the_missing_approval_is_read() -> None:
    encoding = Encoding(fever())
    assert encoding.clinician_reads("no clinician has  APPROVED").eq(encoding.logic.true)
    assert encoding.patient_reads("no clinician has approved").eq(encoding.logic.false)
    assert encoding.patient_reads("a FEVER").eq(encoding.patient_reads("A fever"))


def test_earlier_reports_that_are_needed_are_in_the_witness_though_nothing_else_is() -> None:
    encoding = Encoding(fever())
    witness = only(Witnesses(Solver(encoding)).smallest(encoding.established("S1")))
    assert (witness.answers, witness.history.reports_last_48h) == ({}, 2)


# --- time ---


def test_no_time_left_is_said_and_is_no_proof() -> None:
    encoding = Encoding(fever())
    solver = Solver(encoding, budget=Budget(0))
    assert solver.find(encoding.established("R1")) == GaveUp()
    assert Witnesses(solver).smallest(encoding.established("R1")) == GaveUp()


def test_a_question_that_takes_too_long_ends_in_giving_up() -> None:
    """More pigeons than holes: known to be out of reach of such solvers."""
    encoding = Encoding(fever())
    logic, holes = encoding.logic, 11
    sits = [[logic.variable(f"{pigeon} in {hole}") for hole in range(holes)] for pigeon in range(holes + 1)]
    placed = [logic.any_of(row) for row in sits]
    apart = [
        logic.any_of([logic.opposite(one[hole]), logic.opposite(other[hole])])
        for hole in range(holes)
        for one, other in itertools.combinations(sits, 2)
    ]
    solver = Solver(encoding, query_seconds=0.2)
    assert solver.find(logic.all_of([*placed, *apart])) == GaveUp()


def test_a_model_tells_only_of_what_the_solver_was_told() -> None:
    encoding = Encoding(fever())
    solver = Solver(encoding)
    model = solver.find(encoding.established("R1"))
    assert isinstance(model, Model)
    with pytest.raises(LookupError):
        model.holds(encoding.level_is(Level.URGENT))
    solver.watch(encoding.level_is(Level.URGENT))
    with pytest.raises(LookupError):
        model.holds(encoding.level_is(Level.URGENT))


@pytest.mark.usefixtures("fresh_readings")
def test_the_same_questions_get_the_same_answers() -> None:
    def answers() -> list[dict[str, object]]:
        encoding = Encoding(read_ruleset(RED_DOTS))
        witnesses = Witnesses(Solver(encoding))
        return [only(witnesses.smallest(encoding.established(rule))).answers for rule in ("R08", "R34", "R62")]

    assert answers() == answers()


# --- numbers ---


@pytest.mark.parametrize(
    ("low", "end", "downwards", "plain"),
    [
        (38.0, 43.0, False, 38),
        (first_above(InputKind.NUMBER, 38), 39.5, False, 39),
        (first_above(InputKind.NUMBER, 38), 38.5, False, 38.1),
        (37.95, 37.96, False, 37.95),
        (30.0, 38.0, True, 37),
        (37.5, first_above(InputKind.NUMBER, 38), True, 38),
        (first_above(InputKind.INTEGER, 2.5), 16, False, 3),
        (first_at_least(InputKind.INTEGER, -2.5), 16, False, -2),
        (5e-324, 1e-300, False, 5e-324),
    ],
)
def test_a_number_is_the_roundest_there_is(low: float, end: float, downwards: bool, plain: float) -> None:
    assert plain_number(low, end, downwards=downwards) == plain
