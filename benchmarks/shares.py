"""The time of a report by step: each step separately, in one process."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

from benchmarks.filling import Filling
from benchmarks.posting import Posting, red_dots
from benchmarks.servers import Stack, stack
from benchmarks.sizes import Size
from benchmarks.tables import Table, bars
from benchmarks.timing import by_turns
from service.use.dispatch import CeleryDispatch
from triage_rules.deployment.live import LiveRulesets
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.foundation import strict_json
from triage_rules.intake.report import read_report
from triage_rules.language.model import Answers
from triage_rules.records.reports import History, Lane


def measure(size: Size) -> Table:
    """Measure the steps, to explain missed targets."""
    posting = red_dots(size.cases)
    with stack(posting.bundle) as servers:
        way = _Way(servers, posting)
        steps = {
            "web: decode and check": way.read,
            "web: look whether it is urgent": way.look,
            "web: accept": way.accept,
            "web: enqueue, once for a batch": way.enqueue,
            "worker: begin": way.begin,
            "worker: evaluate, first opinion and result": way.evaluate_alone,
            "worker: evaluate, both opinions and result": way.evaluate,
            "worker: settle": way.settle,
        }
        timed = by_turns({name: _each(step, size.reports) for name, step in steps.items()}, size.runs, turning=False)
    figures = {name: figure.times(1e6 / size.reports, "µs") for name, figure in timed.items()}
    table = Table(
        "shares",
        "Where the time of a report goes",
        "A report of red-dots, step by step in an otherwise idle process. The steps don't include the time of Flask, "
        "gunicorn and Celery themselves: see the view that does nothing, and the bare task.",
        ("step", "figure"),
    )
    table.rows = list(figures.items())
    table.plots = [bars("shares", "Where the time of a report goes", "µs", figures)]
    return table


class _Way:
    """Steps of a report, a method each; later steps use the output of earlier ones."""

    def __init__(self, servers: Stack, posting: Posting) -> None:
        self._store = servers.store
        self._filling = Filling(servers, posting)
        self._dispatch = CeleryDispatch(servers.settings)
        self._live = LiveRulesets(servers.store.rulesets)
        self._evaluator = Evaluator(posting.ruleset, posting.bundle.digest)
        self._alone = Evaluator(posting.ruleset, posting.bundle.digest, second_opinion=False)
        self._posted = itertools.cycle([strict_json.dumps(one).encode() for one in posting.posted])
        self._findings = itertools.cycle(posting.answers)
        self._accepted: list[str] = []
        self._begun: list[str] = []
        self._result = self._decide(self._evaluator, posting.answers[0])

    def read(self) -> None:
        raw = strict_json.loads(next(self._posted), max_bytes=65_536)
        read_report(raw, self._live, self._store.now_ms())

    def look(self) -> None:
        self._evaluator.looks_urgent(next(self._findings), History())

    def accept(self) -> None:
        self._accepted += self._filling.accept(1)

    def enqueue(self) -> None:
        self._dispatch(["0" * 32], Lane.NORMAL)

    def begin(self) -> None:
        self._begun.append(self._accepted.pop())
        self._store.work.begin(self._begun[-1], self._store.now_ms())

    def evaluate_alone(self) -> None:
        self._decide(self._alone, next(self._findings))

    def evaluate(self) -> None:
        self._decide(self._evaluator, next(self._findings))

    def settle(self) -> None:
        report_id = self._begun.pop()
        self._store.work.settle(report_id, self._result | {"id": report_id}, self._store.now_ms(), History())

    def _decide(self, evaluator: Evaluator, answers: Answers) -> dict[str, object]:
        now = self._store.now_ms()
        return evaluator.evaluate(answers, History(), report_id="r", received_ms=now, evaluated_ms=now)


def _each(step: Callable[[], None], count: int) -> Callable[[], float]:
    def seconds() -> float:
        begun = time.perf_counter()
        for _ in range(count):
            step()
        return time.perf_counter() - begun

    return seconds
