"""`triage up`, which `make run` is: what a newcomer sees."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import socketserver
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.support.command import spawn_triage
from tests.support.paths import ROOT, SAMPLES
from tests.support.services.ports import free_port
from tests.support.services.triage_up import Everything
from triage_rules.cli.report_argument import decide_answers, read_report
from triage_rules.evaluation.evaluator import Evaluator


@pytest.fixture
def shown(served: Everything) -> str:
    """What `triage up` said until it served."""
    return served.output


def test_the_commands_find_what_runs(served: Everything) -> None:
    """Nobody has to look for its address: it is in the data directory."""
    followed = served.triage("follow", "--from-start", "--count", "3", "--format", "json")
    assert [json.loads(line)["status"] for line in followed.stdout.splitlines()] == ["done"] * 3
    followed = served.triage("follow", "--from-start", "--level", "urgent", "--count", "1")
    assert "urgent" in followed.stdout
    posted = served.triage("post", SAMPLES[0], "--format", "json")
    assert json.loads(posted.stdout)[0]["result"]["level"] in ("routine", "monitor", "urgent")


def shown_of(shown: str, sample: Path) -> list[str]:
    """The lines below a sample's name, without their indent."""
    block = shown.split(sample.stem.replace("-", " ") + "\n", 1)[1].split("\n\n", 1)[0]
    return [line.strip() for line in block.splitlines()]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_each_sample_is_shown_with_level_and_reason(shown: str, sample: Path) -> None:
    """A newcomer sees at once what the service is for."""
    level, reason, *_ = shown_of(shown, sample)
    assert level.split()[0] in ("routine", "monitor", "urgent")
    assert ": " in reason


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_each_sample_is_shown_with_its_next_questions(shown: str, sample: Path, red_dots_evaluator: Evaluator) -> None:
    """The first three in their order, each with what its answer could lead to, and how many more there are."""
    result = decide_answers(red_dots_evaluator, read_report(red_dots_evaluator, sample.read_bytes()))
    questions = result["ask"]
    asks = [line for line in shown_of(shown, sample) if line.startswith("ask: ")]
    assert len(asks) == min(3, len(questions))
    for line, question in zip(asks, questions, strict=False):
        asked, _, effect = line.removeprefix("ask: ").rpartition(" (")
        assert asked == question["question"]
        for way in ("raise", "lower"):
            to, code = question[f"could_{way}_to"], question[f"could_{way}_to_disposition"]
            found = re.search(rf"{way} it to (\w+)", effect)
            assert (found and found[1]) == (code if to == result["level"] else to)
    more = re.findall(
        r"and (\d+) more questions? whose answers could change the result", "\n".join(shown_of(shown, sample))
    )
    assert more == ([str(len(questions) - 3)] if len(questions) > 3 else [])


def test_it_says_that_no_clinician_approved_and_that_there_are_no_keys(shown: str) -> None:
    assert "no clinician has approved" in shown
    assert "without API keys" in shown


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        running = Everything(tmp_path, PORT=str(taken.getsockname()[1]))
        assert running.process.wait(30) == 3
    assert "is in use" in running.output


def test_a_data_directory_has_one_redis(served: Everything) -> None:
    """Two servers that write one append-only file would spoil it."""
    second = spawn_triage("up", PORT=str(free_port()), TRIAGE_DATA_DIR=str(served.data_dir), TRIAGE_REDIS_URL=None)
    assert (second.returncode, f"process {served.process.pid}" in second.stderr) == (3, True)
    assert served.triage("status").exit_code == 0


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_data_directory_that_cannot_be_is_told_in_a_sentence(tmp_path: Path, below: str) -> None:
    """A file stands where the directory, or one above it, should be."""
    (tmp_path / "file").touch()
    running = Everything(tmp_path, TRIAGE_DATA_DIR=str(tmp_path / "file" / below))
    assert running.process.wait(30) == 3
    assert "TRIAGE_DATA_DIR" in running.output
    assert "Traceback" not in running.output


@pytest.mark.parametrize("command", ["up", "status"])
def test_what_is_no_redis_is_told_in_a_sentence(tmp_path: Path, command: str) -> None:
    """The port of a web server, say."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), NoRedis) as server:
        threading.Thread(target=server.serve_forever).start()
        url = f"redis://127.0.0.1:{server.server_address[1]}/0"
        try:
            ran = spawn_triage(command, TRIAGE_REDIS_URL=url, PORT=str(free_port()), TRIAGE_DATA_DIR=str(tmp_path))
        finally:
            server.shutdown()
    assert (ran.returncode, "is no Redis" in ran.stderr, "Traceback" in ran.stderr) == (3, True, False)


class NoRedis(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.recv(1000)
        self.request.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def test_an_interrupt_while_the_commands_load_ends_it_without_a_traceback(tmp_path: Path) -> None:
    """Whoever mistyped presses Ctrl-C at once."""
    (tmp_path / "click.py").write_text("import time\nprint('loading', flush=True)\ntime.sleep(60)\n", encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    command = [sys.executable, "-m", "triage_rules", "up"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as loading:
        assert loading.stdout is not None
        assert loading.stdout.readline() == "loading\n"
        loading.send_signal(signal.SIGINT)
        _, told = loading.communicate(timeout=30)
    assert (loading.returncode, told) == (-signal.SIGINT, "")


def test_with_keys_required_it_does_not_start_without_any(tmp_path: Path) -> None:
    """Nobody could use it, and nobody would know why."""
    ran = spawn_triage(
        "up", PORT=str(free_port()), TRIAGE_DATA_DIR=str(tmp_path), TRIAGE_REDIS_URL=None, TRIAGE_AUTH="on"
    )
    assert ran.returncode == 3
    assert "triage up --new-key CLIENT" in ran.stderr


def test_a_new_key_is_refused_where_none_is_needed(tmp_path: Path) -> None:
    """Whoever asks for one believes that the service is locked."""
    running = Everything(tmp_path, "--new-key", "chief")
    assert running.process.wait(30) == 2
    assert "TRIAGE_AUTH=on" in running.output


def test_outside_a_checkout_it_says_where_to_go(tmp_path: Path) -> None:
    ran = spawn_triage("up", cwd=tmp_path)
    assert (ran.returncode, "checkout's root" in ran.stderr) == (2, True)


def test_no_comparison_ruleset_goes_live(shown: str) -> None:
    """They are there to be compared with, and lie a folder deeper."""
    live = {line.split()[0] for line in shown.splitlines() if line.endswith(" is live")}
    there = {path.parent.name for path in (ROOT / "rulesets/comparison").glob("*/ruleset.yaml")}
    assert "red-dots" in live
    assert there and not live & there
