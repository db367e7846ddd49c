"""A release is dated, tested, built and tagged, or nothing has changed; every other commit says that it is none."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
from pathlib import Path

import pytest
from packaging.version import Version

from tools import release as tool
from tools.release import Refused, release
from triage_rules.foundation.version import checkout_version, is_release

DAY = dt.date(2026, 12, 1)
CHANGES = "# Changelog\n\n## Unreleased\n\n- A form.\n\n## 0.3.0 (2026-11-29)\n\n- A board.\n"
COMPOSE = "x-triage:\n  image: triage-rules:0.3.0\n"


def git(root: Path, *arguments: str) -> str:
    who = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull} | {
        f"GIT_{role}_{key}": value
        for role in ("AUTHOR", "COMMITTER")
        for key, value in (("NAME", "A"), ("EMAIL", "a@example.org"))
    }
    done = subprocess.run(
        ["git", *arguments], cwd=root, check=True, capture_output=True, text=True, env=os.environ | who
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit."""
    for key in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{key}_NAME", "A")
        monkeypatch.setenv(f"GIT_{key}_EMAIL", "a@example.org")
    root = tmp_path / "checkout"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch", "main")
    (root / "CHANGELOG.md").write_text(CHANGES)
    (root / "docker-compose.yml").write_text(COMPOSE)
    (root / "pyproject.toml").write_text("")
    commit(root, "first")
    return root


def commit(root: Path, message: str) -> str:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "--message", message)
    return "g" + git(root, "rev-parse", "--short=7", "HEAD")


def no_tests() -> None:
    pass


def no_build(_: Path) -> None:
    pass


def test_a_release_is_dated_tested_built_and_tagged(checkout: Path) -> None:
    seen = {}

    def build(folder: Path) -> None:
        seen["version"] = checkout_version(folder)
        seen["files"] = sorted(file.name for file in folder.iterdir())

    (checkout / ".gitignore").write_text("beside\n")
    commit(checkout, "ignore")
    (checkout / "beside").write_text("not tracked")
    assert release(checkout, "0.4.0", DAY, no_tests, build) == "v0.4.0"
    text = (checkout / "CHANGELOG.md").read_text()
    assert text == CHANGES.replace("## Unreleased\n", "## Unreleased\n\n## 0.4.0 (2026-12-01)\n")
    assert "image: triage-rules:0.4.0\n" in (checkout / "docker-compose.yml").read_text()
    assert seen == {"version": "0.4.0", "files": [".gitignore", "CHANGELOG.md", "docker-compose.yml", "pyproject.toml"]}
    assert git(checkout, "log", "-1", "--format=%s") == "Release 0.4.0"
    assert git(checkout, "tag", "--points-at", "HEAD") == "v0.4.0"
    assert git(checkout, "status", "--porcelain") == ""
    assert checkout_version(checkout) == "0.4.0"


@pytest.mark.parametrize(
    ("version", "why"), [("0.4", "not a version"), ("0.3.0", "not above"), ("0.2.9", "not above"), ("0.5.0", "exists")]
)
def test_a_release_that_cannot_be_is_refused(checkout: Path, version: str, why: str) -> None:
    git(checkout, "tag", "v0.5.0")
    with pytest.raises(Refused, match=why):
        release(checkout, version, DAY, no_tests, no_build)
    assert git(checkout, "status", "--porcelain") == ""


def test_what_is_not_committed_is_not_released(checkout: Path) -> None:
    (checkout / "new").write_text("")
    with pytest.raises(Refused, match="not committed"):
        release(checkout, "0.4.0", DAY, no_tests, no_build)


def test_without_changes_nothing_is_released(checkout: Path) -> None:
    (checkout / "CHANGELOG.md").write_text(CHANGES.replace("- A form.\n\n", ""))
    commit(checkout, "nothing new")
    with pytest.raises(Refused, match="nothing under"):
        release(checkout, "0.4.0", DAY, no_tests, no_build)


@pytest.mark.parametrize("step", ["test", "build"])
def test_a_step_that_fails_leaves_everything_as_it_was(checkout: Path, step: str) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError(step)

    head = git(checkout, "rev-parse", "HEAD")
    with pytest.raises(RuntimeError, match=step):
        release(checkout, "0.4.0", DAY, fail if step == "test" else no_tests, fail)
    assert (git(checkout, "status", "--porcelain"), git(checkout, "rev-parse", "HEAD")) == ("", head)
    assert git(checkout, "tag") == ""


def test_the_tool_needs_a_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert tool.main([]) == 2
    assert "make release VERSION=" in capsys.readouterr().err


def test_an_untagged_commit_is_no_release_and_sorts_after_it(checkout: Path) -> None:
    git(checkout, "tag", "v0.3.0")
    assert checkout_version(checkout) == "0.3.0"
    commit(checkout, "second")
    head = commit(checkout, "third")
    later = checkout_version(checkout)
    assert later == f"0.3.0.post2+{head}"
    (checkout / "pyproject.toml").write_text("changed")
    changed = checkout_version(checkout)
    assert changed == f"{later}.dirty"
    assert not is_release(later)
    assert Version("0.3.0") < Version(later) < Version(changed) < Version("0.3.1")
    git(checkout, "tag", "--delete", "v0.3.0")
    assert checkout_version(checkout) == f"0.3.0+{head}.dirty"


def test_without_git_the_changelog_says_whether_it_is_a_release(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    assert checkout_version(checkout) == "0.3.0+unreleased"
    (checkout / "CHANGELOG.md").write_text(CHANGES.replace("- A form.\n\n", ""))
    assert checkout_version(checkout) == "0.3.0"


def test_a_folder_that_is_no_checkout_has_no_version(tmp_path: Path) -> None:
    """Then the package's own metadata holds."""
    assert checkout_version(tmp_path) is None


def test_a_hook_of_another_repository_does_not_mislead(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    head = commit(checkout, "second")
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert checkout_version(checkout) == f"0.3.0+{head}"
