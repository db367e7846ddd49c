"""The main path on Redis itself, as Debian ships it: tests of store, audit log and consumer, once more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = "tests/integration/"
SAME = [
    HERE + "test_store.py",
    HERE + "test_auditing.py",
    HERE + "test_consumer.py::test_a_group_gets_all_results_from_the_beginning_once",
    HERE + "test_consumer.py::test_two_members_share_the_results_of_their_group",
    HERE + "test_consumer.py::test_what_a_dead_member_left_is_claimed_by_another",
]


def test_what_holds_on_the_embedded_server_holds_on_redis() -> None:
    """Accept, settle, stream, groups, deploy, audit. The scripts meet another implementation of Lua and of streams."""
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--real-redis", *SAME],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
