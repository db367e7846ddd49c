"""Release a version: date the changelog, run the tests, build, commit, tag. `make release VERSION=X.Y.Z` runs it.

Nothing is pushed. If a step fails, the files are as before.
"""

from __future__ import annotations

import datetime as dt
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CHANGELOG = "CHANGELOG.md"
COMPOSE = "docker-compose.yml"
VERSION = re.compile(r"\d+\.\d+\.\d+")
NEWEST = re.compile(r"^## (\d+\.\d+\.\d+)\b", re.MULTILINE)
UNRELEASED = re.compile(r"^## Unreleased\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
IMAGE = re.compile(r"(image: triage-rules:)\S+")


class Refused(Exception):
    """The release can't be made."""


def release(root: Path, version: str, day: dt.date, test: Callable[[], None], build: Callable[[Path], None]) -> str:
    """Release what is checked out at `root`, and return the tag. `build` gets a copy without the repository.

    Raises Refused before anything is changed. What `test` and `build` raise leaves everything as it was.
    """
    refuse(root, version)
    files = [root / CHANGELOG, root / COMPOSE]
    before = {file: file.read_text(encoding="utf-8") for file in files if file.exists()}
    try:
        for file, text in before.items():
            file.write_text(
                dated(text, version, day) if file.name == CHANGELOG else imaged(text, version), encoding="utf-8"
            )
        test()
        with tempfile.TemporaryDirectory() as folder:
            copy_tracked(root, Path(folder))
            build(Path(folder))
    except BaseException:
        for file, text in before.items():
            file.write_text(text, encoding="utf-8")
        raise
    git(root, "commit", "--quiet", "--all", "--message", f"Release {version}")
    git(root, "tag", "--annotate", f"v{version}", "--message", f"triage-rules {version}")
    return f"v{version}"


def refuse(root: Path, version: str) -> None:
    """Raise Refused if that version can't be released from what is checked out."""
    if not VERSION.fullmatch(version):
        raise Refused(f"{version!r} is not a version; expected, for instance, 1.2.0")
    if git(root, "status", "--porcelain"):
        raise Refused("there are changes that are not committed")
    if git(root, "tag", "--list", f"v{version}"):
        raise Refused(f"the tag v{version} exists already")
    text = (root / CHANGELOG).read_text(encoding="utf-8")
    newest = NEWEST.search(text)
    if newest and _numbers(version) <= _numbers(newest[1]):
        raise Refused(f"{version} is not above {newest[1]}, the newest in {CHANGELOG}")
    unreleased = UNRELEASED.search(text)
    if unreleased is None or not unreleased[1].strip():
        raise Refused(f"{CHANGELOG} has nothing under `## Unreleased`")


def dated(text: str, version: str, day: dt.date) -> str:
    """Return the changelog with its unreleased part under the version and the day, and an empty one above."""
    return text.replace("## Unreleased\n", f"## Unreleased\n\n## {version} ({day})\n", 1)


def imaged(text: str, version: str) -> str:
    """Return the compose file with the image named by that version."""
    return IMAGE.sub(rf"\g<1>{version}", text)


def copy_tracked(root: Path, folder: Path) -> None:
    """Copy what git tracks, and nothing that lies beside it: that is what others build from, too."""
    for name in git(root, "ls-files", "-z").split("\0"):
        if name:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, folder / name, follow_symlinks=False)


def git(root: Path, *arguments: str) -> str:
    """Run git and return what it prints."""
    done = subprocess.run(["git", "-C", root, *arguments], check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603, S607
    return done.stdout.strip()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _test() -> None:
    subprocess.run(["make", "test"], cwd=ROOT, check=True)  # noqa: S607


def _build(folder: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(ROOT / "dist")]
    subprocess.run(command, cwd=folder, check=True)  # noqa: S603


def main(arguments: list[str]) -> int:
    """Release the version that is named."""
    if len(arguments) != 1:
        print("usage: make release VERSION=X.Y.Z", file=sys.stderr)
        return 2
    try:
        tag = release(ROOT, arguments[0], dt.datetime.now(dt.UTC).date(), _test, _build)
    except Refused as error:
        print(f"Not released: {error}.", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"Not released: {error.cmd[0]} failed.", file=sys.stderr)
        return 1
    print(f"{tag} is committed, tagged and built in dist/. Publish it with: git push --follow-tags")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
