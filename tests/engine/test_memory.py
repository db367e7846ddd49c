"""What the engine holds does not grow with the reports, and nothing of one report is left for the next."""

from __future__ import annotations

import gc
from random import Random
from typing import Any

import durable_rules_engine
import pytest

from tests.engine.raw import child
from tests.support.oracles.engine_agreement import masks_by_reference
from tests.support.rulesets.generated import DIGEST, make_findings, make_report, make_ruleset
from tests.support.shares import examples
from triage_rules.evaluation.compiling import compile_ruleset
from triage_rules.evaluation.engine import Engine
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.foundation.errors import EngineError
from triage_rules.language.model import Ruleset
from triage_rules.records.reports import History

MEASURING = """
    import gc
    from random import Random
    from tests.support.rulesets.generated import DIGEST, make_report, make_ruleset
    from triage_rules.evaluation.compiling import compile_ruleset
    from triage_rules.evaluation.engine import Engine
    from triage_rules.evaluation.evaluator import Evaluator
    from triage_rules.records.reports import History

    def resident():
        '''Kilobytes of this process in memory.'''
        gc.collect()
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
"""
KB_OF_NOISE = 3_000
"""An engine of some hundred rules holds about 700 KB, so a few that stay behind show."""


def grown(code: str) -> int:
    """Kilobytes by which a child process grew between the two numbers that it prints."""
    ended = child(MEASURING + code, timeout=120)
    assert ended.returncode == 0, ended.stderr
    before, after = map(int, ended.stdout.split())
    return after - before


def test_memory_is_flat_over_five_thousand_evaluations() -> None:
    """Measured between the 1,000th and the 5,000th report, in a process of its own."""
    growth = grown(
        """
    random = Random(4)
    ruleset = make_ruleset(random, inputs=12, statements=10, rules=15)
    evaluator = Evaluator(ruleset, DIGEST)
    for number in range(1, 5001):
        answers, history = make_report(random, ruleset)
        evaluator.evaluate(answers, history, report_id="r", received_ms=0, evaluated_ms=0)
        if number in (1000, 5000):
            print(resident())
    """
    )
    assert growth < KB_OF_NOISE


def test_memory_is_flat_over_three_hundred_engines() -> None:
    """Registered, run and closed, as with each deploy. `delete_ruleset` alone leaves the state's memory behind."""
    growth = grown(
        """
    ruleset = make_ruleset(Random(11), statements=20, rules=30)
    compiled = compile_ruleset(ruleset, "made")
    for number in range(1, 301):
        engine = Engine(compiled)
        engine.run({})
        engine.close()
        if number in (50, 300):
            print(resident())
    """
    )
    assert growth < KB_OF_NOISE


def test_memory_is_flat_over_evaluators_that_are_let_go() -> None:
    """Nobody closes the evaluator of a ruleset that is no longer live: it goes when nobody holds it."""
    many = examples(25, 80)
    growth = grown(
        f"""
    ruleset = make_ruleset(Random(11), statements=20, rules=30)
    for number in range(1, {many} + 1):
        Evaluator(ruleset, DIGEST).evaluate({{}}, History(), report_id="r", received_ms=0, evaluated_ms=0)
        if number in ({many // 4}, {many}):
            print(resident())
    """
    )
    assert growth < KB_OF_NOISE


def test_memory_is_flat_over_errors() -> None:
    """Each error throws the state away and builds it anew."""
    growth = grown(
        """
    from triage_rules.foundation.errors import EngineError
    ruleset = make_ruleset(Random(11), statements=20, rules=30)
    engine = Engine(compile_ruleset(ruleset, "made"))
    complete = durable_rules_engine.complete_and_start_action
    calls, pages = [], engine._compiled.pages

    def fail(*arguments):
        '''Not yet while the engine is opened: each page is then completed once.'''
        calls.append(arguments)
        if len(calls) > len(pages):
            raise durable_rules_engine.error("told to")
        return complete(*arguments)

    durable_rules_engine.complete_and_start_action = fail
    for number in range(1, 301):
        calls.clear()
        try:
            engine.run({})
        except EngineError:
            pass
        else:
            raise AssertionError("no error")
        if number in (50, 300):
            print(resident())
    """
    )
    assert growth < KB_OF_NOISE


# --- after an error -------------------------------------------------------------------------

CALLS = ["assert_fact", "start_action_for_state", "complete_and_start_action", "retract_fact"]


@pytest.fixture
def ruleset() -> Ruleset:
    return make_ruleset(Random(7), inputs=10, statements=10, rules=15)


def failing_at(monkeypatch: pytest.MonkeyPatch, call: str, time: int, error: BaseException) -> None:
    """Let the C call fail once, at that time; before and afterwards it is itself."""
    original = getattr(durable_rules_engine, call)
    times = iter(range(1_000_000))

    def sometimes(*arguments: Any) -> Any:
        if next(times) == time:
            raise error
        return original(*arguments)

    monkeypatch.setattr(durable_rules_engine, call, sometimes)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("time", [0, 1, 3])
def test_after_an_error_midway_the_next_report_is_clean(
    ruleset: Ruleset, monkeypatch: pytest.MonkeyPatch, call: str, time: int
) -> None:
    """A fact left behind would be the next patient's."""
    random = Random(time)
    engine = Engine(compile_ruleset(ruleset, "made"))
    assert len(engine._compiled.pages) > 1
    for _ in range(5):
        with monkeypatch.context() as patched:
            failing_at(patched, call, time, durable_rules_engine.error("told to"))
            with pytest.raises(EngineError):
                engine.run(make_findings(random, ruleset, 1))
        for findings in ({}, make_findings(random, ruleset)):
            assert engine.run(findings) == masks_by_reference(ruleset, findings)


def test_an_outcome_that_says_no_is_an_error(ruleset: Ruleset, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some refusals are no exceptions in C: not handled, observed before."""
    engine = Engine(compile_ruleset(ruleset, "made"))
    for call in ("assert_fact", "retract_fact"):
        with monkeypatch.context() as patched:
            patched.setattr(durable_rules_engine, call, lambda *_: (2, 1))
            with pytest.raises(EngineError):
                engine.run({})
        assert engine.run({}) == masks_by_reference(ruleset, {})


def test_a_page_that_nothing_received_is_an_error(ruleset: Ruleset, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report that the engine passed over in silence would be a report with nothing wrong."""
    engine = Engine(compile_ruleset(ruleset, "made"))
    with monkeypatch.context() as patched:
        patched.setattr(durable_rules_engine, "start_action_for_state", lambda *_: None)
        with pytest.raises(EngineError):
            engine.run({})
    assert engine.run({}) == masks_by_reference(ruleset, {})


def test_an_interrupted_evaluation_leaves_nothing_behind(ruleset: Ruleset, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that is told to stop may still be given a report; the interruption itself goes its way."""
    engine = Engine(compile_ruleset(ruleset, "made"))
    with monkeypatch.context() as patched:
        failing_at(patched, "complete_and_start_action", 1, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            engine.run(make_findings(Random(1), ruleset, 1))
    assert engine.run({}) == masks_by_reference(ruleset, {})


def test_an_engine_that_can_not_be_built_anew_fails_each_report_until_it_can(
    ruleset: Ruleset, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(compile_ruleset(ruleset, "made"))
    with monkeypatch.context() as patched:
        failing_at(patched, "assert_fact", 0, MemoryError())
        with pytest.raises(EngineError):
            engine.run({})
        failing_at(patched, "create_ruleset", 0, MemoryError())
        with pytest.raises(EngineError):
            engine.run({})
        assert engine.run({}) == masks_by_reference(ruleset, {})


def test_a_ruleset_that_the_engine_refuses_is_an_engine_error(
    ruleset: Ruleset, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing_at(
        monkeypatch, "create_ruleset", 0, durable_rules_engine.error("Could not create ruleset, error code: 204")
    )
    with pytest.raises(EngineError, match="204"):
        Engine(compile_ruleset(ruleset, "made"))


def test_closing_twice_is_closing_once(ruleset: Ruleset) -> None:
    engine = Engine(compile_ruleset(ruleset, "made"))
    engine.close()
    engine.close()
    assert engine.run({}) == masks_by_reference(ruleset, {})


def test_an_engine_gives_its_handle_back_when_nobody_holds_it(
    ruleset: Ruleset, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_back: list[int] = []
    original = durable_rules_engine.delete_ruleset

    def spy(handle: int) -> None:
        given_back.append(handle)
        original(handle)

    monkeypatch.setattr(durable_rules_engine, "delete_ruleset", spy)
    evaluator = Evaluator(ruleset, DIGEST)
    evaluator.evaluate({}, History(), report_id="r", received_ms=0, evaluated_ms=0)
    assert evaluator._engine is not None
    handles = set(evaluator._engine._handles)
    del evaluator
    gc.collect()
    assert handles <= set(given_back)


def test_reports_after_each_other_are_as_reports_alone(ruleset: Ruleset) -> None:
    """Whatever ran before: every report of a long row comes out as in an engine of its own."""
    random = Random(9)
    shared = Evaluator(ruleset, DIGEST)
    for _ in range(40):
        answers, history = make_report(random, ruleset)
        alone = Evaluator(ruleset, DIGEST)
        results = [
            evaluator.evaluate(answers, history, report_id="r", received_ms=0, evaluated_ms=0)
            for evaluator in (shared, alone)
        ]
        assert results[0] == results[1]
