"""(g) Growth with findings, worker processes and pending reports. For rules, see the engines."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from benchmarks.engines.ours import Ours
from benchmarks.filling import Enough, Filling, worked
from benchmarks.posting import Posting, red_dots
from benchmarks.rulesets import Shape, make_reports, make_ruleset
from benchmarks.servers import Stack, stack
from benchmarks.sizes import Size
from benchmarks.tables import Table
from benchmarks.timing import Figure, by_turns
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.records.reports import History

RULES = 60
FINDINGS = (35, 70, 140, 210)
PROCESSES = (1, 2, 4)


def measure(size: Size) -> Table:
    """Measure each dimension with the others unchanged."""
    table = Table(
        "growth",
        "Growth",
        f"Findings: one report, {RULES} generated rules in two layers, a fifth of the answers open, one process. "
        "Worker processes: reports of red-dots, each a task, on two cores that store and broker share. Pending: only "
        "the store, one report after the other, without evaluation, while that many others are pending. For the "
        "growth with rules, see the engines.",
        ("what", "figure"),
    )
    table.rows += [(f"{count} findings", figure) for count, figure in _by_findings(size).items()]
    posting = red_dots(size.cases)
    table.rows += [(f"{count} worker processes", figure) for count, figure in _by_processes(posting, size).items()]
    table.rows += _by_backlog(posting, size)
    return table


def _by_findings(size: Size) -> dict[int, Figure]:
    asked: dict[str, Callable[[], float]] = {}
    for count in FINDINGS:
        ruleset = make_ruleset(Shape(RULES, 2, count))
        engine, reports = Ours(ruleset), make_reports(ruleset, size.reports, 0.2)
        asked[str(count)] = lambda engine=engine, reports=reports: engine.seconds(reports)  # type: ignore[misc]
    return {int(n): one.times(1e6 / size.reports, "µs") for n, one in by_turns(asked, size.runs).items()}


def _by_processes(posting: Posting, size: Size) -> dict[int, Figure]:
    """Measure each number of processes with its own store and worker; only one works at a time."""
    with contextlib.ExitStack() as running:
        asked = {
            str(count): _worker(running.enter_context(stack(posting.bundle)), posting, count, size)
            for count in PROCESSES
        }
        figures = by_turns(asked, size.runs, "/s")
    return {int(count): figure for count, figure in figures.items()}


def _worker(servers: Stack, posting: Posting, processes: int, size: Size) -> Callable[[], float]:
    filling, worker = Filling(servers, posting), servers.start_worker(processes=processes)
    return Enough(worked(servers, worker, filling.singly, filling.decided), size.seconds, size.queued // 2)


def _by_backlog(posting: Posting, size: Size) -> list[tuple[str, Figure]]:
    rows = []
    evaluator = Evaluator(posting.ruleset, posting.bundle.digest)
    result = evaluator.evaluate(posting.answers[0], History(), report_id="r", received_ms=0, evaluated_ms=0)
    with stack(posting.bundle) as servers:
        filling = Filling(servers, posting)
        filling.accept(size.reports)  # to warm up
        servers.forget()
        for waiting in size.backlogs:
            have = int(servers.client.zcard("triage:pending"))
            filling.accept(waiting - have)
            accepted, settled = [], []
            for _ in range(size.runs):
                begun = time.perf_counter()
                ids = [filling.accept(1)[0] for _ in range(size.reports)]
                accepted.append((time.perf_counter() - begun) / size.reports * 1e6)
                settled.append(_settle(servers, ids, result))
            rows.append((f"accept, {waiting:,} pending", Figure(tuple(accepted), "µs")))
            rows.append((f"begin and settle, {waiting:,} pending", Figure(tuple(settled), "µs")))
    return rows


def _settle(servers: Stack, ids: list[str], result: dict[str, object]) -> float:
    """Return the µs for each report."""
    begun = time.perf_counter()
    for report_id in ids:
        now = servers.store.now_ms()
        servers.store.work.begin(report_id, now)
        servers.store.work.settle(report_id, result | {"id": report_id}, now)
    return (time.perf_counter() - begun) / len(ids) * 1e6
