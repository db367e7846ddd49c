"""Who is at the command line: the name that the audit log gets."""

from __future__ import annotations

import os
import pwd

import click

from triage_rules.records.audit import Actor, Via

NAME_MAX = 100


def _actor(_context: click.Context, _parameter: click.Parameter, name: str | None) -> Actor:
    if name is not None and not (name.isprintable() and name.strip() and len(name) <= NAME_MAX):
        raise click.BadParameter(f"expected 1 to {NAME_MAX} characters that can be printed")
    return at_desk(name)


def at_desk(name: str | None = None, via: Via = Via.CLI) -> Actor:
    """Who started this command: that name, else the user of the operating system."""
    return Actor(name or _user(), via)


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # in a container a user may have a number alone
        return f"uid {os.getuid()}"


by = click.option(
    "--by", metavar="NAME", callback=_actor, help="Who does this, for the audit log.  [default: your user name here]"
)
"""The option of every command whose deed is written down; the command gets an `Actor`."""
