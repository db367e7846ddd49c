"""What others made and we serve is as they made it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VENDORED = sorted((ROOT / "service" / "static" / "vendor").iterdir())


@pytest.mark.parametrize("folder", VENDORED, ids=lambda path: path.name)
def test_vendored_files_are_what_their_checksums_say(folder: Path) -> None:
    """Nobody changes them here, and nothing lies beside them that isn't listed."""
    listed = dict(reversed(line.split("  ")) for line in (folder / "SHA256SUMS").read_text().splitlines())
    there = {path.name for path in folder.iterdir()} - {"SHA256SUMS"}
    assert set(listed) == there
    assert "LICENSE" in there
    for name, digest in listed.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


@pytest.mark.parametrize("folder", VENDORED, ids=lambda path: path.name)
def test_vendored_files_name_their_version(folder: Path) -> None:
    """So that whoever asks for faults of a version knows which is here."""
    assert folder.name.rpartition("-")[2].count(".") == 2


def test_no_page_asks_for_files_of_other_sites() -> None:
    """Nor has a style or script of its own in it: the policy would refuse both."""
    for path in sorted((ROOT / "service" / "templates").rglob("*.html")):
        text = path.read_text(encoding="utf-8")
        for foreign in ('src="http', "style=", "<style", "onclick=", "hx-on", "url(http", "|safe"):
            assert foreign not in text, (path.name, foreign)
