"""The documents account for themselves: what they name exists, and what exists they name."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from triage_rules.cli import COMMANDS, main

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "SECURITY.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "rulesets").rglob("*.md")),
]
TEXT = {path: path.read_text(encoding="utf-8") for path in DOCUMENTS}


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_is_documented(command: str) -> None:
    assert any(f"triage {command}" in text for text in TEXT.values())


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", TEXT[path])
    assert [target for target in targets if not (path.parent / target).exists()] == []


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


def test_the_readme_fits_a_screen_and_says_how_to_start() -> None:
    readme = TEXT[ROOT / "README.md"]
    assert "make run" in readme
    assert "make test" in readme
    assert len(readme.splitlines()) <= 60
    assert "No clinician has approved" in readme
