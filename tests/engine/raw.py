"""durable-rules' C extension with nothing of ours around it, and child processes for what it does to a process."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import durable_rules_engine

ROOT = Path(__file__).parents[2]
OK, NOT_HANDLED, OBSERVED = 0, 1, 2
_numbers = itertools.count()


def one(condition: Mapping[str, Any]) -> dict[str, Any]:
    """A rule of a single condition."""
    return {"all": [{"m": condition}]}


def register(rules: Mapping[str, Any] | str) -> int:
    """The handle of a new ruleset; text goes as it is."""
    text = rules if isinstance(rules, str) else json.dumps(rules, ensure_ascii=False)
    return int(durable_rules_engine.create_ruleset(f"raw-{next(_numbers)}", text))


def assert_fact(handle: int, message: Mapping[str, Any] | str) -> tuple[int, int]:
    """The outcome, and the state that was touched; text goes as it is."""
    text = message if isinstance(message, str) else json.dumps(message, ensure_ascii=False)
    outcome, state = durable_rules_engine.assert_fact(handle, text)
    return outcome, state


def drain(handle: int, state: int) -> list[str]:
    """The rules that fire, in the engine's order."""
    fired = []
    started = durable_rules_engine.start_action_for_state(handle, state)
    action = started[1] if started else None
    while action is not None:
        fired.append(next(iter(json.loads(action))))
        action = durable_rules_engine.complete_and_start_action(handle, state)
    return fired


def fired_by(rules: Mapping[str, Any], message: Mapping[str, Any] | str) -> list[str]:
    """What fires in a new ruleset for one fact."""
    handle = register(rules)
    _, state = assert_fact(handle, message)
    return drain(handle, state)


def child(code: str, *, timeout: float = 60, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own, with all of this file in reach. Raises TimeoutExpired, and ends it."""
    return subprocess.run(
        _program(code), cwd=ROOT, env=_environment(env), capture_output=True, text=True, timeout=timeout, check=False
    )


def last_words(code: str, word: str, *, seconds: float) -> list[str]:
    """What such a process still says from that line on, before it is ended after so many seconds."""
    with subprocess.Popen(_program(code), cwd=ROOT, env=_environment(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == word:
                break
        try:
            process.wait(seconds)
            ending = ["it ended"]
        except subprocess.TimeoutExpired:
            process.kill()
            ending = []
        return [word, *process.stdout.read().splitlines(), *ending]


def _program(code: str) -> list[str]:
    return [sys.executable, "-c", f"from tests.engine.raw import *\n{textwrap.dedent(code)}"]


def _environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **(more or {})}
