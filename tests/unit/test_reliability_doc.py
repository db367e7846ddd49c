"""docs/explanation/reliability.md claims nothing that no test holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "explanation" / "reliability.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[str]:
    """The lines of the first table under a heading."""
    section = TEXT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return [line for line in section.splitlines() if line.startswith("| ")][1:]


def named(row: str) -> list[tuple[str, str]]:
    """(file, test) of each test that a row names; `::test` alone is in the file that was named before it."""
    found, file = [], ""
    for path, test in re.findall(r"`(?:tests/\w+/)?(test_\w+\.py)?(?:::(test_\w+))?`", row):
        file = path or file
        found.append((file, test))
    return [pair for pair in found if pair[0]]


@pytest.mark.parametrize("heading", ["Promises", "Celery on Redis: known traps"])
def test_each_claim_names_tests_that_are_where_it_says(heading: str) -> None:
    """A claim whose test is gone, or stands in another file, is only a claim."""
    files = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")}
    for row in rows(heading):
        assert named(row), row
        for file, test in named(row):
            assert file in files, f"{file}: {row}"
            assert not test or f"def {test}(" in files[file], f"{file}::{test}: {row}"
