"""(a) The same logical rulesets in our engine and in the usual alternatives."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from benchmarks.engines.clips_peer import Clips
from benchmarks.engines.contender import Contender, Decided, InProcess, NotHere
from benchmarks.engines.durable_host import DurableHost
from benchmarks.engines.json_rules_peer import JsonRules
from benchmarks.engines.ours import Ours, OursAlone
from benchmarks.engines.rule_engine_peer import RuleEngine
from benchmarks.engines.zen_peer import ZenEngine
from benchmarks.rulesets import Shape, make_reports, make_ruleset
from benchmarks.sizes import Size
from benchmarks.tables import Cell, Line, Plot, Table, Target
from benchmarks.timing import Figure, by_turns
from triage_rules.language.model import Answers, Ruleset

Engine = type[InProcess] | type[JsonRules]

OURS = (Ours, OursAlone)
PEERS = (DurableHost, ZenEngine, RuleEngine, Clips, JsonRules)
COMPARED = (60, 200)
"""Rules for which a target says how far ahead we are."""

WANTED = 2.0


class Mismatch(Exception):
    """Two engines decided the same report differently, so their speeds can't be compared."""


def measure(size: Size, engines: Sequence[Engine] = (*OURS, *PEERS)) -> Table:
    """Measure the engines on each shape and share of open answers. Raises Mismatch."""
    names = [engine.name for engine in engines]
    table = Table(
        "engines",
        "Our engine and others",
        "Processor time for one report in µs, in all threads of the engine's process; other load on the machine "
        "affects it less than time by the clock. Ours returns the whole result: fired rules, reasons, open inputs, "
        "questions to ask, advice. The others return the names of the fired rules. All engines gave the same "
        "decisions before the timing.",
        ("rules, layers, open", *names, "fastest other / ours"),
    )
    medians: dict[str, dict[Shape, list[float]]] = {name: {} for name in names}
    ahead: dict[int, list[float]] = {}
    for shape in [Shape(rules, layers) for rules in size.rules for layers in (1, 2)]:
        ruleset = make_ruleset(shape)
        for share in size.open_shares:
            reports = make_reports(ruleset, size.reports, share)
            with _loaded(engines, ruleset, table.notes) as contenders:
                agreeing = compare(contenders, reports, table.notes, str(shape))
                timed = by_turns({c.name: _pass(c, reports) for c in agreeing}, size.runs)
            figures = {name: figure.times(1e6 / len(reports), "") for name, figure in timed.items()}
            for name, figure in figures.items():
                medians[name].setdefault(shape, []).append(figure.median)
            ratio = _ahead(figures)
            ahead.setdefault(shape.rules, []).extend([] if ratio is None else [ratio.median])
            cells: list[Cell] = [figures.get(name, "refuses") for name in names]
            table.rows.append((f"{shape}, {share:.0%} open", *cells, "" if ratio is None else ratio))
    table.notes[:] = dict.fromkeys(table.notes)
    table.plots = [_plot(medians, layers) for layers in (1, 2)]
    table.targets = [*_ahead_targets(ahead), *_growth_targets(medians)]
    return table


def compare(
    contenders: Sequence[Contender], reports: Sequence[Answers], notes: list[str], what: str
) -> list[Contender]:
    """Return the engines that accept these reports; the first is the reference. Raises Mismatch."""
    wanted = contenders[0].decide(reports)
    agreeing = [contenders[0]]
    for contender in contenders[1:]:
        try:
            found = contender.decide(reports)
        except Exception as error:  # noqa: BLE001 - whatever it is, the engine doesn't take them
            notes.append(f"{contender.name} refuses reports at {what}: {error}")
            continue
        _check(contenders[0].name, wanted, contender.name, found)
        agreeing.append(contender)
    return agreeing


def _check(ours: str, wanted: Sequence[Decided], theirs: str, found: Sequence[Decided]) -> None:
    for number, (want, got) in enumerate(zip(wanted, found, strict=True)):
        if want != got:
            missing, more = sorted(want.fired - got.fired), sorted(got.fired - want.fired)
            raise Mismatch(
                f"report {number}: {ours} says {want.level}, {theirs} {got.level}; {missing} missing, {more} too many"
            )


@contextmanager
def _loaded(engines: Sequence[Engine], ruleset: Ruleset, notes: list[str]) -> Iterator[list[Contender]]:
    made: list[Contender] = []
    try:
        for engine in engines:
            try:
                made.append(engine(ruleset))
            except NotHere as error:
                notes.append(f"not measured: {error}")
        yield made
    finally:
        for contender in made:
            contender.close()


def _pass(contender: Contender, reports: Sequence[Answers]) -> Callable[[], float]:
    return lambda: contender.seconds(reports)


def _ahead(figures: dict[str, Figure]) -> Figure | None:
    """Return the ratio of the fastest other engine's time to ours, as in production."""
    others = [figure for name, figure in figures.items() if name in {peer.name for peer in PEERS}]
    if not others or Ours.name not in figures:
        return None
    return min(others, key=lambda figure: figure.median).over(figures[Ours.name])


def _ahead_targets(ahead: dict[int, list[float]]) -> list[Target]:
    """Yield the targets over all layers and shares of open findings: worst case and median."""
    targets = []
    for rules, found in ahead.items():
        if rules in COMPARED and found:
            says = f"engine with explanation, {rules} rules: times as fast as the fastest other"
            targets.append(Target(f"{says}, worst case", WANTED, min(found), "x"))
            targets.append(Target(f"{says}, median", WANTED, statistics.median(found), "x"))
    return targets


def _growth_targets(medians: dict[str, dict[Shape, list[float]]]) -> list[Target]:
    """Yield the targets for growth: time must not grow faster than the number of rules."""
    found = medians.get(Ours.name, {})
    targets = []
    for layers in (1, 2):
        of = {shape.rules: sum(values) / len(values) for shape, values in found.items() if shape.layers == layers}
        least, most = min(COMPARED), max(of, default=0)
        if least in of and most > least:
            growth = (of[most] / of[least]) / (most / least)
            says = f"growth from {least} to {most} rules, {'one layer' if layers == 1 else 'two layers'}: time by rules"
            targets.append(Target(says, 1.0, growth, "x", least=False))
    return targets


def _plot(medians: dict[str, dict[Shape, list[float]]], layers: int) -> Plot:
    lines = []
    for name, found in medians.items():
        points = tuple(
            (float(shape.rules), sum(values) / len(values)) for shape, values in found.items() if shape.layers == layers
        )
        lines.append(Line(name, points))
    told = "one layer" if layers == 1 else "two layers"
    return Plot(f"engines-{layers}", f"One report, {told}, mean over what is open", "rules", "µs", tuple(lines))
