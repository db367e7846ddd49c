"""How the commands speak: data to stdout, talk to stderr, refusals as exit codes."""

from __future__ import annotations

import functools
import json
import sys
import time
from collections.abc import Callable
from typing import Any, NoReturn, ParamSpec, TypeVar

import click

from triage_rules.foundation.errors import (
    BundleError,
    EngineLimitError,
    GroupNotFound,
    KeyNotFound,
    ReportError,
    RulesetError,
    RulesetNotFound,
    SettingsError,
    TriageError,
)

P = ParamSpec("P")
R = TypeVar("R")

FOUND = 1
USAGE = 2
CANNOT_RUN = 3

QUIET_SECONDS = 2.0
"""Only after so long is it told how far something has come, and then every so often."""

LEVEL_COLOURS = {"urgent": "red", "monitor": "yellow", "routine": "green", None: "red"}


def say(message: str = "", **style: Any) -> None:
    """Talk: to stderr."""
    click.secho(message, err=True, **style)


def progress() -> Callable[[str], None]:
    """Says on stderr how far something has come, once it takes long. Call it as often as you like."""
    told = time.monotonic()

    def tell(how_far: str) -> None:
        nonlocal told
        if time.monotonic() - told > QUIET_SECONDS:
            told = time.monotonic()
            say(how_far)

    return tell


def data(text: str) -> None:
    """Data: to stdout."""
    click.echo(text)


def as_json(value: object) -> str:
    """JSON for people and programs alike."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def give_up(message: str, code: int) -> NoReturn:
    """Say what is wrong, and exit."""
    say(message)
    sys.exit(code)


def refusing(command: Callable[P, R]) -> Callable[P, R]:
    """A command whose refusals become exit codes, and never a traceback."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except (RulesetError, ReportError, EngineLimitError, BundleError) as error:
            give_up(str(error), FOUND)
        except (RulesetNotFound, KeyNotFound, GroupNotFound, SettingsError) as error:
            give_up(str(error), USAGE)
        except TriageError as error:
            give_up(str(error), CANNOT_RUN)
        except OSError as error:
            if error.filename is None:
                raise  # of no file, so nothing that whoever runs it could mend
            give_up(f"{error.filename}: {error.strerror}", CANNOT_RUN)

    return run


def not_approved(name: str, approved_by: str | None) -> None:
    """Say it wherever a ruleset is used that no clinician has signed."""
    if approved_by is None:
        say(f"Note: no clinician has approved the ruleset `{name}`.", fg="yellow")
