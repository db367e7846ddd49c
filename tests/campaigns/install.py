"""Install the wheel in new environments, as consumers and authors do: `python tests/campaigns/install.py`.

The base must come without a compiler, with no engine, solver or web, and stay small. With `rules` and `prove`, a copy
of red-dots is checked and a report decided. It asks the package index, and takes some minutes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BASE = {"cffi", "click", "cryptography", "orjson", "pip", "pycparser", "redis", "setuptools", "triage-rules"}
MOST_MB = 90
NO_COMPILER = {"CC": "/bin/false", "CXX": "/bin/false"}
REPORT = '{"findings": {"age_years": 4, "blanches_on_pressure": "does_not_blanch"}}'


class Failure(Exception):
    """An installation differs from its promise."""


def main() -> None:
    """Raise Failure, or CalledProcessError, if something is not as promised."""
    with tempfile.TemporaryDirectory(prefix="triage-install-") as folder:
        root = Path(folder)
        run([sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(root)], ROOT)
        [wheel] = root.glob("*.whl")
        check_base(root, wheel)
        check_rules(root, wheel)


def check_base(root: Path, wheel: Path) -> None:
    """Install the base without a compiler, and run what consumers run."""
    triage = install(root / "base", str(wheel), NO_COMPILER)
    listed = run([str(triage.with_name("python")), "-m", "pip", "list", "--format", "freeze"], root)
    names = {line.partition("==")[0].partition(" @ ")[0].lower().replace("_", "-") for line in listed.splitlines()}
    if extra := names - BASE:
        raise Failure(f"the base brings {', '.join(sorted(extra))}")
    size = sum(file.lstat().st_size for file in (root / "base").rglob("*")) / 2**20
    if size > MOST_MB:
        raise Failure(f"the base takes {size:.0f} MB")
    run([str(triage.with_name("python")), "-c", "import triage_rules.consumer"], root)
    for arguments in (["--version"], ["--help"], ["status", "--help"], ["follow", "--help"], ["key", "--help"]):
        run([str(triage), *arguments], root)
    refused = subprocess.run([triage, "check", "."], cwd=root, capture_output=True, text=True, check=False)
    if refused.returncode != 3 or "pip install 'triage-rules[prove]'" not in refused.stderr:
        raise Failure(f"check without its extra: {refused.returncode} {refused.stderr}")
    print(f"base: {size:.0f} MB, {len(names)} packages")


def check_rules(root: Path, wheel: Path) -> None:
    """Install `rules` and `prove`, and check and decide with a copy of red-dots."""
    flags = {"CPPFLAGS": "-DPyEval_CallObject=PyObject_CallObject -O2"}
    triage = install(root / "rules", f"{wheel}[rules,prove]", flags)
    shutil.copytree(ROOT / "rulesets" / "red-dots", root / "red-dots")
    run([str(triage), "check", "red-dots"], root)
    decided = run([str(triage), "decide", "red-dots"], root, REPORT)
    if not decided.startswith("urgent"):
        raise Failure(f"red-dots decides: {decided}")
    print("rules and prove: red-dots is checked, and decides")


def install(folder: Path, requirement: str, environ: dict[str, str]) -> Path:
    """Install into a new environment, and return its `triage`."""
    run([sys.executable, "-m", "venv", str(folder)], folder.parent)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, requirement], folder.parent, environ=environ)
    return folder / "bin" / "triage"


def run(command: list[str], folder: Path, text: str | None = None, environ: dict[str, str] | None = None) -> str:
    """Run a command and return its stdout; its stderr is shown if it fails."""
    done = subprocess.run(
        command, cwd=folder, input=text, capture_output=True, text=True, check=False, env=os.environ | (environ or {})
    )
    if done.returncode:
        print(done.stderr, file=sys.stderr)
    done.check_returncode()
    return done.stdout


if __name__ == "__main__":
    main()
