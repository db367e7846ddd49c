"""(h) The whole path, from POST to result, of the service and of two quick builds."""

from __future__ import annotations

import http.client
import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.apps.names import NAIVE_DONE, RQ_DONE, RQ_QUEUE
from benchmarks.apps.shape import SHAPE
from benchmarks.filling import Enough, until
from benchmarks.load import closed_loop, request
from benchmarks.rulesets import make_reports, make_ruleset
from benchmarks.servers import Stack, stack, wait_for
from benchmarks.sizes import Size
from benchmarks.tables import Table, bars
from benchmarks.timing import by_turns
from benchmarks.written import bundle

OURS, NAIVE, RQ = (
    "triage-rules",
    "Flask, `delay()`, durable-rules `Host`, one `HSET`",
    "Flask, RQ, rule-engine, one `HSET`",
)
OPEN = 0.2
COMPARED = 20


class Differ(Exception):
    """Two builds gave different results."""


def measure(size: Size) -> Table:
    """Measure all three; they run at once and are loaded in turn. Raises Differ."""
    ruleset = make_ruleset(SHAPE)
    reports = make_reports(ruleset, max(COMPARED, size.reports), OPEN)
    bodies = [json.dumps({"ruleset": ruleset.name, "findings": report}) for report in reports]
    with stack(bundle(ruleset)) as servers:
        ours, bare = servers.start_web(), servers.start_web("benchmarks.apps.bare_web:create_app()")
        servers.start_worker()
        servers.start_worker("benchmarks.apps.naive")
        for _ in range(2):
            rq = [sys.executable, "-m", "rq.cli", "worker", "--quiet", "-w", "rq.SimpleWorker", "--url", servers.url]
            servers.start([*rq, RQ_QUEUE])
        ways = {OURS: (ours, "/v1/reports"), NAIVE: (bare, "/naive"), RQ: (bare, "/rq")}
        _compare(servers, ways, bodies[:COMPARED])
        figures = by_turns(
            {name: Enough(_rate(servers, *way, bodies), size.seconds, size.queued) for name, way in ways.items()},
            size.runs,
            "/s",
        )
    table = Table(
        "whole-path",
        "The whole path",
        "Reports a second, posted singly over 16 connections, from the first request to the last result. The rules "
        f"are generated: {SHAPE}, a fifth of the answers open. Each uses two worker processes, the same gunicorn and "
        "the same store. All three gave the same levels and rules before the timing. The two others check nothing, "
        "explain nothing, publish nothing, and lose the reports of a killed worker.",
        ("what", "figure", "triage-rules / this"),
    )
    table.rows = [
        (name, figure, figures[OURS].over(figure) if name != OURS else "") for name, figure in figures.items()
    ]
    table.plots = [bars("whole-path", "The whole path", "results a second", figures)]
    return table


def _rate(servers: Stack, port: int, path: str, bodies: Sequence[str]) -> Callable[[int], float]:
    requests = [request(path, body) for body in bodies]

    def rate_of(count: int) -> float:
        servers.client.mset({NAIVE_DONE: 0, RQ_DONE: 0})
        begun = time.perf_counter()
        answered, _ = closed_loop(port, requests, count=count)
        until(lambda: done_by_any(servers), answered)
        took = time.perf_counter() - begun
        servers.forget()
        return answered / took

    return rate_of


def done_by_any(servers: Stack) -> int:
    """Count the results of the one that is loaded."""
    counted = servers.client.mget(NAIVE_DONE, RQ_DONE)
    return int(servers.client.xlen("triage:results")) + sum(int(one or 0) for one in counted)


def _compare(servers: Stack, ways: dict[str, tuple[int, str]], bodies: Sequence[str]) -> None:
    for body in bodies:
        ids = {name: _post(port, path, body) for name, (port, path) in ways.items()}
        keys = {NAIVE: f"naive:report:{ids[NAIVE]}", RQ: f"rqjobs:report:{ids[RQ]}"}
        found = {OURS: _ours(servers, ids[OURS]), **{name: _theirs(servers, key) for name, key in keys.items()}}
        if len(set(found.values())) > 1:
            raise Differ(f"the whole paths gave different results: {found}")
    servers.forget()


def _ours(servers: Stack, report_id: str) -> tuple[str, ...]:
    result = servers.store.reports.wait(report_id, 30).result
    if result is None:
        raise TimeoutError("the service: no result")
    return (str(result["level"]), *sorted(rule["id"] for rule in result["rules"]))


def _theirs(servers: Stack, key: str) -> tuple[str, ...]:
    wait_for(lambda: bool(servers.client.exists(key)), key)
    found: Any = servers.client.hmget(key, "level", "rules")
    return (found[0].decode(), *json.loads(found[1]))


def _post(port: int, path: str, body: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    report_id = json.loads(connection.getresponse().read())["id"]
    connection.close()
    return str(report_id)
