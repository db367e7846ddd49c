"""The bill of materials names what is installed, and what is installed is pinned."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)


def pinned(file: str) -> set[tuple[str, str]]:
    return {(name, version) for name, version in PINNED.findall((ROOT / file).read_text(encoding="utf-8"))}


def test_the_bill_of_materials_names_every_pinned_dependency(tmp_path: Path) -> None:
    """As `make sbom` writes it, with name, version, and the hashes that are installed by."""
    bill = tmp_path / "sbom.json"
    subprocess.run(["make", "--silent", "sbom", f"SBOM={bill}"], cwd=ROOT, check=True, capture_output=True, timeout=120)
    written = json.loads(bill.read_text(encoding="utf-8"))
    assert written["bomFormat"] == "CycloneDX"
    assert written["metadata"]["component"]["name"] == "triage-rules"
    named = {(part["name"], part["version"]): part for part in written["components"]}
    assert set(named) == pinned("requirements.lock")
    for part in named.values():
        assert part["purl"].startswith(f"pkg:pypi/{part['name']}@{part['version']}")
        assert any(reference["hashes"] for reference in part["externalReferences"])


@pytest.mark.parametrize(
    "file", ["requirements.lock", "requirements-build.lock", "requirements-dev.lock", "benchmarks/requirements.lock"]
)
def test_every_dependency_is_pinned_with_its_hashes(file: str) -> None:
    """Also those of dependencies: what was reviewed is what is installed."""
    text = (ROOT / file).read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[A-Za-z0-9])", text)
    assert len(entries) == len(PINNED.findall(text)) > 0
    for entry in entries:
        assert PINNED.match(entry) and "--hash=sha256:" in entry, entry.splitlines()[0]


def test_development_pins_nothing_else_than_the_service() -> None:
    """What is tested is what runs."""
    assert pinned("requirements.lock") <= pinned("requirements-dev.lock")


PEERS = {"clipspy", "json-rules-engine", "matplotlib", "rq", "rule-engine", "zen-engine"}


def test_development_installs_no_peer_of_the_benchmarks() -> None:
    """They take a minute and 200 MB, and no test outside of `benchmarks/` needs them."""
    assert PEERS.isdisjoint(name for name, _ in pinned("requirements-dev.lock"))
