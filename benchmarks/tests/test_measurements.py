"""The shortest form of each measurement gives its rows; how fast anything is, no test says."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks import growth, intake, latency, load, parts, red_dots, safety, shares, whole_path, working
from benchmarks.filling import FIRST, Enough
from benchmarks.plots import draw
from benchmarks.sizes import LEAST
from benchmarks.tables import Line, Plot, Table
from benchmarks.timing import Figure


def figures(table: Table) -> dict[str, Figure]:
    """The first figure of each row; all are more than nothing."""
    found = {str(row[0]): row[1] for row in table.rows}
    assert all(isinstance(figure, Figure) and figure.median > 0 for figure in found.values())
    return found


def test_red_dots_is_measured_by_core_by_start_and_by_memory() -> None:
    table = red_dots.measure(LEAST)
    told = figures(table)
    assert {"decisions in one process", "in a worker: first decision"} <= set(told)
    assert any(what.startswith("memory of one process: after") for what in told)
    assert len(table.targets) == 1


def test_the_parts_of_a_decision_are_measured_for_three_rulesets() -> None:
    table = parts.measure(LEAST)
    assert {"first opinion", "second opinion", "deciding", "writing it as JSON"} <= set(figures(table))
    assert [len(row) for row in table.rows] == [len(table.columns)] * 7


def test_intake_is_measured_beside_bare_views() -> None:
    table = intake.measure(LEAST)
    assert set(figures(table)) == {intake.OURS, intake.SUBJECTS, intake.NOTHING, intake.ENQUEUE}
    assert [len(row) for row in table.rows] == [3] * 4
    assert len(table.targets) == 1


def test_workers_are_measured_beside_a_bare_task_in_the_same_run() -> None:
    table = working.measure(LEAST)
    told = figures(table)
    assert {working.SINGLY, working.CHUNKS, working.POSTED, working.BARE, working.STOCK} <= set(told)
    assert f"after {LEAST.worker_reports} more reports" in told
    assert len(table.targets) == 3


def test_whole_paths_are_compared_before_they_are_timed() -> None:
    assert set(figures(whole_path.measure(LEAST))) == {whole_path.OURS, whole_path.NAIVE, whole_path.RQ}


def test_a_whole_path_that_comes_to_another_result_stops_the_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_path, "_theirs", lambda *_: ("routine", "R0", "R1"))
    with pytest.raises(whole_path.Differ):
        whole_path.measure(LEAST)


def test_latency_is_measured_at_three_loads_and_beside_it_a_bare_task_s() -> None:
    table = latency.measure(LEAST)
    assert len(table.rows) == len(latency.LOADS) + 1
    assert all(isinstance(busy, Figure) and busy.median > 0 for *_, busy in table.rows)
    figures(table)
    assert [target.says for target in table.targets] == ["p99 at half load"]


def test_growth_is_measured_by_findings_workers_and_what_waits() -> None:
    told = figures(growth.measure(LEAST))
    assert len(told) == len(growth.FINDINGS) + len(growth.PROCESSES) + 2 * len(LEAST.backlogs)


def test_each_step_of_a_report_is_measured() -> None:
    assert len(figures(shares.measure(LEAST))) == 8


def test_what_safety_costs_is_told_by_the_delivered_form() -> None:
    table = safety.measure(LEAST, [safety.BASE, "encrypted"])
    assert [row[0] for row in table.rows] == [safety.BASE, "encrypted"]
    assert all(" x" in str(cell) for cell in table.rows[1][1:])


class SlowServer(ThreadingHTTPServer):
    """Answers nothing until as many requests as `wanted` would have been due."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answering = threading.Event()
        self.asked = 0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        assert isinstance(self.server, SlowServer)
        self.server.answering.wait(60)
        self.server.asked += 1
        body = f'{{"id": "{self.server.asked}"}}'.encode()
        self.send_response(202)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def slow() -> Iterator[SlowServer]:
    with SlowServer() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_server_that_stalls_is_charged_for_all_who_were_due_meanwhile(
    slow: SlowServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No coordinated omission: with one connection, nobody can be sent while the first waits; their time runs still."""
    monkeypatch.setattr(load, "OPEN_CONNECTIONS", 1)
    moments = [0.0, 0.01, 0.02, 0.03]
    timer = threading.Timer(0.2, slow.answering.set)
    timer.start()
    due = load.open_loop(slow.server_port, [load.request("/", "{}")], moments)
    timer.join()
    first = due["1"]
    assert [due[str(n)] - first for n in range(1, 5)] == pytest.approx(moments, abs=1e-6)


def test_moments_come_at_the_rate_that_was_asked_for() -> None:
    found = load.moments(1_000, 10)
    assert 9_000 < len(found) < 11_000
    assert found == sorted(found)
    assert len(load.moments(0.001, 0.1)) == 1


def test_a_run_takes_so_many_as_fill_its_time() -> None:
    asked: list[int] = []

    def rate_of(count: int) -> float:
        asked.append(count)
        return 2_000.0

    enough = Enough(rate_of, seconds=2.0, most=3_000)
    assert [enough() for _ in range(3)] == [2_000.0] * 3
    assert asked == [FIRST, 3_000, 3_000]


def test_the_same_figures_draw_the_same_plot(tmp_path) -> None:
    plot = Plot("rates", "Rates", "rules", "µs", (Line("ours", ((20, 1.0), (60, 2.5))),))
    first, second = (draw(plot, tmp_path / name).read_bytes() for name in ("a", "b"))
    assert first == second
    assert b"<svg" in first
