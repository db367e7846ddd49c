"""Coverage says of a ruleset what its cases show, by the definition in docs/reference/coverage.md, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.rulesets import glass_personas
from tests.support.rulesets.faulty_files import example
from tests.support.rulesets.generated import DIGEST, make_findings, make_ruleset
from tests.support.shares import examples
from triage_rules.assurance.cases import Case, read_cases
from triage_rules.assurance.coverage import Coverage, CoverageMeasure, Observed, Plan, Side, marks, measure
from triage_rules.assurance.coverage.goals import step
from triage_rules.assurance.coverage.reporting import as_json, as_text, below, read_required
from triage_rules.assurance.coverage.suggestions import drafts, suggest
from triage_rules.cli.test import cover, run_case
from triage_rules.evaluation.decision import disposition_of
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.evaluation.reference import Kleene, Reference
from triage_rules.foundation.errors import RulesetError
from triage_rules.language.model import All, Answers, Any, AtLeast, Audience, Condition, Not, Ruleset
from triage_rules.language.reading import parse_ruleset

SEEDS = st.integers(min_value=0, max_value=2**63)
R08 = """\
cases:
  - {id: both, findings: {blanches_on_pressure: does_not_blanch, fever_reported: true, temperature_c: 39}, expect: {level: monitor}}
  - {id: cool, findings: {blanches_on_pressure: does_not_blanch, fever_reported: false, temperature_c: 37}, expect: {level: monitor}}
"""


@pytest.fixture(scope="module")
def small() -> Evaluator:
    """The ruleset in docs/reference/ruleset-language.md."""
    return Evaluator(parse_ruleset(example().encode(), "ruleset.yaml"), DIGEST)


def read(folder: Path, text: str, evaluator: Evaluator) -> list[Case]:
    (folder / "cases.yaml").write_text(text, encoding="utf-8")
    return read_cases(folder, evaluator.ruleset)


def covered(evaluator: Evaluator, cases: list[Case]) -> Coverage:
    return cover(evaluator, [run_case(evaluator, case) for case in cases])


def observe(ruleset: Ruleset, name: str, facts: Answers) -> Observed:
    return Observed(name, facts, facts, disposition_of(ruleset, Reference(ruleset, facts).established()))


def made(seed: int, reports: int) -> tuple[Ruleset, list[Observed]]:
    random = Random(seed)
    ruleset = make_ruleset(random)
    return ruleset, [observe(ruleset, f"case {n}", make_findings(random, ruleset)) for n in range(reports)]


def count(values: list[Kleene], count: int) -> Kleene:
    """`count` of the values true: by all ways to settle the open ones."""
    sure, hoped = values.count(True), values.count(True) + values.count(None)
    return True if sure >= count else False if hoped < count else None


def with_leaves(condition: Condition, values: Iterator[Kleene]) -> Kleene:
    """The condition, were its leaves as given, in the order in which they are written."""
    match condition:
        case All(parts):
            return count([with_leaves(part, values) for part in parts], len(parts))
        case Any(parts):
            return count([with_leaves(part, values) for part in parts], 1)
        case AtLeast(least, parts):
            return count([with_leaves(part, values) for part in parts], least)
        case Not(part):
            value = with_leaves(part, values)
            return None if value is None else not value
        case _:
            return next(values)


def decides(condition: Condition, values: list[Kleene], number: int) -> bool:
    """By definition: with the leaf true and false, and the others as they are, the condition is true and false."""
    settled = [with_leaves(condition, iter([*values[:number], to, *values[number + 1 :]])) for to in (True, False)]
    return sorted(settled, key=str) == [False, True]


# --- the laws -------------------------------------------------------------------------------


@settings(max_examples=examples(20, 60), derandomize=True, deadline=None, database=None)
@given(SEEDS)
def test_a_leaf_decides_alone_exactly_where_turning_it_turns_its_condition(seed: int) -> None:
    """Brute force over every leaf of every condition: nothing is claimed too much and nothing too little."""
    ruleset, cases = made(seed, 6)
    plan = Plan(ruleset)
    for observed in cases:
        reference = Reference(ruleset, observed.facts)
        claimed = {mark for mark in marks(plan, observed) if mark[0] is CoverageMeasure.MCDC}
        wanted = set()
        for decision in plan.decisions:
            values = [reference.value(leaf) for leaf in decision.leaves]
            if decision.guard is not None and reference.value(decision.guard) is not True:
                continue
            for number, value in enumerate(values):
                if value is not None and decides(decision.when, values, number):
                    side = Side.TRUE if value else Side.FALSE
                    wanted.add((CoverageMeasure.MCDC, decision.owner, str(number), side))
        assert claimed == wanted


@settings(max_examples=examples(20, 60), derandomize=True, deadline=None, database=None)
@given(SEEDS)
def test_each_pair_of_mcdc_differs_in_its_leaf_and_in_its_outcome(seed: int) -> None:
    """What a pair is for: of the two cases, one has the condition true and the other false."""
    ruleset, cases = made(seed, 12)
    coverage = measure(ruleset, cases)
    facts = {observed.case: observed.facts for observed in cases}
    decisions = {decision.owner: decision for decision in coverage.plan.decisions}
    for goal in coverage.plan.goals:
        if goal.measure is CoverageMeasure.MCDC and coverage.is_shown(goal):
            decision = decisions[goal.owner]
            pair = [Reference(ruleset, facts[coverage.seen[mark]]) for mark in goal.marks]
            assert [reference.value(decision.leaves[int(goal.part)]) for reference in pair] == [True, False]
            assert {reference.value(decision.when) for reference in pair} == {True, False}


@settings(max_examples=examples(20, 60), derandomize=True, deadline=None, database=None)
@given(SEEDS)
def test_more_cases_never_show_less(seed: int) -> None:
    """Also the other way about: what all of them show, each shows or some other does."""
    ruleset, cases = made(seed, 8)
    some, more = measure(ruleset, cases[:4]), measure(ruleset, cases)
    assert set(some.seen) <= set(more.seen)
    assert set(more.seen) == set(some.seen) | set(measure(ruleset, cases[4:]).seen)
    for kind, counted in some.counts().items():
        assert counted.shown <= more.counts()[kind].shown
        assert counted.total == more.counts()[kind].total


@settings(max_examples=examples(20, 60), derandomize=True, deadline=None, database=None)
@given(SEEDS)
def test_counts_of_rules_and_statements_are_those_of_plain_evaluation(seed: int) -> None:
    ruleset, cases = made(seed, 8)
    counts = measure(ruleset, cases).counts()
    references = [Reference(ruleset, observed.facts) for observed in cases]
    for kind, owners in (
        (CoverageMeasure.RULES, ruleset.rules),
        (CoverageMeasure.FLOORS, ruleset.floors),
        (CoverageMeasure.INFERENCES, ruleset.inferences),
        (CoverageMeasure.RELEVANCE, {n: read.relevant for n, read in ruleset.inputs.items() if read.relevant}),
    ):
        values = {(name, reference.value(owner.when)) for name, owner in owners.items() for reference in references}
        assert counts[kind].total == 2 * len(owners)
        assert counts[kind].shown == sum(value is not None for _, value in values)


@settings(max_examples=examples(20, 60), derandomize=True, deadline=None, database=None)
@given(SEEDS)
def test_nothing_is_shown_that_is_not_a_goal_and_no_two_goals_share_a_key(seed: int) -> None:
    """A mark beyond the goals would mean that a goal was forgotten, such as one thought never to be open."""
    ruleset, cases = made(seed, 8)
    coverage = measure(ruleset, cases)
    goals = {mark for goal in coverage.plan.goals for mark in goal.marks}
    assert {
        m
        for m in coverage.seen
        if m[0]
        in (CoverageMeasure.CONDITIONS, CoverageMeasure.POSSIBLE, CoverageMeasure.MCDC, CoverageMeasure.RELEVANCE)
    } <= goals
    keys = [goal.key for goal in coverage.plan.goals]
    assert len(keys) == len(set(keys))


# --- by example -----------------------------------------------------------------------------


def test_a_pair_of_cases_shows_what_alone_decides(tmp_path: Path, small: Evaluator) -> None:
    """R08 is `all: [nonblanching, febrile]`: with the spots staying in both cases, fever alone turns it."""
    told = as_text(covered(small, read(tmp_path, R08, small)))
    assert "R08: no case where `febrile` alone decides" not in told
    assert "`febrile` is false and that alone decides" not in told
    assert "R08: no case where `nonblanching` is false and that alone decides (the opposite is shown)" in told
    assert "R67: never established: no case where it fires" in told
    assert "temperature_c: no case with exactly 38, a limit" in told
    assert "temperature_c: no case just below the limit 38" not in told
    assert "blanches_on_pressure: no case with the answer `not_tested`" in told


def test_an_open_part_hides_the_others(tmp_path: Path, small: Evaluator) -> None:
    """With the temperature open, `no fever` does not rule fever out, so it can't be what alone decides."""
    hidden = R08.replace("fever_reported: false, temperature_c: 37", "fever_reported: false")
    told = as_text(covered(small, read(tmp_path, hidden, small)))
    assert "R08: no case where `febrile` is false and that alone decides (the opposite is shown)" in told
    assert "R08: no case where `febrile` is open" not in told


def test_a_gate_that_no_case_rules_out_is_named_and_a_case_for_it_is_drafted(tmp_path: Path) -> None:
    """The question makes sense to a baby of 1; a draft with another age shows where it does not."""
    gate = "relevant: {when: {age_years: {less_than: 3}}, otherwise: false}"
    text = example().replace("question: Do they itch?", f"question: Do they itch?, {gate}")
    assert gate in text
    gated = Evaluator(parse_ruleset(text.encode(), "ruleset.yaml"), DIGEST)
    cases = read(tmp_path, "cases:\n  - {id: baby, findings: {age_years: 1}, expect: {level: monitor}}\n", gated)
    coverage = covered(gated, cases)
    assert "itchy: no case where it is not relevant" in as_text(coverage)
    assert coverage.counts()[CoverageMeasure.RELEVANCE].percent == "50.0"
    found = suggest(gated, coverage, cases, 100)
    drafted = [replace(draft.near, id=f"draft-{n}", answers=dict(draft.answers)) for n, draft in enumerate(found)]
    assert covered(gated, cases + drafted).counts()[CoverageMeasure.RELEVANCE].percent == "100.0"


def test_answers_of_panels_are_covered_and_kept_in_drafts(tmp_path: Path) -> None:
    """A draft has them as findings, and the audience of the case it is like."""
    evaluator = glass_personas.evaluator()
    text = """cases:
  - id: fever
    audience: clinician
    panels: {ill: [fever_reported]}
    findings: {age_years: 4, blanches_on_pressure: not_tested}
    expect: {level: monitor}
"""
    cases = read(tmp_path, text, evaluator)
    coverage = covered(evaluator, cases)
    assert (CoverageMeasure.CHOICES, "blanches_on_pressure", "not_tested", Side.GIVEN) in coverage.seen
    found = suggest(evaluator, coverage, cases, 100)
    fired = next(draft for draft in found if draft.answers.get("blanches_on_pressure") == "does_not_blanch")
    assert fired.answers == {
        "age_years": 4, "blanches_on_pressure": "does_not_blanch", "itchy": False, "fever_reported": True
    }  # fmt: skip
    drafted = read(tmp_path, text + drafts(found).replace("to_be_said", "monitor"), evaluator)[1:]
    assert {case.audience for case in drafted} == {Audience.CLINICIAN}
    assert set(covered(evaluator, drafted).seen) - set(coverage.seen)


def test_what_is_out_of_reach_is_no_longer_counted(tmp_path: Path, small: Evaluator) -> None:
    """Whoever can prove that no report shows a goal hands its key over."""
    observed = [observe(small.ruleset, "one", {"age_years": 4})]
    key = "mcdc:R08:0"
    before, after = measure(small.ruleset, observed), measure(small.ruleset, observed, {key})
    assert key in {goal.key for goal in before.not_shown()}
    assert key not in {goal.key for goal in after.not_shown()}
    assert after.counts()[CoverageMeasure.MCDC].total == before.counts()[CoverageMeasure.MCDC].total - 1
    assert (after.counts()[CoverageMeasure.MCDC].infeasible, as_json(after)["infeasible"]) == (1, [key])


@pytest.mark.parametrize(
    ("limit", "wanted"), [(38, "1"), (38.0, "0.1"), (37.5, "0.1"), (0.25, "0.01"), (1000, "1"), (-3, "1")]
)
def test_a_step_is_one_in_the_last_place_of_a_limit(limit: float, wanted: str) -> None:
    assert step(limit) == Decimal(wanted)


@pytest.mark.parametrize("written", ["mcdc", "mcdc=", "mcdc=101", "mcdc=-1", "mcdc=1.2.3", "mccd=80", "", "mcdc=nan"])
def test_a_requirement_that_means_nothing_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"is not a measure|expected a percentage"):
        read_required(written)


def test_a_requirement_is_compared_exactly(tmp_path: Path, small: Evaluator) -> None:
    coverage = covered(small, read(tmp_path, R08, small))
    counted = coverage.counts()[CoverageMeasure.RULES]
    exact = Decimal(counted.shown * 100) / counted.total
    assert below(coverage, {CoverageMeasure.RULES: exact - Decimal("0.001")}) == []
    assert below(coverage, read_required("rules=100,floors=0")) == [
        f"rules: {counted.percent} % is shown, 100 % is required"
    ]


def test_each_draft_shows_what_it_says_and_waits_for_a_label(tmp_path: Path, small: Evaluator) -> None:
    """Put among the cases as it is, a draft is refused: the level must come from somebody who knows."""
    cases = read(tmp_path, R08, small)
    coverage = covered(small, cases)
    found = suggest(small, coverage, cases, 100)
    assert len(found) > 5
    for draft in found:
        differing = [n for n in small.ruleset.inputs if draft.answers.get(n) != draft.near.answers.get(n)]
        assert differing == [draft.input]
    labelled = R08 + drafts(found).replace("to_be_said", "monitor")
    more = covered(small, read(tmp_path, labelled, small))
    before, after = set(coverage.not_shown()), set(more.not_shown())
    assert len(before - after) >= len(found) // 2  # two drafts may be one pair
    assert set(coverage.seen) < set(more.seen)
    with pytest.raises(RulesetError, match="`to_be_said` is not one of"):
        read(tmp_path, R08 + drafts(found), small)
