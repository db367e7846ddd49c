"""The person at the command line, as the audit log names them."""

from __future__ import annotations

import os
import pwd

import click

from triage_rules.records.audit import Actor, Via

NAME_MAX = 100


def _read_actor(_context: click.Context, _parameter: click.Parameter, name: str | None) -> Actor:
    if name is not None and not (name.isprintable() and name.strip() and len(name) <= NAME_MAX):
        raise click.BadParameter(f"expected 1 to {NAME_MAX} characters that can be printed")
    return get_actor(name)


def get_actor(name: str | None = None, via: Via = Via.CLI) -> Actor:
    """Return the person who runs the command: by that name, or else by their user name on this machine."""
    return Actor(name or _user_name(), via)


def _user_name() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # in a container a user may have only a number
        return f"uid {os.getuid()}"


by_option = click.option(
    "--by",
    metavar="NAME",
    callback=_read_actor,
    help="Your name, for the audit log.  [default: your user name on this machine]",
)
"""Option of every command that the audit log records; the command gets an `Actor`."""
