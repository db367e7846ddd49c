"""`triage follow`: results as they are published."""

from __future__ import annotations

import contextlib
import itertools
import json
from typing import Any

import click

from triage_rules.cli.output import FORMATS, LEVEL_COLOURS, handle_errors, write_data
from triage_rules.foundation.settings import Settings
from triage_rules.language.wording import BASIS_MARKS, describe_lowered

LEVELS = click.Choice(["routine", "monitor", "urgent"])


@click.command()
@click.option("--from-start", is_flag=True, help="Begin with the oldest stored result.")
@click.option(
    "--level",
    "levels",
    multiple=True,
    type=LEVELS,
    help="Only results of this level, and failed evaluations; repeatable.",
)
@click.option("--count", type=click.IntRange(min=1), default=None, help="Stop after this many results.")
@click.option("--format", "form", type=FORMATS, default="text", show_default=True)
@handle_errors
def follow(*, from_start: bool, levels: tuple[str, ...], count: int | None, form: str) -> None:
    """Show results as they are published, until Ctrl-C."""
    from triage_rules import consumer

    settings = Settings.from_environment()
    start = "0" if from_start else "$"
    events = consumer.follow(settings.redis_url, start, encryption_keys=settings.encryption)
    selected = (event for event in events if not levels or event.level is None or event.level.word in levels)
    with contextlib.suppress(KeyboardInterrupt):
        for event in itertools.islice(selected, count):
            if form == "json":
                write_data(json.dumps(event.result, ensure_ascii=False))
            else:
                write_data(_line(event.result))


def _line(result: dict[str, Any]) -> str:
    level = result["level"]
    head = click.style(level or "human review now", fg=LEVEL_COLOURS[level], bold=True)
    rules = ", ".join(rule["id"] for rule in [*result["rules"], *result["safety_net"]])
    # Results of earlier versions have neither basis nor amendments.
    mark = BASIS_MARKS.get(result.get("basis", ""), "")
    line = f"{result['evaluated_at']} {result['id']} {head} {result['disposition'] or ''} {rules}"
    return line + (mark and f" ({mark})") + _amendment(result)


def _amendment(result: dict[str, Any]) -> str:
    amends, lowers = result.get("amends"), result.get("lowers")
    if amends is None and lowers is None:
        return ""
    lowered = lowers and describe_lowered(lowers["level"], lowers["disposition"])
    return f" amends {amends}" + (f", {click.style(lowered, bold=True)}" if lowered else "")
