"""The `triage` command: data on stdout, messages on stderr, and one of four exit codes (`exit_codes`)."""

from __future__ import annotations

import importlib

import click

from triage_rules.cli.exit_codes import ExitCode
from triage_rules.cli.output import exit_with, missing_extra, write_data
from triage_rules.foundation.errors import TriageError
from triage_rules.foundation.interrupt import interrupt_ends_process
from triage_rules.foundation.version import is_release, version

COMMANDS = (
    "audit",
    "check",
    "compare",
    "decide",
    "deploy",
    "diff",
    "erase",
    "explain",
    "follow",
    "form-link",
    "interview",
    "key",
    "mutate",
    "post",
    "prove",
    "red-flags",
    "redrive",
    "rekey",
    "rollback",
    "status",
    "test",
    "up",
    "vignettes",
    "withdraw",
)
"""Commands in the order of --help. `form-link` is the function `form_link` in `form_link.py`, and so on."""


class Commands(click.Group):
    """Group of commands, each loaded when it is used: most need packages that only an extra brings."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, including those whose extra is missing."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command, or a substitute that names the missing extra."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = cmd_name.replace("-", "_")
        try:
            with interrupt_ends_process():
                loaded = importlib.import_module(f"triage_rules.cli.{module}")
        except ModuleNotFoundError as error:
            return _unavailable(cmd_name, missing_extra(error, cmd_name))
        except TriageError as error:
            return _unavailable(cmd_name, str(error))
        command: click.Command = getattr(loaded, module)
        return command


def _unavailable(name: str, reason: str) -> click.Command:
    """Return a command that accepts any arguments, and exits with the reason."""
    return click.Command(
        name,
        callback=lambda **_: exit_with(reason, ExitCode.CANNOT_RUN),
        params=[click.Argument(["arguments"], nargs=-1, type=click.UNPROCESSED)],
        context_settings={"ignore_unknown_options": True, "help_option_names": []},
        help=reason,
        short_help=reason,
    )


def _show_version(context: click.Context) -> None:
    program = version()
    write_data(f"triage, version {program}{'' if is_release(program) else ' (unreleased)'}")
    context.exit()


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda context, _, is_asked: _show_version(context) if is_asked else None,
    help="Show the version and exit.",
)
def main() -> None:
    """Triage symptom reports by rules that can be trusted.

    \b
    Without a server:             check, test, vignettes, prove, red-flags, mutate, interview, decide, explain, compare,
                                  diff
    Against a running service:    deploy, rollback, withdraw, status, post, follow, redrive, key, audit, erase, rekey
    Forms for patients:           form-link
    Everything on this machine:   up

    RULESET is a folder such as rulesets/red-dots, or the name of a live ruleset. FILE is a report as posted;
    `-` stands for standard input. Settings are the TRIAGE_* environment variables (docs/reference/settings.md).
    Exit codes: 0 ok, 1 findings, 2 wrong usage, 3 could not run (docs/reference/exit-codes.md).
    """  # noqa: D301 - click wants the backspace itself
