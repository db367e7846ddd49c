"""Procfile, docker-compose.yml and Dockerfile run the same processes, and Redis as the promises need it."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from triage_rules.cli.up.processes import read_procfile
from triage_rules.foundation.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
OTHERS = ("redis", "operator")
"""Services of compose that the Procfile doesn't have: the store, and the one for people's commands."""


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return dict(YAML(typ="safe").load(ROOT / "docker-compose.yml")["services"])


def test_compose_runs_what_the_procfile_runs(services: dict[str, Any]) -> None:
    """One machine or many containers: the same commands."""
    procfile = {name: shlex.split(command) for name, command in read_procfile(ROOT / "Procfile").items()}
    assert {name: service["command"] for name, service in services.items() if name not in OTHERS} == procfile


def test_compose_runs_redis_so_that_an_accepted_report_is_on_disk(services: dict[str, Any]) -> None:
    """A 202 is a promise: append-only file, synced, nothing evicted, users with passwords, a volume."""
    command = services["redis"]["command"]
    for wanted in (
        "--appendonly yes",
        "--appendfsync always",
        "--maxmemory-policy noeviction",
        "--aclfile /run/secrets/users.acl",
    ):
        assert wanted in command
    assert services["redis"]["volumes"] == ["redis:/data"]


def test_compose_gives_only_settings_that_exist(services: dict[str, Any], tmp_path: Path) -> None:
    """A name that we renamed would stop every container at its start."""
    for name, service in services.items():
        environment = dict(service.get("environment", {}))
        for setting in [key for key in environment if key.endswith("_FILE")]:
            secret = tmp_path / setting
            secret.write_text("redis://u:s@redis:6379/0", encoding="utf-8")
            environment[setting] = str(secret)
        if name != "redis":
            assert Settings.from_environment(environment).redis_url == "redis://u:s@redis:6379/0"


def test_compose_gives_each_part_a_user_of_its_own(services: dict[str, Any]) -> None:
    """Web can't deploy, the worker can't read keys: only if each gets its own URL, and no other's."""
    given = {name: service["secrets"] for name, service in services.items()}
    assert given == {
        "redis": ["users.acl"],
        "web": ["redis-url-web"],
        "worker": ["redis-url-worker"],
        "beat": ["redis-url-worker"],
        "operator": ["redis-url-operator"],
    }


def test_the_image_holds_all_that_its_commands_read() -> None:
    """The shells and the rulesets aren't in the wheel; the service publishes the schemas."""
    copied = [
        line.split()[1]
        for line in (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
        if line.startswith("COPY")
    ]
    for needed in ("service", "workers", "rulesets", "triage_rules"):
        assert needed in copied
        assert (ROOT / needed).exists()


def test_images_are_named_by_digest(services: dict[str, Any]) -> None:
    """A tag may name other bytes tomorrow."""
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    images = [*re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE), services["redis"]["image"]]
    assert len(images) == 3
    assert [image for image in images if not re.fullmatch(r"[\w.:/-]+@sha256:[0-9a-f]{64}", image)] == []


def test_every_install_checks_hashes_or_fetches_nothing() -> None:
    """Build tools too: with isolation, a build would fetch others, unchecked."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8") + (ROOT / "Dockerfile").read_text(encoding="utf-8")
    installs = re.findall(r"(?:\$\(PIP\)|\$\(call INSTALL,|pip.* (?:install|wheel) --no-cache-dir).*", text)
    installs = [
        line for line in installs if "$(1)" not in line
    ]  # the definition of INSTALL, which builds without isolation
    assert len(installs) == 11
    assert text.count("--no-build-isolation $(1)") == 2
    for line in installs:
        assert "--require-hashes" in line or "--no-deps" in line, line
        isolated = "$(call INSTALL," not in line and "--no-build-isolation" not in line
        assert not isolated or "requirements-build.lock" in line or "--no-index" in line, line


def test_make_tells_that_an_existing_virtual_environment_is_too_old(tmp_path: Path) -> None:
    """Else pip fills pages, and the reason is in none of them."""
    for name in ("Makefile", "requirements-build.lock", "requirements.lock", "pyproject.toml", "CHANGELOG.md"):
        shutil.copy(ROOT / name, tmp_path)
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    as_old = f'#!/bin/sh\nexec {sys.executable} -c "import sys; sys.version_info = (3, 10, 0); $2"\n'
    python.write_text(as_old, encoding="utf-8")
    python.chmod(0o755)
    made = subprocess.run(["make", "run"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert made.returncode != 0
    assert "make clean" in made.stderr
    assert "pip" not in made.stdout + made.stderr
