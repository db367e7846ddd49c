"""The published rules for comparison: every criterion and limit of the knowledge note once, each true, false and open."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.rulesets import repository
from triage_rules.assurance.cases import CaseOutcome, run_case
from triage_rules.cli.compare import BEGIN, END
from triage_rules.cli.comparison import compare_folders
from triage_rules.cli.comparison_text import as_markdown
from triage_rules.cli.ruleset_argument import open_folder
from triage_rules.evaluation.answers import read_answers
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.evaluation.reference import Reference
from triage_rules.language.model import All, Any, AtLeast, Compare, Condition, Level, Not, Op, Ruleset
from triage_rules.language.reading import read_ruleset

ROOT = Path(__file__).parents[2]
RED_DOTS = ROOT / "rulesets" / "red-dots"
FOLDERS = sorted(path.parent for path in (ROOT / "rulesets" / "comparison").glob("*/ruleset.yaml"))
CHILD = {("age_years", Op.LESS_THAN, 16), ("age_months", Op.AT_LEAST, 0)}
FEVER = {("temperature_c", Op.AT_LEAST, 38)}

# As the note has them: the rules by id, and every limit of a number.
RULES = {
    "nielsen": "NIE-MD NIE-LOW",
    "brogan-raffles-ill": "ILL-I ILL-L1 ILL-L2 ILL-OBSERVE",
    "newcastle-birmingham-liverpool": "NBL-1 NBL-2 NBL-3 NBL-4 NBL-5 NBL-6 NBL-7 NBL-OBSERVE",
    "bsac": "BSAC-1 BSAC-2 BSAC-3 BSAC-4 BSAC-HOME BSAC-BLOODS BSAC-PURPURA",
    "ng240-sepsis": "NG240-1 NG240-2 NG240-3 NG240-4 SEP-1 SEP-2 SEP-3 SEP-4 SEP-5 SEP-6",
}
LIMITS = {
    "nielsen": CHILD | FEVER,
    "brogan-raffles-ill": {
        ("age_years", Op.AT_LEAST, 0.166),
        ("age_years", Op.LESS_THAN, 17),
        ("age_years", Op.LESS_THAN, 3),
        ("age_months", Op.AT_LEAST, 2),
        ("temperature_c", Op.MORE_THAN, 37.4),
        ("capillary_refill_s", Op.MORE_THAN, 2),
    },
    "newcastle-birmingham-liverpool": CHILD
    | FEVER
    | {("capillary_refill_s", Op.MORE_THAN, 5), ("respiratory_rate", Op.MORE_THAN, 40)},
    "bsac": CHILD
    | {
        ("temperature_c", Op.MORE_THAN, 38),
        ("capillary_refill_s", Op.MORE_THAN, 4),
        ("age_years", Op.AT_LEAST, 12),
        ("systolic_bp", Op.AT_MOST, 90),
    },
}
# The note's table of vital signs: age in years from and to, breaths, pulse.
VITAL_SIGNS = [
    (0, 1, 60, 160),
    (1, 3, 50, 150),
    (3, 5, 40, 140),
    (5, 6, 29, 130),
    (6, 8, 27, 120),
    (8, 12, 25, 115),
    (12, 120, 25, 131),
]


@pytest.fixture(scope="module")
def red_dots() -> Ruleset:
    return repository.ruleset(RED_DOTS)


@pytest.fixture(scope="module", params=FOLDERS, ids=lambda folder: folder.name)
def evaluator(request: pytest.FixtureRequest) -> Evaluator:
    return open_folder(request.param)


@pytest.fixture(scope="module")
def outcomes(evaluator: Evaluator) -> list[CaseOutcome]:
    folder = ROOT / "rulesets" / "comparison" / evaluator.ruleset.name
    return [run_case(evaluator, case) for case in repository.cases(folder)]


def compares(condition: Condition) -> Iterator[Compare]:
    match condition:
        case All(parts) | Any(parts) | AtLeast(_, parts):
            for part in parts:
                yield from compares(part)
        case Not(part):
            yield from compares(part)
        case Compare():
            yield condition


def conditions(ruleset: Ruleset) -> list[Condition]:
    return [one.when for one in (*ruleset.inferences.values(), *ruleset.rules.values())]


def test_there_are_five_named_as_their_folders() -> None:
    assert {folder.name for folder in FOLDERS} == set(RULES)
    assert [read_ruleset(folder).name for folder in FOLDERS] == [folder.name for folder in FOLDERS]


def test_every_criterion_has_one_rule(evaluator: Evaluator) -> None:
    assert list(evaluator.ruleset.rules) == RULES[evaluator.ruleset.name].split()


@pytest.mark.parametrize("name", sorted(LIMITS))
def test_the_limits_are_those_of_the_note(name: str) -> None:
    ruleset = repository.ruleset(ROOT / "rulesets" / "comparison" / name)
    found = {(c.input, c.op, c.limit) for condition in conditions(ruleset) for c in compares(condition)}
    assert found == LIMITS[name]


def test_nielsen_has_five_items_and_takes_two() -> None:
    ruleset = repository.ruleset(ROOT / "rulesets/comparison/nielsen")
    score = ruleset.inferences["two_or_more"].when
    assert isinstance(score, AtLeast)
    assert (score.count, len(score.parts)) == (2, 5)
    assert [one.id for one in ruleset.inferences.values() if one.id and one.id.startswith("NIE")] == [
        f"NIE{number}" for number in range(1, 6)
    ]


@pytest.mark.parametrize(("start", "end", "breaths", "pulse"), VITAL_SIGNS)
def test_vital_signs_are_high_risk_from_the_note_s_limits_on(start: int, end: int, breaths: int, pulse: int) -> None:
    """At the youngest and the oldest of each band, on the limit and one below."""
    evaluator = open_folder(ROOT / "rulesets/comparison/ng240-sepsis")
    for age in (start, end - 0.1):
        for finding, limit in (("respiratory_rate", breaths), ("heart_rate", pulse)):
            for value, wanted in ((limit - 1, False), (limit, True)):
                facts = read_answers(evaluator.ruleset, {"age_years": age, finding: value})
                assert ("SEP-3" in Reference(evaluator.ruleset, facts).established()) is wanted, (age, finding, value)


def test_all_cases_pass(outcomes: list[CaseOutcome]) -> None:
    assert len(outcomes) >= 30
    assert [(outcome.case.id, outcome.differences) for outcome in outcomes if not outcome.passed] == []


def test_every_rule_is_wanted_true_wanted_silent_and_seen_open(
    evaluator: Evaluator, outcomes: list[CaseOutcome]
) -> None:
    ruleset = evaluator.ruleset
    references = [
        Reference(ruleset, evaluator.facts(outcome.answers, outcome.case.history))
        for outcome in outcomes
        if outcome.answers is not None
    ]
    for name, rule in ruleset.rules.items():
        assert any(name in outcome.case.expect.get("fires", ()) for outcome in outcomes), name
        assert any(name in outcome.case.expect.get("silent", ()) for outcome in outcomes), name
        assert any(reference.value(rule.when) is None for reference in references), name


def test_every_limit_has_cases_on_both_sides(evaluator: Evaluator, outcomes: list[CaseOutcome]) -> None:
    for condition in conditions(evaluator.ruleset):
        for compared in compares(condition):
            values = {outcome.case.answers.get(compared.input) for outcome in outcomes} - {None, "unknown"}
            assert any(value < compared.limit for value in values) or compared.limit == 0, compared
            assert compared.limit in values or compared.op in (Op.AT_LEAST, Op.LESS_THAN), compared
            assert any(value >= compared.limit for value in values), compared


def test_the_questions_are_those_of_red_dots(red_dots: Ruleset, evaluator: Evaluator) -> None:
    """Same ids, units, limits, values and words: so that one report can be put to all of them.

    Whom and when to ask is left out: these rulesets interview no one.
    """
    for name, read in evaluator.ruleset.inputs.items():
        question = replace(red_dots.inputs[name], relevant=None, available_if=None, expected=None)
        assert replace(question, asked_of=read.asked_of) == read, name


def test_shared_dispositions_mean_what_they_mean_in_red_dots(red_dots: Ruleset, evaluator: Evaluator) -> None:
    for code, disposition in evaluator.ruleset.dispositions.items():
        wanted = red_dots.dispositions[code]
        assert (disposition.level, disposition.act_within_minutes) == (wanted.level, wanted.act_within_minutes)


def test_none_can_say_routine(evaluator: Evaluator) -> None:
    assert Level.ROUTINE not in {disposition.level for disposition in evaluator.ruleset.dispositions.values()}


def test_every_result_says_that_it_is_for_comparison(outcomes: list[CaseOutcome]) -> None:
    for outcome in outcomes:
        assert outcome.result is not None
        assert "no advice" in outcome.result["advice"]["patient"]
        assert "For comparison only" in outcome.result["advice"]["clinician"]


def test_every_rule_names_a_marked_source(evaluator: Evaluator) -> None:
    for rule in evaluator.ruleset.rules.values():
        assert rule.source.marks, rule.id
        assert all(re.fullmatch(r"V~?:\w+|M|ours", mark) for mark in rule.source.marks), rule.id


def test_published_accuracy_stands_in_file_readme_and_page_with_the_same_marks(evaluator: Evaluator) -> None:
    ruleset = evaluator.ruleset
    marks = set(re.findall(r"\[(V[^\]]*)\]", ruleset.description))
    readme = (ROOT / "rulesets/comparison" / ruleset.name / "README.md").read_text(encoding="utf-8")
    page = (ROOT / "docs/explanation/comparison.md").read_text(encoding="utf-8")
    assert marks
    for mark in marks:
        assert mark in readme, mark
        assert mark in page, mark


def test_the_page_counts_the_cases_that_there_are() -> None:
    """Whoever adds a case and forgets `make comparison` is told here; the campaign compares every figure."""
    page = (ROOT / "docs/explanation/comparison.md").read_text(encoding="utf-8")
    counted = re.search(
        r"(\d+) worked cases .*?\((?:left out: )?(\d+) with the same answers as another, and (\d+) that", page
    )
    assert counted is not None
    written = [case for folder in [RED_DOTS, *FOLDERS] for case in repository.cases(folder)]
    assert sum(map(int, counted.groups())) == len(written)


@pytest.mark.campaign
def test_the_page_shows_what_compare_says() -> None:
    """`make comparison` writes it anew."""
    folders = [RED_DOTS, *FOLDERS]
    page = (ROOT / "docs/explanation/comparison.md").read_text(encoding="utf-8")
    shown = page.split(BEGIN, 1)[1].split(END, 1)[0].strip()
    found = compare_folders([open_folder(folder) for folder in folders], folders)
    assert shown == "\n".join(as_markdown(found, with_cases=False)).strip()
    assert all(other["refused"] == [] for other in found["others"])
