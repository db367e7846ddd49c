"""The version of this program: the newest release in CHANGELOG.md, and the commit if a checkout has gone on since.

The build loads this file by its path, before anything is installed: it imports only the standard library.
"""

from __future__ import annotations

import functools
import os
import re
import subprocess
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHANGELOG = "CHANGELOG.md"
RELEASED = re.compile(r"^## (\d+\.\d+\.\d+)\b", re.MULTILINE)
UNRELEASED = re.compile(r"^## Unreleased\s*\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
GIT_SECONDS = 5


@functools.cache
def version() -> str:
    """Return the version of the checkout that this runs from, or of the installed package.

    A checkout is asked each time a process starts: what pip noted when it installed would be stale after a commit.
    """
    return checkout_version(ROOT) or metadata.version("triage-rules")


def is_release(version: str) -> bool:
    """Return whether the version was released as it is, without commits or changes of its own."""
    return "+" not in version


def checkout_version(root: Path) -> str | None:
    """Return the version of a checkout, which sorts after the newest release; None if there is no checkout.

    `0.3.0`: the tagged commit, unchanged. `0.3.0.post12+ge6cc5be`: twelve commits later. `0.3.0+ge6cc5be`: without
    that tag here, nobody knows how many. `.dirty`: changed since. `0.3.0+unreleased`: without git, by the changelog.
    """
    changelog = root / CHANGELOG
    if not (changelog.is_file() and (root / "pyproject.toml").is_file()):
        return None
    text = changelog.read_text(encoding="utf-8")
    release = RELEASED.search(text)
    if release is None:
        return None
    base = release[1]
    if (root / ".git").exists():
        if described := _git(root, "describe", "--tags", "--long", "--dirty=.dirty", "--match", f"v{base}"):
            _, count, commit = described.rsplit("-", 2)
            if commit.endswith(".dirty") or count != "0":
                return f"{base}{'' if count == '0' else f'.post{count}'}+{commit}"
            return base
        if commit := _git(root, "describe", "--always", "--dirty=.dirty", "--exclude", "*"):
            return f"{base}+g{commit}"
    unreleased = UNRELEASED.search(text)
    return f"{base}+unreleased" if unreleased and unreleased[1].strip() else base


def _git(root: Path, *arguments: str) -> str:
    """Return what git prints, or nothing if it fails. A hook's GIT_DIR would lead it to another repository."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(  # noqa: S603 (fixed commands)
            ["git", "-C", str(root), *arguments],  # noqa: S607 (the user's own git)
            capture_output=True,
            text=True,
            check=False,
            timeout=GIT_SECONDS,
            env=environ,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
