"""The documents account for themselves: what they name exists, and what exists they name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import click
import pytest

from triage_rules.cli import COMMANDS, main
from triage_rules.language.check_types import CheckType

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "SECURITY.md",
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(DOCS.rglob("*.md")),
    *sorted((ROOT / "rulesets").rglob("*.md")),
]
PARTS = ("Summary", "Example", "Fix", "When to accept")
"""The parts of a check's section, in this order."""

OURS = [path for path in DOCUMENTS if ROOT / "rulesets" not in path.parents]
GENERATED = re.compile(
    r"<!-- (?:measured: begin|made by triage compare) -->.*?<!-- (?:measured: end|end of).*?-->", re.DOTALL
)
LONGEST = 185
"""Characters of one line of prose, without link targets and the content of code spans."""

SENTENCE_END = re.compile(r"[.!?][)*\"”]*\s+[\"“(\[]?(?:[A-Z`*…]|\d+\b(?!\.))")

TEXT = {path: path.read_text(encoding="utf-8") for path in DOCUMENTS}


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_is_documented(command: str) -> None:
    assert any(f"triage {command}" in text for text in TEXT.values())


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", TEXT[path])
    assert [target for target in targets if not (path.parent / target).exists()] == []


def anchors(path: Path) -> set[str]:
    """Return the anchors that GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_anchor_in_a_link_is_a_heading(path: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)", TEXT[path])
    pages = [((path.parent / target) if target else path, anchor) for target, anchor in targets]
    assert [(str(page), anchor) for page, anchor in pages if anchor not in anchors(page)] == []


def test_the_index_links_to_every_page() -> None:
    """A stranger finds a page by the task they have."""
    pages = {path for path in DOCS.rglob("*.md") if path.parent not in {DOCS, DOCS / "decisions"}}
    linked = re.findall(r"\]\(([^)#\s]+)\)", TEXT[DOCS / "README.md"])
    assert pages - {(DOCS / target).resolve() for target in linked} == set()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_that_a_document_shows_exists(path: Path) -> None:
    shown = {
        name
        for block in re.findall(r"```sh\n(.*?)```", TEXT[path], re.DOTALL)
        for name in re.findall(r"^triage ([\w-]+)", block, re.MULTILINE)
    }
    assert shown <= set(COMMANDS)


def test_every_test_that_a_document_names_exists() -> None:
    """A claim whose test is gone is only a claim."""
    files = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")}
    claims = {name for text in files.values() for name in re.findall(r"^def (test_\w+)", text, re.MULTILINE)}
    for path, text in TEXT.items():
        named = set(re.findall(r"::(test_\w+)", text)), set(re.findall(r"\b(test_\w+\.py)", text))
        assert (named[0] - claims, named[1] - set(files)) == (set(), set()), path.name


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_a_document_names_exists(path: Path) -> None:
    """Modules move; the pages about them stay."""
    named = re.findall(
        r"`((?:triage_rules|service|workers|tests|benchmarks|tools|docs|rulesets)/[\w./-]*)`", TEXT[path]
    )
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_make_target_that_a_document_shows_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for text in TEXT.values():
        assert set(re.findall(r"`make ([a-z-]+)[^`]*`", text)) <= targets


def test_every_option_has_help() -> None:
    """--help is enough to work with."""
    context = click.Context(main)
    for name in COMMANDS:
        command = main.get_command(context, name)
        assert command is not None
        assert command.name == name
        assert command.help
        told = {"--format"}  # its choices say it all
        silent = [
            p.name for p in command.params if isinstance(p, click.Option) and not p.help and not told & set(p.opts)
        ]
        assert silent == []


def test_the_changelog_has_unreleased_on_top_and_a_date_for_each_version() -> None:
    """The version of the package is its newest dated heading."""
    first, *versions = re.findall(r"^## (.+)$", TEXT[ROOT / "CHANGELOG.md"], re.MULTILINE)
    assert first == "Unreleased"
    dates = [date.fromisoformat(version.split(" (")[1].rstrip(")")) for version in versions]
    assert dates == sorted(dates, reverse=True)
    assert [version for version in versions if not re.fullmatch(r"\d+\.\d+\.\d+ \([\d-]{10}\)", version)] == []


def test_the_readme_fits_a_screen_and_says_how_to_start() -> None:
    readme = TEXT[ROOT / "README.md"]
    assert "make run" in readme
    assert "make test" in readme
    assert len(readme.splitlines()) <= 60
    assert "No clinician has approved" in readme


def sections_of_checks() -> dict[str, str]:
    """Return the page about checks by heading: "`gap` (note)" and the like."""
    page = TEXT[DOCS / "reference" / "checks.md"]
    return dict(section.split("\n", 1) for section in page.split("\n### ")[1:])


def test_each_check_has_its_section_with_its_severity() -> None:
    assert list(sections_of_checks()) == [f"`{check}` ({check.severity})" for check in CheckType]


@pytest.mark.parametrize("check", CheckType, ids=str)
def test_the_section_of_a_check_has_its_four_parts(check: CheckType) -> None:
    """Whoever meets a finding needs its meaning, an example, the fix, and whether it may stay."""
    section = sections_of_checks()[f"`{check}` ({check.severity})"]
    _, *parts = re.split(r"^\*\*(.+?)\.\*\*", section, flags=re.MULTILINE)
    assert tuple(parts[::2]) == PARTS
    assert [name for name, text in zip(parts[::2], parts[1::2], strict=True) if len(text.split()) < 2] == []
    assert "```" in parts[3]
    assert ("can't be accepted" not in parts[7]) is check.is_acceptable


def prose_lines(text: str) -> Iterator[str]:
    """Yield the lines of prose, without code spans, link targets and list marks."""
    fenced = False
    for line in GENERATED.sub("", text).splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced and not re.match(r"\s*(?:[|#<]|!\[)", line):
            plain = re.sub(r"\]\([^)]*\)", "]", re.sub(r"`[^`]*`", "`x`", line))
            yield re.sub(r"^\s*(?:[-*]|\d+\.)\s+", "", plain)


@pytest.mark.parametrize("path", OURS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_line_of_prose_holds_one_sentence(path: Path) -> None:
    """A changed sentence is then one changed line."""
    assert [line for line in prose_lines(TEXT[path]) if SENTENCE_END.search(line)] == []


@pytest.mark.parametrize("path", OURS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_sentence_is_longer_than_a_reader_keeps_in_mind(path: Path) -> None:
    assert [line for line in prose_lines(TEXT[path]) if len(line) > LONGEST] == []


def test_two_sentences_on_a_line_are_noticed() -> None:
    two = ["It runs. It stops.", "- Ask `a. B`. Then **go.** `x` runs.", 'He says "no." Then she goes.', "So. 20 more."]
    one = ["It runs.", "See `a. B`, version 1.2", "as in e.g. this", "1. One step", "| A. | B. |", "```\nA. B.\n```"]
    assert all(SENTENCE_END.search(line) for text in two for line in prose_lines(text))
    assert not any(SENTENCE_END.search(line) for text in one for line in prose_lines(text))
