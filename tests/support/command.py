"""The `triage` command: in this process for nearly all tests, as a process of its own for the few about the process.

A process costs a second and a half before it does anything; what it prints and how it ends is the same.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner, Result

from tests.support.paths import ROOT
from triage_rules.cli import main

TRIAGE = Path(sys.executable).parent / "triage"
NOWHERE = "redis://127.0.0.1:1/0"
"""No server listens there."""


def run_triage(*arguments: str | Path, stdin: str | None = None, **environment: str | None) -> Result:
    """Run a command in this process: stdout, stderr and exit code as its caller would see them.

    Raises what the command raised: a traceback is never an answer. Without TRIAGE_REDIS_URL it reaches no server;
    None takes a variable away.
    """
    unset = dict.fromkeys(name for name in os.environ if name.startswith("TRIAGE_"))
    given = unset | {"TRIAGE_REDIS_URL": NOWHERE} | environment
    return CliRunner().invoke(main, [str(one) for one in arguments], input=stdin, env=given, catch_exceptions=False)


def spawn_triage(
    *arguments: str | Path, stdin: str | None = None, cwd: Path = ROOT, **environment: str | None
) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own, as from a shell. Without TRIAGE_REDIS_URL it reaches no server."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TRIAGE_")}
    given = {**clean, "TRIAGE_REDIS_URL": NOWHERE, **environment}
    return subprocess.run(
        [TRIAGE, *arguments],
        cwd=cwd,
        env={name: value for name, value in given.items() if value is not None},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
