"""The process that answers about drafts: whatever a draft does to it, the caller gets a word, and the next an answer."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.waiting import wait_for
from triage_rules.foundation.errors import WorkbenchBusy, WorkbenchFailed
from triage_rules.workbench.requests import Desk
from triage_rules.workbench.sandbox import Bench

FOLDER = Path(__file__).resolve().parents[1] / "acceptance" / "rulesets" / "glass-test"
RED_DOTS = Path(__file__).resolve().parents[2] / "rulesets" / "red-dots"


def question(ask: str = "look", folder: Path = FOLDER) -> dict[str, object]:
    return {"ask": ask, "files": {name: (folder / name).read_text() for name in ("ruleset.yaml", "cases.yaml")}}


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench(seconds=30, wait=0.1)
    yield made
    made.close()


def process_of(bench: Bench) -> int:
    assert bench._process is not None
    return bench._process.pid


def test_it_answers_as_a_desk_in_this_process_does(bench: Bench) -> None:
    assert bench.ask(question()) == Desk().answer(question())


def test_it_is_the_same_process_until_it_has_been_idle() -> None:
    bench = Bench(seconds=30, wait=1, idle=0.5)
    bench.ask(question())
    first = process_of(bench)
    bench.ask(question())
    assert process_of(bench) == first
    wait_for(lambda: bench._process is None, 5)
    assert bench.ask(question())["draft"]["name"] == "glass-test"
    bench.close()


def test_a_draft_that_takes_too_long_is_told_so_and_the_next_is_answered() -> None:
    bench = Bench(seconds=2, wait=1)
    with pytest.raises(WorkbenchFailed, match="longer than 2 seconds"):
        bench.ask(question("cases", RED_DOTS))
    bench._seconds = 30
    assert bench.ask(question())["diagnostics"] == []
    bench.close()


def test_a_process_that_dies_is_told_and_replaced(bench: Bench) -> None:
    bench.ask(question())
    os.kill(process_of(bench), 9)
    wait_for(lambda: bench._process is None or bench._process.poll() is not None, 5)
    assert bench.ask(question())["diagnostics"] == []


def test_a_fault_of_ours_is_told_by_its_name_alone(bench: Bench) -> None:
    """What somebody typed could stand in its message."""
    with pytest.raises(WorkbenchFailed, match=r"an error in this program \(ValueError\)"):
        bench.ask(question("dance"))
    assert bench.ask(question())["diagnostics"] == []


def test_a_second_caller_is_told_to_wait(bench: Bench) -> None:
    """One draft at a time: reports come first."""
    began, done = threading.Event(), threading.Event()

    def hold() -> None:
        with bench._turn:
            began.set()
            done.wait(60)

    holder = threading.Thread(target=hold)
    holder.start()
    began.wait(60)
    with pytest.raises(WorkbenchBusy):
        bench.ask(question())
    done.set()
    holder.join()


def test_it_gets_none_of_our_secrets_and_stands_back(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIAGE_API_KEY", "trk_secret")
    bench.ask(question())
    environment = Path(f"/proc/{process_of(bench)}/environ")
    if environment.exists():
        assert b"trk_secret" not in environment.read_bytes()
    assert os.getpriority(os.PRIO_PROCESS, process_of(bench)) >= 10
