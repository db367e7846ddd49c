"""Exit codes: one table for all errors, followed by the commands and printed in the docs."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from triage_rules.cli import main
from triage_rules.cli.exit_codes import EXIT_CODES, ExitCode, exit_code_of
from triage_rules.cli.output import handle_errors
from triage_rules.foundation.errors import (
    CasesFailed,
    PersonasFailed,
    PropertiesFailed,
    ReportError,
    RulesetError,
    TriageError,
    VignettesFailed,
)

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "exit-codes.md"


def every_error(root: type[TriageError] = TriageError) -> set[type[TriageError]]:
    return {root}.union(*(every_error(child) for child in root.__subclasses__()))


def make_error(kind: type[TriageError]) -> TriageError:
    if kind in {RulesetError, ReportError}:
        return kind(())
    if kind in {CasesFailed, PersonasFailed, VignettesFailed, PropertiesFailed}:
        return kind((), 1)
    return kind("the reason")


def test_every_error_has_an_exit_code_of_its_own() -> None:
    """An error that inherits its parent's code by accident would mislead scripts."""
    assert every_error() == set(EXIT_CODES)
    assert ExitCode.OK not in EXIT_CODES.values()


@pytest.mark.parametrize("kind", EXIT_CODES, ids=lambda kind: kind.__name__)
def test_a_command_exits_with_the_code_of_its_error(kind: type[TriageError]) -> None:
    """The message goes to stderr, without a traceback."""
    error = make_error(kind)

    @click.command()
    @handle_errors
    def fail() -> None:
        raise error

    ran = CliRunner().invoke(fail)
    assert (ran.exit_code, ran.stdout) == (exit_code_of(error), "")
    assert ran.stderr == f"{error}\n"


def test_the_page_lists_every_exit_code_and_every_error() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [(kind.__name__, str(int(code))) for kind, code in EXIT_CODES.items()]
    codes = re.findall(r"^\| (\d) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert codes == [str(int(code)) for code in ExitCode]


def test_the_help_lists_the_exit_codes() -> None:
    assert "0 ok, 1 findings, 2 wrong usage, 3 could not run" in " ".join(
        CliRunner().invoke(main, ["--help"]).stdout.split()
    )
