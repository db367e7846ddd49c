"""`triage up`, which `make run` is: what a newcomer sees."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tests.acceptance.everything import ROOT, TRIAGE, Everything, free_port

SAMPLES = sorted((ROOT / "rulesets/red-dots/samples").glob("*.json"))


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What `triage up` says until it serves."""
    running = Everything(tmp_path_factory.mktemp("up")).wait_until_serving()
    followed = running.triage("follow", "--from-start", "--count", "3", "--format", "json")
    assert [json.loads(line)["status"] for line in followed.stdout.splitlines()] == ["done"] * 3
    followed = running.triage("follow", "--from-start", "--level", "urgent", "--count", "1")
    assert "urgent" in followed.stdout
    posted = running.triage("post", str(SAMPLES[0]), "--format", "json")
    assert json.loads(posted.stdout)[0]["result"]["level"] in ("routine", "monitor", "urgent")
    children = [pid for name in ("web", "worker", "beat", "redis") for pid in running.children(name)]
    assert running.stop() == 0
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()], "something was left running"
    return running.output


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_each_sample_is_shown_with_level_and_reason(shown: str, sample: Path) -> None:
    """The level, at least one reason, and what is still to be asked unless nothing could change it."""
    told = shown.split(sample.stem.replace("-", " ") + "\n", 1)[1].split("\n\n", 1)[0]
    level = told.split()[0]
    assert level in ("routine", "monitor", "urgent")
    assert ": " in told.splitlines()[1]


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


def test_a_data_directory_has_one_redis(tmp_path: Path) -> None:
    """Two servers that write one append-only file would spoil it."""
    first = Everything(tmp_path, "--no-samples", TRIAGE_API_KEYS="k" * 32).wait_until_serving()
    try:
        assert "with API keys" in first.output
        assert first.triage("post", str(SAMPLES[0]), "--format", "json").returncode == 0
        environment = {**first.environment, "PORT": str(free_port())}
        second = subprocess.run(
            [TRIAGE, "up"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60
        )
        assert (second.returncode, "Another Redis still works on" in second.stderr) == (3, True)
        assert first.triage("status").returncode == 0
    finally:
        assert first.stop() == 0


def test_outside_a_checkout_it_says_where_to_go(tmp_path: Path) -> None:
    ran = subprocess.run([TRIAGE, "up"], cwd=tmp_path, env={}, capture_output=True, text=True, check=False, timeout=30)
    assert (ran.returncode, "checkout's root" in ran.stderr) == (2, True)


@pytest.mark.parametrize("name", ["web", "redis"])
def test_a_process_that_dies_is_started_again(tmp_path: Path, name: str) -> None:
    """Redis comes back with what it held: the ruleset is still live, and reports are decided."""
    running = Everything(tmp_path, "--no-samples").wait_until_serving()
    try:
        for pid in running.children(name):
            os.kill(pid, signal.SIGKILL)
        until = time.monotonic() + 40
        while f"{name} ended" not in running.output and time.monotonic() < until:
            time.sleep(0.1)
        while time.monotonic() < until:
            try:
                if running.post(SAMPLES[0].read_bytes(), Prefer="wait=10")[0] == 200:
                    break
            except OSError:
                pass  # web is not back yet
            time.sleep(0.2)
        else:
            pytest.fail(f"{name} did not come back")
    finally:
        assert running.stop() == 0
