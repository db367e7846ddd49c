"""(b) red-dots itself: decisions per second and core, cold start, memory."""

from __future__ import annotations

import itertools
import json
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from benchmarks.posting import RED_DOTS, ROOT, Posting, red_dots
from benchmarks.sizes import Size
from benchmarks.tables import Table, Target
from benchmarks.timing import Figure, by_turns
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.language.bundle import open_bundle
from triage_rules.language.model import Answers
from triage_rules.records.reports import History

WANTED_A_SECOND = 4_000
GROW_SECONDS = 30
CASES = 500
NOW_MS = 1_790_000_000_000
Made = TypeVar("Made")
_ready: Barrier | None = None
PROCESSES = multiprocessing.get_context("spawn")


def measure(size: Size) -> Table:
    """Measure red-dots with the reports of its worked cases, each equally often."""
    posting = red_dots(size.cases)
    table = Table(
        "red-dots",
        "red-dots",
        f"The delivered ruleset, {len(posting.ruleset.rules)} rules and {len(posting.ruleset.floors)} floors, with the "
        f"reports of {len(posting.answers)} of its worked cases, one after the other. A decision is the whole result, "
        "as published. Decisions are counted by processor time, so they are the rate of one core.",
        ("what", "figure"),
    )
    alone = _decisions(posting, size)
    at_once = _at_once(size)
    table.rows += [
        ("decisions in one process", alone["as in production"]),
        ("the same without the second opinion", alone["no second opinion"]),
        (f"a core, {_cores()} processes at once", at_once),
    ]
    table.rows += [*_cold_start(size), *_memory(size)]
    table.targets = [
        Target("red-dots: decisions per second and core, without the cache", WANTED_A_SECOND, at_once.median, "/s")
    ]
    return table


def _decisions(posting: Posting, size: Size) -> dict[str, Figure]:
    evaluators = {
        "as in production": Evaluator(posting.ruleset, posting.bundle.digest),
        "no second opinion": Evaluator(posting.ruleset, posting.bundle.digest, second_opinion=False),
    }
    count = len(posting.answers)
    timed = by_turns({name: _pass(one, posting.answers) for name, one in evaluators.items()}, size.runs)
    return {name: figure.per(count, "/s") for name, figure in timed.items()}


def _pass(evaluator: Evaluator, reports: tuple[Answers, ...]) -> Callable[[], float]:
    def seconds() -> float:
        """Return the processor time."""
        begun = time.process_time()
        for report in reports:
            decide(evaluator, report)
        return time.process_time() - begun

    return seconds


def decide(evaluator: Evaluator, report: Answers) -> dict[str, Any]:
    """Decide a report without history."""
    return evaluator.evaluate(report, History(), report_id="r", received_ms=NOW_MS, evaluated_ms=NOW_MS)


def _at_once(size: Size) -> Figure:
    """Measure a core's rate with a process on every core."""
    values = []
    for _ in range(size.runs):
        ready = PROCESSES.Barrier(_cores())
        with PROCESSES.Pool(_cores(), initializer=_keep, initargs=(ready,)) as pool:
            rates = pool.starmap(_rate, [(size.seconds, size.cases)] * _cores(), chunksize=1)
        values.append(sum(rates) / len(rates))
    return Figure(tuple(values), "/s")


def _keep(ready: Barrier) -> None:
    global _ready  # noqa: PLW0603 - how a pool hands its processes what can't be pickled
    _ready = ready


def _rate(seconds: float, cases: int) -> float:
    """Return this process's rate per second."""
    posting = red_dots(cases)
    evaluator = Evaluator(posting.ruleset, posting.bundle.digest)
    one_pass = _pass(evaluator, posting.answers)
    one_pass()
    assert _ready is not None
    _ready.wait(60)
    passes, took = 0, 0.0
    while took < seconds:
        took += one_pass()
        passes += 1
    return passes * len(posting.answers) / took


def _cold_start(size: Size) -> list[tuple[str, Figure]]:
    with TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        report.write_text(json.dumps(red_dots(1).posted[0]), encoding="utf-8")
        triage = [str(Path(sys.executable).parent / "triage"), "decide", str(RED_DOTS), str(report), "--format", "json"]
        timed = by_turns(
            {"command": lambda: _took(triage), "python": lambda: _took([sys.executable, "-c", "pass"])}, size.runs
        )
    parts = [_child("_begin") for _ in range(size.runs)]
    return [
        ("`triage decide`, from start to result", timed["command"].times(1000, "ms")),
        ("included: the start of Python", timed["python"].times(1000, "ms")),
        *[
            (f"in a worker: {what}", Figure(tuple(part[what] for part in parts), "ms"))
            for what in ("imports", "opening the bundle", "compiling", "first decision")
        ],
    ]


def _took(command: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)
    return time.perf_counter() - begun


def _memory(size: Size) -> list[tuple[str, Figure]]:
    """Measure the resident memory of a process, in MB."""
    found = _child("_grow", str(size.decisions))
    return [(f"memory of one process: {what}", Figure((value,), "MB")) for what, value in found.items()]


def _child(function: str, *arguments: str) -> dict[str, float]:
    """Run a function of this module in a new process, and return its output."""
    code = (
        "import time; begun = time.perf_counter(); from benchmarks import red_dots; "
        f"red_dots.{function}(begun, *{arguments!r})"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT)
    return dict(json.loads(done.stdout))


def _begin(begun: float) -> None:
    """Print the parts of a start, in ms."""
    took = {"imports": time.perf_counter() - begun}
    posting = red_dots(1)
    ruleset = _timed(took, "opening the bundle", lambda: open_bundle(posting.bundle.data, posting.bundle.digest))
    evaluator = _timed(took, "compiling", lambda: Evaluator(ruleset, posting.bundle.digest))
    _timed(took, "first decision", lambda: decide(evaluator, posting.answers[0]))
    print(json.dumps({what: seconds * 1000 for what, seconds in took.items()}))


def _timed(took: dict[str, float], what: str, make: Callable[[], Made]) -> Made:
    begun = time.perf_counter()
    made = make()
    took[what] = time.perf_counter() - begun
    return made


def _grow(_: float, decisions: str) -> None:
    """Print the memory, in MB."""
    found = {"imported": resident_mb(os.getpid())}
    posting = red_dots(CASES)
    evaluator = Evaluator(posting.ruleset, posting.bundle.digest)
    reports = itertools.cycle(posting.answers)
    decide(evaluator, next(reports))
    found["ready"] = resident_mb(os.getpid())
    until, made = time.monotonic() + GROW_SECONDS, 0
    while made < int(decisions) and time.monotonic() < until:
        decide(evaluator, next(reports))
        made += 1
    found[f"after {made:,} decisions"] = resident_mb(os.getpid())
    print(json.dumps(found))


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _cores() -> int:
    return len(os.sched_getaffinity(0))
