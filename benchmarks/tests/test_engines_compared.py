"""Engines are compared before they are timed, and a wrong one is caught."""

from __future__ import annotations

import pytest

from benchmarks import engine_speed, report
from benchmarks.engines.contender import Decided
from benchmarks.engines.durable_host import DurableHost
from benchmarks.engines.ours import Ours
from benchmarks.engines.rule_engine_peer import RuleEngine
from benchmarks.rulesets import Shape, make_reports, make_ruleset
from benchmarks.sizes import LEAST
from benchmarks.tables import Target
from benchmarks.timing import Figure, by_turns, percentile
from triage_rules.evaluation.decision import disposition_of
from triage_rules.evaluation.reference import Reference


class Forgetful(RuleEngine):
    """Forgets one of the rules that fired."""

    name = "forgetful"

    def read(self, answer: list[str]) -> Decided:
        return self.from_rules(answer[1:])


class Lenient(RuleEngine):
    """Has the right rules, and calls everything routine."""

    name = "lenient"

    def read(self, answer: list[str]) -> Decided:
        return Decided("routine", frozenset(answer))


def test_every_engine_that_is_here_gets_its_column() -> None:
    """All Python peers are in the lock file of the benchmarks, so they are here; node may not be."""
    table = engine_speed.measure(LEAST)
    assert len(table.rows) == 2
    missing = [note for note in table.notes if "json-rules-engine" not in note and "node" not in note]
    assert missing == []
    python_peers = [name for name in table.columns[1:-1] if name != "json-rules-engine"]
    for row in table.rows:
        figures = dict(zip(table.columns, row, strict=True))
        assert all(isinstance(figures[name], Figure) for name in python_peers)
        assert figures["fastest other / ours"].median > 0


@pytest.mark.parametrize("wrong", [Forgetful, Lenient])
def test_a_peer_that_decides_otherwise_stops_the_comparison(wrong: type[RuleEngine]) -> None:
    ruleset = make_ruleset(Shape(60))
    reports = make_reports(ruleset, 20, 0.0)
    with pytest.raises(engine_speed.Mismatch, match=wrong.name):
        engine_speed.compare([Ours(ruleset), wrong(ruleset)], reports, [], "60 rules")


def test_a_peer_that_refuses_reports_is_told_of_and_not_timed() -> None:
    class Refusing(RuleEngine):
        name = "refusing"

        def run(self, _: object) -> list[str]:
            raise ValueError("too many")

    ruleset = make_ruleset(Shape(20))
    notes: list[str] = []
    agreeing = engine_speed.compare(
        [Ours(ruleset), Refusing(ruleset)], make_reports(ruleset, 3, 0.0), notes, "20 rules"
    )
    assert [one.name for one in agreeing] == [Ours.name]
    assert notes == ["refusing refuses reports at 20 rules: too many"]


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_all_agree_with_the_reference_evaluator(layers: int, share: float) -> None:
    """What the others are held against is not our engine's word alone."""
    ruleset = make_ruleset(Shape(60, layers))
    reports = make_reports(ruleset, 30, share)
    held = [Reference(ruleset, report).established() for report in reports]
    wanted = [
        Decided(ruleset.dispositions[disposition_of(ruleset, keys)].level.word, frozenset(keys & set(ruleset.rules)))
        for keys in held
    ]
    assert Ours(ruleset).decide(reports) == wanted
    assert DurableHost(ruleset).decide(reports) == wanted
    assert len({one.level for one in wanted}) > 1


def test_a_ratio_is_taken_pair_by_pair() -> None:
    slow, quick = Figure((2.0, 40.0, 6.0), "s"), Figure((1.0, 10.0, 3.0), "s")
    assert slow.over(quick).values == (2.0, 4.0, 2.0)
    assert str(slow.over(quick)) == "2.00 x (2.00 to 4.00)"


def test_contenders_take_turns_and_none_is_always_first() -> None:
    called: list[str] = []
    figures = by_turns({name: lambda name=name: called.append(name) or 1.0 for name in "ab"}, runs=2)
    assert called == ["a", "b", "a", "b", "b", "a"]
    assert figures["a"].values == (1.0, 1.0)


def test_a_percentile_is_never_below_its_share() -> None:
    hundred = [float(n) for n in range(1, 101)]
    assert [percentile(hundred, share) for share in (0.5, 0.99, 0.999, 1.0)] == [50, 99, 100, 100]
    assert percentile([7.0], 0.5) == 7


def test_a_missed_target_is_told_as_missed() -> None:
    assert "**not met**" in Target("speed", 2.0, 1.9).cells()
    assert "met" in Target("wait", 50, 49, "ms", least=False).cells()


def test_figures_go_between_the_marks_alone(tmp_path: object) -> None:
    document = tmp_path / "performance.md"
    document.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    machine = {
        "packages": {"redis": "1"}, "cores": 2, "processor": "p", "memory_gb": 1, "kernel": "k", "python": "3", "node": "v20",
        "json-rules-engine": "7",
    }  # fmt: skip
    report.put_into(document, [engine_speed.measure(LEAST, [Ours, RuleEngine])], LEAST, machine, "plots")
    text = document.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "20 rules, two layers, 50% open" in text
    document.write_text("no marks")
    with pytest.raises(ValueError, match="no marks"):
        report.put_into(document, [], LEAST, machine, "plots")
