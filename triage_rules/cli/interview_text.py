"""Interviews as text: a block for each person, and a table of the figures."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import click

from triage_rules.cli.output import LEVEL_COLOURS, count_noun
from triage_rules.interview.description import describe_screens
from triage_rules.language.model import Audience

Json = Mapping[str, Any]

WIDTH = 110
COLUMNS = ("group", "people", "complete", "as expected", "screens", "taps", "by certificate", "until urgent")


def as_text(data: Json, *, only_failed: bool = False) -> Iterator[str]:
    """Yield the lines of interviews and their summary, from the data of --format json.

    only_failed: leave out the blocks of people who got the expected outcome.
    """
    for run in data["interviews"]:
        if not (only_failed and run["passed"]):
            yield from _block(run)
            yield ""
    yield from _summary(data)


def _block(run: Json) -> Iterator[str]:
    answering = " (a clinician answers)" if run["audience"] == Audience.CLINICIAN else ""
    yield f"{click.style(run['name'], bold=True)}: {run['title']}{answering}"
    for number, screen in enumerate(describe_screens(run), 1):
        yield from textwrap.wrap(screen, WIDTH, initial_indent=f"  {number:>2}  ", subsequent_indent=" " * 8)
    outcome = run["outcome"]
    level = click.style(outcome["level"], fg=LEVEL_COLOURS[outcome["level"]], bold=True)
    until = run["screens_until_urgent"]
    sure = "" if until is None else f", surely urgent after {count_noun(until, 'screen')}"
    yield f"  => {level}  {outcome['disposition']}: {outcome['title']}"
    yield (
        f"     {count_noun(run['screens'], 'screen')} (certificate: {run['certificate']['screens']}), "
        f"{count_noun(run['taps'], 'tap')}{sure}"
    )
    for difference in run["differences"]:
        yield click.style(f"     {difference}", fg="red")


def _summary(data: Json) -> Iterator[str]:
    rows = [COLUMNS, *(_row(figures) for figures in data["summary"]["groups"])]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    yield "Screens, taps and screens by those of the certificate: median / most. Until urgent: mean / most."
    time = data["summary"]["planning_ms"]
    if time is not None:
        yield f"Planning a screen took {time['mean']:.1f} ms on average, {time['most']:.1f} ms at most."
    if data["budget"] is not None:
        yield f"The budget of the ruleset is a median of {count_noun(data['budget'], 'screen')}."


def _row(figures: Json) -> tuple[str, ...]:
    until = figures["screens_until_urgent"]
    return (
        figures["group"],
        str(figures["people"]),
        str(figures["complete"]),
        str(figures["passed"]),
        f"{figures['screens']['median']:g} / {figures['screens']['most']}",
        f"{figures['taps']['median']:g} / {figures['taps']['most']}",
        f"{figures['ratio']['median']:.2f} / {figures['ratio']['most']:.2f}",
        "" if until is None else f"{until['mean']:.1f} / {until['most']}",
    )
