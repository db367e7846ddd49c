"""The time of a decision by part: each part separately, on the same reports, in one process."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from benchmarks.posting import red_dots
from benchmarks.rulesets import Shape, make_reports, make_ruleset
from benchmarks.sizes import Size
from benchmarks.tables import Table
from benchmarks.timing import Figure, by_turns
from triage_rules.evaluation.compiling import compile_ruleset
from triage_rules.evaluation.decision import Decider
from triage_rules.evaluation.engine import Engine
from triage_rules.evaluation.generated.program import GeneratedEvaluator, Reach
from triage_rules.evaluation.result import Identity, Results
from triage_rules.foundation import strict_json
from triage_rules.language.model import Answers, Ruleset

MADE = (60, 200)
OPEN_SHARE = 0.2
NOW_MS = 1_790_000_000_000


def measure(size: Size) -> Table:
    """Measure the parts for red-dots, and for generated rulesets as in the comparison of engines."""
    posting = red_dots(size.cases)
    columns = {"red-dots": _timed(posting.ruleset, posting.answers, size)}
    for rules in MADE:
        ruleset = make_ruleset(Shape(rules))
        columns[f"{rules} rules, one layer"] = _timed(ruleset, make_reports(ruleset, size.cases, OPEN_SHARE), size)
    table = Table(
        "parts",
        "Where the time of a decision goes",
        "Processor time for one report in µs. Each part was measured separately, with warm caches, so the sum is less "
        "than a whole decision. The generated rulesets have a fifth of their answers open.",
        ("part", *columns),
    )
    parts = next(iter(columns.values()))
    table.rows = [(part, *(column[part] for column in columns.values())) for part in parts]
    return table


def _timed(ruleset: Ruleset, reports: Sequence[Answers], size: Size) -> dict[str, Figure]:
    parts = _Parts(ruleset, reports)
    steps = {
        "first opinion": parts.first_opinion,
        "included: looking ahead; the rest is durable-rules and its messages": parts.look_ahead,
        "second opinion": parts.second_opinion,
        "the same, with reasons and dependencies of outcomes": parts.explained,
        "deciding": parts.decide,
        "building the result": parts.tell,
        "writing it as JSON": parts.write,
    }
    timed = by_turns({name: partial(_seconds, step, len(reports)) for name, step in steps.items()}, size.runs)
    return {name: figure.times(1e6 / len(reports), "") for name, figure in timed.items()}


EVERYTHING = Reach(askable=-1, closed=0)
"""Every open input may still be answered."""


class _Parts:
    """Parts of a decision, a method each; the input from other parts is prepared before."""

    def __init__(self, ruleset: Ruleset, reports: Sequence[Answers]) -> None:
        self._reports = reports
        self._compiled = compile_ruleset(ruleset, "measured")
        self._engine = Engine(self._compiled)
        self._plain = GeneratedEvaluator(ruleset)
        self._deciding = Decider(ruleset)
        self._results = Results(ruleset, self._deciding)
        self._identity = Identity("r", ruleset.name, ruleset.version, "sha256:0", NOW_MS, NOW_MS)
        self._rails = [self._engine.run(report) for report in reports]
        self._opinions = [self._plain.of(report, EVERYTHING) for report in reports]
        self._decisions = [self._deciding.decide(rails) for rails in self._rails]
        self._written = [self.tell(number) for number in range(len(reports))]  # and so explained

    def first_opinion(self, number: int) -> None:
        self._engine.run(self._reports[number])

    def look_ahead(self, number: int) -> None:
        self._compiled.lookahead.of(self._reports[number])

    def second_opinion(self, number: int) -> None:
        self._plain.of(self._reports[number])

    def explained(self, number: int) -> None:
        self._plain.of(self._reports[number], EVERYTHING).depends_on_in_reach()

    def decide(self, number: int) -> None:
        self._deciding.decide(self._rails[number])

    def tell(self, number: int) -> Any:
        opinion, rails, decision = self._opinions[number], self._rails[number], self._decisions[number]
        return self._results.make(self._identity, opinion, rails, decision, disagreement=False)

    def write(self, number: int) -> None:
        strict_json.dumps_fast(self._written[number])


def _seconds(step: Callable[[int], None], count: int) -> float:
    begun = time.process_time()
    for number in range(count):
        step(number)
    return time.process_time() - begun
