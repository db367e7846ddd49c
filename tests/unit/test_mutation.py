"""Mutants are the changes that docs/reference/mutation.md lists; killed, equivalent and survived mean what it says."""

from __future__ import annotations

import itertools
import json
import pickle
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.support.oracles.mutation_agreement import killing_disagreements, solver_disagreements
from tests.support.rulesets.generated import DIGEST
from tests.support.shares import examples
from triage_rules.assurance.cases import Case, read_cases, run_case
from triage_rules.assurance.mutation.equivalence import Differs, Distinguished, Equivalence, Equivalent
from triage_rules.assurance.mutation.mutants import RuleRemoval, apply_mutation
from triage_rules.assurance.mutation.operators import Mutant, Operator, make_mutants
from triage_rules.assurance.mutation.reporting import count_urgent, list_survivors, percentage, write_drafts
from triage_rules.assurance.mutation.running import CHUNK, FailingCasesError, MutantOutcome, MutantStatus, run
from triage_rules.assurance.solver.solver import Budget, GaveUp
from triage_rules.cli import main
from triage_rules.evaluation.answers import read_answers
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.foundation.errors import RulesetError
from triage_rules.language.model import Level, Ruleset
from triage_rules.language.reading import parse_document, parse_ruleset
from triage_rules.records.reports import History

HEAD = """
ruleset: small
language: 1
version: 1.0.0
title: Small
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
inputs:
  t: {type: number, group: g, minimum: 30, maximum: 43, question: Temperature?}
  n: {type: integer, group: g, minimum: 0, maximum: 9, question: How many?}
  c: {type: choice, group: g, question: Which?, choices: {a: A, b: B, c: C}}
  x: {type: yes_no, group: g, question: X?}
  y: {type: yes_no, group: g, question: Y?}
  z: {type: yes_no, group: g, question: Z?}
"""
RULE = "  {id}: {{title: t, when: {when}, disposition: {to}{more}, reason: reason {id}., source: {{text: made, marks: []}}}}\n"


def rule(name: str, when: str, to: str = "U1", more: str = "") -> str:
    return RULE.format(id=name, when=when, to=to, more=more)


def read(*rules: str, rest: str = "") -> tuple[Ruleset, tuple[Mutant, ...]]:
    text = (HEAD + "rules:\n" + "".join(rules) + rest).encode()
    return parse_ruleset(text, "ruleset.yaml"), make_mutants(
        parse_ruleset(text, "ruleset.yaml"), parse_document(text, "ruleset.yaml").root, "ruleset.yaml"
    )


def words(made: tuple[Mutant, ...], operator: Operator) -> list[str]:
    return [mutant.words for mutant in made if mutant.operator is operator]


KNOWN = [
    ("{t: {at_least: 38}}", Operator.SHIFT_THRESHOLD, ["`t` at least 38 becomes `t` at least 37", "`t` at least 38 becomes `t` at least 39"]),
    ("{t: {at_least: 38.5}}", Operator.SHIFT_THRESHOLD, ["`t` at least 38.5 becomes `t` at least 38.4", "`t` at least 38.5 becomes `t` at least 38.6"]),
    ("{n: {less_than: 1}}", Operator.SHIFT_THRESHOLD, ["`n` less than 1 becomes `n` less than 2"]),
    ("{n: {at_most: 9}}", Operator.SHIFT_THRESHOLD, ["`n` at most 9 becomes `n` at most 8"]),
    ("{t: {at_least: 38}}", Operator.FLIP_COMPARISON, ["`t` at least 38 becomes `t` more than 38"]),
    ("{t: {less_than: 38}}", Operator.FLIP_COMPARISON, ["`t` less than 38 becomes `t` at most 38"]),
    ("{all: [x, y]}", Operator.DROP_CONDITION, ["`x` is dropped", "`y` is dropped"]),
    ("{any: [x]}", Operator.DROP_CONDITION, []),
    ("{at_least: 2, of: [x, y, z]}", Operator.CHANGE_COUNT, ["at least 2 becomes at least 1 of 3", "at least 2 becomes at least 3 of 3"]),
    ("{at_least: 2, of: [x, y]}", Operator.DROP_CONDITION, ["`x` is dropped", "`y` is dropped"]),
    ("{all: [x, y]}", Operator.SWAP_ALL_ANY, ["all becomes any: (`x` or `y`)"]),
    ("{any: [x, y]}", Operator.SWAP_ALL_ANY, ["any becomes all: (`x` and `y`)"]),
    ("{t: {at_least: 36, less_than: 38}}", Operator.SWAP_ALL_ANY, []),
    ("{t: {at_least: 36, less_than: 38}}", Operator.DROP_CONDITION, ["`t` at least 36 is dropped", "`t` less than 38 is dropped"]),
    ("x", Operator.CHANGE_NOT, ["`x` gets a `not` before it"]),
    ("{not: x}", Operator.CHANGE_NOT, ["`not` is lost before `x`"]),
    ("{open: x}", Operator.OPEN_AS_FALSE, ["an open `x` is no longer noticed"]),
    ("{unless: x}", Operator.OPEN_AS_FALSE, ["unless `x` becomes not `x`"]),
    ("{not: x}", Operator.OPEN_AS_FALSE, ["not `x` becomes unless `x`: silence counts as no"]),
    ("{c: {in: [a, b]}}", Operator.DROP_CHOICE, ["`c`: the answer `a` no longer counts", "`c`: the answer `b` no longer counts"]),
    ("{c: {is: a}}", Operator.DROP_CHOICE, []),
    ("x", Operator.LOWER_LEVEL, ["U1 (urgent) becomes M1 (monitor)"]),
    ("x", Operator.RAISE_LEVEL, ["M1 (monitor) becomes U1 (urgent)"]),  # the default
    ("x", Operator.DELETE_RULE, ["`R1` (t) is deleted"]),
]  # fmt: skip


@pytest.mark.parametrize(("when", "operator", "wanted"), KNOWN)
def test_each_kind_of_change_is_made_where_it_can_be_written_and_nowhere_else(
    when: str, operator: Operator, wanted: list[str]
) -> None:
    _, made = read(rule("R1", when))
    assert words(made, operator) == wanted


def test_floors_outcomes_conflicts_and_mandatory_items_are_deleted_one_by_one() -> None:
    rest = """
mandatory: [x, {any_of: [y, z]}]
safety_net:
  S1: {title: s, when: mandatory_open, disposition: M1, reason: r., source: {text: made, marks: []}}
conflicts:
  C1: {when: {all: [x, y]}, says: both, findings: [x, y]}
"""
    _, made = read(rule("R1", "x", "R1", ", raised: [{to: M1, when: y}, {to: U1, when: z}]"), rest=rest)
    assert words(made, Operator.DELETE_OUTCOME) == ["it is no longer raised to M1", "it is no longer raised to U1"]
    assert words(made, Operator.DELETE_FLOOR) == ["`S1` (s) is deleted"]
    assert words(made, Operator.DELETE_CONFLICT) == ["`C1` is deleted"]
    assert words(made, Operator.DROP_MANDATORY) == ["`x` is no longer mandatory", "`y` or `z` is no longer mandatory"]
    lowered = [m.words for m in made if m.operator is Operator.LOWER_LEVEL]
    assert lowered == ["U1 (urgent) becomes M1 (monitor)", "M1 (monitor) becomes R1 (routine)"]  # the floor's last


def gated(gate: str, when: str) -> tuple[Ruleset, tuple[Mutant, ...]]:
    """A rule on `y`, which is relevant only by this gate, and else counts as no."""
    relevant = f"Y?, relevant: {{when: {gate}, otherwise: false}}}}"
    text = (HEAD.replace("Y?}", relevant) + "rules:\n" + rule("R1", when)).encode()
    ruleset = parse_ruleset(text, "ruleset.yaml")
    return ruleset, make_mutants(ruleset, parse_document(text, "ruleset.yaml").root, "ruleset.yaml")


def test_relevance_is_dropped_negated_and_changed_part_by_part() -> None:
    ruleset, made = gated("{all: [{not: x}, {n: {at_least: 3}}]}", "y")
    of_gate = [mutant for mutant in made if mutant.owner == "y"]
    assert [(m.operator, m.words) for m in of_gate] == [
        (Operator.SWAP_ALL_ANY, "all becomes any: (not `x` or `n` at least 3)"),
        (Operator.CHANGE_NOT, "`not` is lost before `x`"),
        (Operator.DROP_CONDITION, "not `x` is dropped"),
        (Operator.SHIFT_THRESHOLD, "`n` at least 3 becomes `n` at least 2"),
        (Operator.SHIFT_THRESHOLD, "`n` at least 3 becomes `n` at least 4"),
        (Operator.FLIP_COMPARISON, "`n` at least 3 becomes `n` more than 3"),
        (Operator.CHANGE_NOT, "`n` at least 3 gets a `not` before it"),
        (Operator.DROP_CONDITION, "`n` at least 3 is dropped"),
        (Operator.DROP_RELEVANCE, "`y` is always relevant"),
        (Operator.CHANGE_NOT, "`y` is relevant only if not (not `x` and `n` at least 3)"),
    ]
    dropped = apply_mutation(ruleset, next(m.change for m in made if m.operator is Operator.DROP_RELEVANCE))
    assert dropped.inputs["y"].relevant is None


@pytest.mark.parametrize(
    ("when", "answers"),
    [("{all: [x, y]}", None), ("{not: y}", {"x": False})],
    ids=["a rule that repeats the gate", "a rule that needs the implied answer"],
)
def test_without_relevance_a_report_differs_only_if_the_implied_answer_matters(
    when: str, answers: dict[str, object] | None
) -> None:
    ruleset, made = gated("x", when)
    dropped = apply_mutation(ruleset, next(m.change for m in made if m.operator is Operator.DROP_RELEVANCE))
    found = Equivalence(Evaluator(ruleset, DIGEST), 20).compare(dropped)
    if answers is None:
        assert isinstance(found, Equivalent)
    else:
        assert isinstance(found, Distinguished)
        assert found.witness is not None
        assert found.witness.answers == answers


def test_a_case_that_rests_on_an_implied_answer_kills_a_mutant_of_its_gate() -> None:
    ruleset, made = gated("x", "{not: y}")
    case = Case("grown up", "", {"x": False}, History(), {"level": "urgent"})
    (outcome,) = run(ruleset, [case], [m for m in made if m.operator is Operator.DROP_RELEVANCE])
    assert (outcome.status, outcome.killed and outcome.killed.case) == (MutantStatus.KILLED, "grown up")


def test_a_mutant_without_any_way_to_be_true_is_evaluated() -> None:
    """An `open` that is never noticed is an `any` of nothing; only mutants have one."""
    ruleset, made = read(rule("R1", "{any: [{open: x}, y]}"))
    (unnoticed,) = [mutant.change for mutant in made if mutant.operator is Operator.OPEN_AS_FALSE]
    evaluator = Evaluator(apply_mutation(ruleset, unnoticed), DIGEST)
    result = evaluator.evaluate({}, History(), report_id="r", received_ms=0, evaluated_ms=0)
    assert [question["finding"] for question in result["ask"]] == ["y"]


def test_a_mutant_stands_where_what_it_changes_is_written() -> None:
    _, made = read("  R1:\n    title: t\n    when:\n      all:\n        - x\n        - {not: y}\n"
                         "    disposition: U1\n    reason: r.\n    source: {text: made, marks: []}\n")  # fmt: skip
    line = HEAD.count("\n") + 1
    dropped = [m.place.line for m in made if m.operator is Operator.DROP_CONDITION]
    assert dropped == [line + 5, line + 6]
    assert [m.place.line for m in made if m.operator is Operator.LOWER_LEVEL] == [line + 7]
    assert len({m.id for m in made}) == len(made)


def test_what_a_deleted_rule_infers_stays_inferred() -> None:
    """Else deleting it would be a change of every rule that builds on it, and easy to notice."""
    ruleset, _ = read(rule("R1", "x", "M1", ", infers: s"), rule("R2", "y", "M1", ", infers: s"), rule("R3", "s"))
    for gone in ("R1", "R2"):
        evaluator = Evaluator(apply_mutation(ruleset, RuleRemoval(gone)), DIGEST)
        for said in ("x", "y"):
            answers = read_answers(ruleset, {said: True})
            assert Level.of(_evaluate(evaluator, answers)["level"]) is Level.URGENT


def _evaluate(evaluator: Evaluator, answers: dict) -> dict:
    return evaluator.evaluate(answers, History(), report_id="r", received_ms=0, evaluated_ms=0)


def test_what_a_rule_infers_changes_with_the_rule() -> None:
    ruleset, made = read(rule("R1", "{all: [x, y]}", "M1", ", infers: s"), rule("R2", "s"))
    (dropped,) = [m for m in made if m.words == "`y` is dropped"]
    found = _evaluate(Evaluator(apply_mutation(ruleset, dropped.change), DIGEST), read_answers(ruleset, {"x": True}))
    assert [fired["id"] for fired in found["rules"]] == ["R2", "R1"]


# --- killed, equivalent, survived ---

CASES = """
cases:
  - {id: hot, findings: {t: 38, x: true}, expect: {level: urgent, fires: [R1]}}
  - {id: cool, findings: {t: 37.9, x: true}, expect: {level: monitor, silent: [R1]}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ruleset.yaml").write_text(HEAD + "rules:\n" + rule("R1", "{all: [x, {t: {at_least: 38.0}}]}"))
    (tmp_path / "cases.yaml").write_text(CASES)
    return tmp_path


def outcomes(folder: Path) -> tuple[Ruleset, tuple[MutantOutcome, ...]]:
    text = (folder / "ruleset.yaml").read_bytes()
    ruleset = parse_ruleset(text, "ruleset.yaml")
    made = make_mutants(ruleset, parse_document(text, "ruleset.yaml").root, "ruleset.yaml")
    return ruleset, run(ruleset, read_cases(folder, ruleset), made)


def test_killed_mutants_name_a_case_that_really_fails_and_survivors_pass_them_all(folder: Path) -> None:
    ruleset, found = outcomes(folder)
    cases = {case.id: case for case in read_cases(folder, ruleset)}
    assert {o.status for o in found} == {MutantStatus.KILLED, MutantStatus.SURVIVED}
    for outcome in found:
        evaluator = Evaluator(apply_mutation(ruleset, outcome.mutant.change), DIGEST)
        if outcome.killed is not None:
            told = run_case(evaluator, cases[outcome.killed.case])
            assert not told.passed
            assert told.differences == outcome.killed.differs
        else:
            assert all(run_case(evaluator, case).passed for case in cases.values())


def test_every_survivor_has_a_patient_that_tells_it_apart(folder: Path) -> None:
    _, found = outcomes(folder)
    left = {o.mutant.words: o for o in list_survivors(found)}
    # no case leaves anything open or says no, so what is lost there goes unnoticed
    assert set(left) == {"`x` is dropped"}
    told = left["`x` is dropped"].distinguished
    assert told is not None
    assert told.witness is not None
    assert told.differs is Differs.LEVEL
    assert [result["level"] for result in told.witness.results] == ["monitor", "urgent"]


def test_a_change_that_no_report_shows_is_proved_to_be_equivalent(folder: Path) -> None:
    (folder / "ruleset.yaml").write_text(HEAD + "rules:\n" + rule("R1", "{any: [x, {all: [x, y]}]}"))
    (folder / "cases.yaml").write_text(
        "cases:\n  - {id: one, findings: {x: true}, expect: {level: urgent, fires: [R1]}}\n"
    )
    _, found = outcomes(folder)
    equal = {o.mutant.words for o in found if o.status is MutantStatus.EQUIVALENT}
    assert "(`x` and `y`) is dropped" in equal
    assert equal <= {"(`x` and `y`) is dropped", "`y` is dropped", "`y` gets a `not` before it"}


def test_cases_that_fail_as_it_is_are_told_instead(folder: Path) -> None:
    (folder / "cases.yaml").write_text(CASES.replace("level: monitor", "level: routine"))
    with pytest.raises(FailingCasesError, match="first `cool`"):
        outcomes(folder)


def test_the_error_of_failing_cases_survives_the_way_between_processes() -> None:
    error = pickle.loads(pickle.dumps(FailingCasesError(("hot", "cool"))))
    assert error.cases == ("hot", "cool")
    assert str(error) == "2 cases fail on the unchanged ruleset, first `hot`; `triage test` lists them"


PANEL = "panels:\n  both: {question: Which?, section: s, lines: [x, y]}\n"


def test_a_case_with_a_panel_and_an_audience_is_run_as_triage_test_runs_it(folder: Path) -> None:
    """The panel answers what the rule needs; only a clinician is asked for the rest."""
    head = HEAD.replace("z: {type", "z: {asked_of: clinician, type")
    (folder / "ruleset.yaml").write_text(head + PANEL + "rules:\n" + rule("R1", "{all: [x, z]}"))
    (folder / "cases.yaml").write_text("""
cases:
  - {id: fires, panels: {both: [x]}, findings: {z: true}, expect: {level: urgent, fires: [R1]}}
  - {id: asks, audience: clinician, panels: {both: [x]}, expect: {level: monitor, ask: [z], complete: false}}
  - {id: leaves, panels: {both: [x]}, expect: {level: monitor, ask: [], open_elsewhere_includes: [z], complete: true}}
""")
    ruleset, found = outcomes(folder)
    cases = read_cases(folder, ruleset)
    assert all(run_case(Evaluator(ruleset, DIGEST), case).passed for case in cases)
    killed = {outcome.mutant.words: outcome.killed for outcome in found if outcome.killed is not None}
    assert killed["`R1` (t) is deleted"].case == "fires"


def test_a_mutant_that_the_solver_gave_up_on_counts_as_a_survivor(folder: Path) -> None:
    ruleset, found = outcomes(folder)
    mutant = found[0].mutant
    telling = Equivalence(Evaluator(ruleset, DIGEST), 10.0, Budget(0))
    assert isinstance(telling.compare(apply_mutation(ruleset, mutant.change)), GaveUp)
    gave_up = MutantOutcome(mutant, MutantStatus.GAVE_UP)
    assert list_survivors([gave_up]) == [gave_up]
    assert count_urgent([gave_up]).gave_up == 1


def test_a_lowered_urgent_level_comes_first() -> None:
    """Of all the ways in which a mutant differs, the most dangerous one is shown."""
    ruleset, made = read(rule("R1", "{any: [x, y]}"))
    telling = Equivalence(Evaluator(ruleset, DIGEST), 10.0)
    (dropped, *_) = [m for m in made if m.operator is Operator.DROP_CONDITION]
    told = telling.compare(apply_mutation(ruleset, dropped.change))
    assert isinstance(told, Distinguished)
    assert told.differs is Differs.URGENT_LOWERED
    assert told.witness is not None
    assert told.witness.answers == {"x": True}


def test_two_processes_find_what_one_does(folder: Path) -> None:
    text = (folder / "ruleset.yaml").read_bytes()
    ruleset, found = outcomes(folder)
    told: list[tuple[int, int]] = []
    made = make_mutants(ruleset, parse_document(text, "ruleset.yaml").root, "ruleset.yaml")
    assert len(made) > CHUNK  # else one process does it all
    both = run(
        ruleset, read_cases(folder, ruleset), made, processes=2, progress=lambda done, whole: told.append((done, whole))
    )
    assert both == found
    assert told == [(number, len(made)) for number in range(1, len(made) + 1)]


def test_a_share_is_never_rounded_up() -> None:
    assert [str(percentage(*pair)) for pair in ((2, 3), (9999, 10000), (0, 0))] == ["66.6", "99.9", "100"]


# --- the command ---


def test_the_command_counts_tells_and_requires(folder: Path) -> None:
    def call(*options: str) -> tuple[int, str, str]:
        done = CliRunner().invoke(main, ["mutate", str(folder), "--processes", "1", *options], catch_exceptions=False)
        return done.exit_code, done.stdout, done.stderr

    code, out, _ = call()
    assert code == 0
    assert "`x` is dropped" in out
    assert "    Temperature? 38" in out
    whole = json.loads(call("--format", "json")[1])
    assert whole["counts"]["survived"] == 1
    assert whole["counts"]["made"] == sum(n["made"] for n in whole["by_operator"].values()) == len(whole["mutants"])
    code, _, err = call("--require", "95")
    assert code == 1
    assert "95 % are required" in err
    assert call("--require", "50", "--require-urgent", "100")[0] == 0
    assert call("--rule", "R9")[0] == 2
    assert json.loads(call("--rule", "default", "--format", "json")[1])["counts"]["made"] == 1
    drawn = [json.loads(call("--sample", "4", "--seed", seed, "--format", "json")[1]) for seed in ("1", "1", "2")]
    ids = [[mutant["id"] for mutant in one["mutants"]] for one in drawn]
    assert [len(one) for one in ids] == [4, 4, 4]
    assert ids[0] == ids[1] != ids[2]


def test_a_draft_waits_for_a_label_and_then_kills(folder: Path) -> None:
    file = folder / "drafts.yaml"
    done = CliRunner().invoke(
        main, ["mutate", str(folder), "--processes", "1", "--drafts", str(file)], catch_exceptions=False
    )
    assert done.exit_code == 0
    (folder / "cases.yaml").write_text(CASES + file.read_text())
    with pytest.raises(RulesetError, match="`to_be_said` is not one of"):
        outcomes(folder)
    (folder / "cases.yaml").write_text(CASES + file.read_text().replace("to_be_said", "monitor"))
    _, found = outcomes(folder)
    assert list_survivors(found) == []
    assert write_drafts(found).count("\n") == 0


# --- made rulesets ---


def test_the_quick_way_finds_the_case_that_a_whole_run_finds() -> None:
    """Made rulesets, ten made cases each: statements, floors, what is asked and what could be."""
    told = [f"seed {seed}, {one}" for seed in range(examples(6, 20)) for one in killing_disagreements(seed)]
    assert told == []


def test_equivalent_and_told_apart_are_what_a_look_at_every_report_shows() -> None:
    """Small rulesets: the worst difference of any report is the one that is told, and the witness shows it."""
    small = ((seed, found) for seed in itertools.count() if (found := solver_disagreements(seed)) is not None)
    told = [f"seed {seed}, {one}" for seed, found in itertools.islice(small, examples(6, 20)) for one in found]
    assert told == []
