"""The engine and the reference evaluator share no code, and say the same of every ruleset and report."""

from __future__ import annotations

import runpy
import sys
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.oracles import engine_agreement as agreement
from tests.support.oracles.engine_agreement import REPORTS, pairs
from tests.support.rulesets import repository
from tests.support.rulesets.generated import DIGEST
from tests.support.shares import examples, some_of
from triage_rules.evaluation.answers import read_answers
from triage_rules.evaluation.compiling import compile_ruleset
from triage_rules.evaluation.decision import decide
from triage_rules.evaluation.engine import Engine
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.evaluation.reference import Reference
from triage_rules.evaluation.signals import Numbering, Rails
from triage_rules.language.model import Level

RED_DOTS = Path(__file__).parents[2] / "rulesets" / "red-dots"
CAMPAIGN = Path(__file__).parents[1] / "campaigns" / "agreement.py"
seen: Counter[str] = Counter()


@settings(max_examples=examples(60, 200), derandomize=True, deadline=None, database=None)
@given(st.integers(min_value=0, max_value=2**63))
def test_engine_and_reference_agree_on_all_three_rails(seed: int) -> None:
    """Rulesets with 10 reports each. The seed of a difference makes it again: `list(pairs(seed))`."""
    for pair in pairs(seed):
        assert pair.engine.established == pair.reference.established
        assert pair.engine.possible == pair.reference.possible
        assert pair.engine.certain == pair.reference.certain
        seen["pairs"] += 1
        seen["established"] += len(pair.engine.established)
        seen["still possible"] += len(pair.engine.possible - pair.engine.established)
        seen["certain"] += len(pair.engine.certain)
        seen["established, not certain"] += len(pair.engine.established & pair.engine.possible - pair.engine.certain)


def test_many_pairs_were_compared_and_had_something_to_compare() -> None:
    """Agreement about nothing would be cheap."""
    if not seen:
        test_engine_and_reference_agree_on_all_three_rails()
    assert seen["pairs"] >= examples(60, 200) * REPORTS
    assert min(seen.values()) >= examples(150, 500)


def test_they_agree_on_the_worked_cases_of_red_dots_and_on_what_is_left_of_them() -> None:
    """The real ruleset: cases that its authors thought of whole, every third with answers left away at random."""
    ruleset = repository.ruleset(RED_DOTS)
    evaluator = Evaluator(ruleset, DIGEST)
    engine, numbering = Engine(compile_ruleset(ruleset, "red-dots")), Numbering(ruleset)
    random = Random(1)
    levels: Counter[Level] = Counter()
    for number, case in enumerate(some_of(repository.cases(RED_DOTS), 132)):
        if "refused" in case.expect:
            continue
        findings = read_answers(ruleset, case.answers)
        fewer = {name: value for name, value in findings.items() if random.random() < 0.7}
        for answers in (findings, fewer) if number % 3 == 0 else (findings,):
            facts = evaluator.facts(answers, case.history)
            rails = numbering.rails(engine.run(facts))
            assert rails == Reference(ruleset, facts).rails(), case.id
            levels[decide(ruleset, rails).level] += 1
    assert set(levels) == set(Level)
    assert sum(levels.values()) >= examples(130, 400)


def test_the_campaign_ends_well_without_a_difference(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert campaign(monkeypatch, "100") == 0
    assert "100 pairs, 0 differences" in capsys.readouterr().out


def test_the_campaign_fails_and_names_the_seed_of_a_difference(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A campaign that can't fail proves nothing: the reference is made to lie."""
    lie = Rails(frozenset({"lie"}), frozenset(), frozenset())
    monkeypatch.setattr(agreement.Reference, "rails", lambda _: lie)
    assert campaign(monkeypatch, "20") == 1
    told = capsys.readouterr().out
    assert "seed 0" in told
    assert "20 pairs, 20 differences" in told
    assert agreement.Reference is Reference


def campaign(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The script's exit status."""
    monkeypatch.setattr(sys, "argv", [str(CAMPAIGN), *arguments])
    monkeypatch.setattr(sys, "path", [*sys.path])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(CAMPAIGN), run_name="__main__")
    return int(ended.value.code or 0)
