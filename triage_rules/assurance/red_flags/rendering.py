"""A table of red flags as text, as Markdown, as CSV, and as plain data."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from triage_rules.assurance.red_flags.table import Codes, FlagRow, Table
from triage_rules.language.model import Value

NOT_ASKED = "\u2013"
"""Mark of a situation in which the question of a flag is not asked."""

Json = dict[str, Any]


def as_text(table: Table) -> Iterator[str]:
    """Yield the single flags, then the pairs that raise, as columns of text."""
    yield f"{table.ruleset.name} {table.ruleset.version}: {_counts(table)}"
    yield ", ".join(_dispositions(table))
    yield from _legend(table)
    for title, rows in _sections(table):
        yield f"\n{title}"
        yield from _columns(rows)
    yield from _pairs_left_out(table)
    yield from _undecided(table)


def as_markdown(table: Table) -> Iterator[str]:
    """Yield the same as a page of Markdown."""
    yield f"# Red flags of {table.ruleset.name} {table.ruleset.version}\n"
    yield f"Made by `triage red-flags`: {_counts(table)}\n"
    yield from (f"- {line}" for line in (*_dispositions(table), *_legend(table)))
    for title, rows in _sections(table):
        yield f"\n## {title}\n"
        lines = [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows]
        yield from (lines[0], f"|{'---|' * len(rows[0])}", *lines[1:])
    yield from _pairs_left_out(table)
    yield from _undecided(table)


def as_csv(table: Table) -> str:
    """Return one line for each flag and each pair, with a column for each situation."""
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    names = [" ".join([situation.band, *map(_word, situation.split)]) for situation in table.situations]
    writer.writerow(["flag", "second flag", "everything else", *names])
    for row in (*table.singles, *table.pairs):
        first, second = [*(flag.name for flag in row.flags), ""][:2]
        writer.writerow([first, second, "harmless", *(code or "" for code in row.harmless)])
        if row.anything:
            writer.writerow([first, second, "anything", *(code or "" for code in row.anything)])
    return target.getvalue()


def as_data(table: Table) -> Json:
    """Return the whole table as plain data; a list of outcomes has one for each situation, in their order."""
    raising = table.raising_pairs()
    return {
        "ruleset": table.ruleset.name,
        "version": table.ruleset.version,
        "situations": [
            {"age": situation.band, **dict(zip(table.split, situation.split, strict=True))}
            for situation in table.situations
        ],
        "no_flag": list(table.baseline),
        "flags": [
            {"flag": row.flags[0].name, "finding": row.flags[0].input, **_outcomes(row)} for row in table.singles
        ],
        "pairs": [
            {"flags": [flag.name for flag in row.flags], "raises": row in raising, **_outcomes(row)}
            for row in table.pairs
        ],
        "undecided": table.undecided,
    }


def _outcomes(row: FlagRow) -> Json:
    return {"harmless": list(row.harmless)} | ({"anything": list(row.anything)} if row.anything else {})


def _counts(table: Table) -> str:
    pairs = f", {len(table.pairs)} pairs" if table.pairs else ""
    return f"{len(table.singles)} red flags{pairs}."


def _dispositions(table: Table) -> list[str]:
    short = _short_codes(table)
    return [f"{short[code]}: {disposition.title}" for code, disposition in table.ruleset.dispositions.items()]


def _legend(table: Table) -> Iterator[str]:
    yield "Each cell: the mildest outcome with everything else harmless"
    if table.split:
        ways = " / ".join(
            " ".join(map(_word, way)) for way in dict.fromkeys(situation.split for situation in table.situations)
        )
        yield f"In each cell: {ways} ({', '.join(table.split)})"
    yield f"{NOT_ASKED}: the question is not asked"
    yield "Any answers: the mildest outcome of all reports with the flag, at any age, whatever else is answered"


def _sections(table: Table) -> Iterator[tuple[str, list[list[str]]]]:
    """Yield the titles of the sections, each with its rows; the first row is the header."""
    bands = dict.fromkeys(situation.band for situation in table.situations)
    no_flag = ["no flag", *_cells(table, table.baseline), ""]
    single = [[*_row(table, row), _mildest(table, row.anything)] for row in table.singles]
    yield "Single flags", [["flag", *bands, "any answers"], no_flag, *single]
    if table.pairs:
        raising = [_row(table, row) for row in table.raising_pairs()]
        yield "Pairs that are graver than both flags", [["flags", *bands], *raising]


def _pairs_left_out(table: Table) -> Iterator[str]:
    if table.pairs:
        count = len(table.pairs) - len(table.raising_pairs())
        yield f"\nThe other {count} pairs are nowhere graver than the graver of their flags."


def _undecided(table: Table) -> Iterator[str]:
    if table.undecided:
        yield f"\nNot decided, as the time ran out: {', '.join(dict.fromkeys(table.undecided))}."


def _row(table: Table, row: FlagRow) -> list[str]:
    return [" + ".join(flag.name for flag in row.flags), *_cells(table, row.harmless)]


def _mildest(table: Table, codes: Codes) -> str:
    mildest = min((code for code in codes if code), key=table.ruleset.urgency, default=None)
    return _short_codes(table)[mildest] if mildest else ""


def _cells(table: Table, codes: Codes) -> list[str]:
    """Return a cell for each age band, with the outcomes of its situations; once if they are the same."""
    short, bands = _short_codes(table), dict[str, list[str]]()
    for situation, code in zip(table.situations, codes, strict=True):
        bands.setdefault(situation.band, []).append(NOT_ASKED if code is None else short[code])
    return [cells[0] if len(set(cells)) == 1 else " / ".join(cells) for cells in bands.values()]


def _short_codes(table: Table) -> dict[str, str]:
    """Return each disposition's code up to the first underscore, if that is enough to tell them apart."""
    short = {code: code.split("_")[0] for code in table.ruleset.dispositions}
    return short if len(set(short.values())) == len(short) else {code: code for code in short}


def _columns(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def _word(value: Value) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
