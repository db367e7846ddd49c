"""The text and the Markdown of vignettes that were run, from the data of --format json."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from triage_rules.interview.vignette_figures import percent

Json = Mapping[str, Any]

COLUMNS = ("", "vignettes", "exact", "acceptable", "too mild", "too grave", "harmless called urgent")
OF_INTERVIEWS = ("screens", "taps")
"""Columns of the figures; the last two are left out if only forms were run."""

_AXES = "wanted in rows, by the ruleset in columns"


def count_line(figures: Json) -> str:
    """Return the counts in one line."""
    differ = figures["form_and_interview_differ"]
    return (
        f"vignettes: {figures['vignettes']} run, {_share(figures, 'exact')} exact, "
        f"{_share(figures, 'acceptable')} acceptable, "
        f"{figures['too_mild']} too mild, {figures['too_grave']} too grave"
        + (f", {differ} with another outcome by interview" if differ else "")
    )


def as_text(data: Json) -> Iterator[str]:
    """Yield the lines for a terminal."""
    for run in data.get("vignettes", ()):
        if run["miss"] is not None:
            yield f"{click.style(run['name'], bold=True)}: {run['miss']}"
            yield f"    {run['why']}"
    figures = data["figures"]
    yield from _table(figures_table(figures))
    yield from _notes(figures["all"])
    for heading, rows in _confusions(figures):
        yield ""
        yield heading
        yield from _table(rows)
    yield ""
    yield count_line(figures["all"])
    if data["budget"]:
        limits = (f"{key} {limit:g}" for key, limit in data["budget"].items())
        yield f"Budget: {', '.join(limits)}."


def as_markdown(data: Json) -> Iterator[str]:
    """Yield the lines of the tables for a document."""
    figures = data["figures"]
    yield from markdown_table(figures_table(figures))
    yield ""
    yield from _notes(figures["all"])
    for heading, rows in _confusions(figures):
        yield ""
        yield heading
        yield ""
        yield from markdown_table(rows)


def _notes(figures: Json) -> Iterator[str]:
    """Yield the sentences below the figures. `figures`: of all."""
    yield "Acceptable includes exact."
    differ, total = figures["form_and_interview_differ"], figures["vignettes"]
    if differ is not None:
        yield "Screens and taps: median / most of the interviews."
        yield f"{total - differ} of {total} interviews end with the outcome of the full form."


def figures_table(figures: Json) -> list[Sequence[str]]:
    """Return the rows of the figures of all, each group and each kind; the first row has the headings."""
    named = [("all", figures["all"])]
    named += [(name.replace("_", " "), of_name) for name, of_name in figures["groups"].items()]
    named += [(f"kind: {name}", of_name) for name, of_name in figures["kinds"].items()]
    interviewed = OF_INTERVIEWS if figures["all"]["screens"] is not None else ()
    return [(*COLUMNS, *interviewed), *(_row(name, of_name) for name, of_name in named)]


def _confusions(figures: Json) -> Iterator[tuple[str, list[Sequence[str]]]]:
    """Yield the heading and the rows of each confusion."""
    levels, dispositions = figures["levels"], figures["dispositions"]
    codes = [code.partition("_")[0] for code in dispositions["labels"]]
    yield f"Levels: {_AXES}.", [["wanted", *levels["labels"]], *_confusion_rows(levels["labels"], levels["rows"])]
    yield f"Dispositions: {_AXES}.", [["wanted", *codes], *_confusion_rows(codes, dispositions["rows"])]
    by_group = [
        [name.replace("_", " "), *row]
        for name, group in figures["groups"].items()
        for row in _confusion_rows(levels["labels"], group["levels"])
        if any(cell != "0" for cell in row[1:])
    ]
    yield f"Levels by group: {_AXES}.", [["group", "wanted", *levels["labels"]], *by_group]


def _confusion_rows(labels: Sequence[str], counts: Sequence[Sequence[int]]) -> list[list[str]]:
    return [[label, *map(str, row)] for label, row in zip(labels, counts, strict=True)]


def markdown_table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table; the first row has the headings."""
    head, *body = rows
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in body:
        yield f"| {' | '.join(row)} |"


def _row(name: str, figures: Json) -> tuple[str, ...]:
    return (
        name,
        str(figures["vignettes"]),
        _share(figures, "exact"),
        _share(figures, "acceptable"),
        str(figures["too_mild"]),
        str(figures["too_grave"]),
        f"{figures['harmless_called_urgent']} of {figures['harmless']}",
        *(_spread(figures[name]) for name in OF_INTERVIEWS if figures[name] is not None),
    )


def _share(figures: Json, key: str) -> str:
    return f"{figures[key]} ({percent(figures[key], figures['vignettes']):g} %)"


def _spread(measure: Json) -> str:
    return f"{measure['median']:g} / {measure['most']:g}"


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
