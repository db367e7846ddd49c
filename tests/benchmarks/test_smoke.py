"""The benchmarks' own tests need their peers (`make bench-test`); this part needs none of them."""

from __future__ import annotations

from benchmarks.engines.contender import Decided
from benchmarks.engines.durable_host import DurableHost
from benchmarks.engines.ours import Ours
from benchmarks.rulesets import Shape, make_reports, make_ruleset


def test_our_engine_and_the_plain_host_decide_alike() -> None:
    """A change that breaks what the benchmarks import is noticed before somebody measures."""
    ruleset = make_ruleset(Shape(20, 2))
    reports = make_reports(ruleset, 10, 0.5)
    outcomes = Ours(ruleset).decide(reports)
    assert outcomes == DurableHost(ruleset).decide(reports)
    assert all(isinstance(outcome, Decided) for outcome in outcomes)
