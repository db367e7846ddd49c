"""The text and the Markdown of a difference between two versions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

Json = dict[str, Any]


def _heads(found: Json) -> str:
    return " -> ".join(f"{one['name']} {one['version']} ({one['digest'][:19]})" for one in (found["old"], found["new"]))


def _one_alone(found: Json) -> Iterator[str]:
    if found["accepted_by_one_alone"]:
        yield (
            "Only one version accepts some answers to, or has: "
            f"{', '.join(found['accepted_by_one_alone'])}. What it does with these alone is not compared."
        )


def _line(line: Json) -> str:
    if line["edit"] is not None:
        return f"{line['what']}: {line['edit']}"
    if line["before"] is None:
        return f"{line['what']}: {line['after']}"
    if line["after"] is None:
        return f"{line['what']}, taken away: {line['before']}"
    return f"{line['what']}: {line['after']}; before: {line['before']}"


def _result(one: Json) -> str:
    return f"{one['level']}, {one['disposition']} ({', '.join(one['rules'])})"


def _kind(aspect: str, kind: Json) -> str:
    if kind["old"]["disposition"] != kind["new"]["disposition"]:
        return f"{kind['before'][0]} before, {kind['after'][0]} now"
    if aspect == "disposition":
        return f"{kind['before'][0]} with another time"
    told = [f"no longer: {value}" for value in kind["before"]] + [f"now: {value}" for value in kind["after"]]
    return f"{aspect}, {'; '.join(told)}"


def example_words(example: Json) -> list[str]:
    """The answers of an example and what was counted, a line each."""
    lines = [f"{item['question']} {item['answer']}" for item in example["in_words"]]
    history = example["history"]
    if history["reports_last_48h"]:
        lines.append(f"Earlier reports in the last 48 hours: {history['reports_last_48h']}")
    if history["highest_level_24h"]:
        lines.append(f"Highest level in the last 24 hours: {history['highest_level_24h']}")
    return lines or ["nothing answered"]


def text(found: Json) -> Iterator[str]:
    """The lines for a terminal. `found`: as `report.as_data` makes it."""
    yield click.style(_heads(found), bold=True)
    yield "\nWritten otherwise:" if found["written"] else "\nNothing is written otherwise."
    for change in found["written"]:
        yield f"  {change['how']}: {change['part']} {change['id']}: {change['title']}"
        yield from (f"    {_line(line)}" for line in change["lines"])
    yield f"\n{found['result']} {found['caution']}"
    yield from _one_alone(found)
    for one in found["differences"]:
        for kind in one["kinds"]:
            yield f"\n  {click.style(_kind(one['aspect'], kind), bold=True)}"
            yield from (f"    cause: {cause}" for cause in kind["causes"])
            yield "    for example"
            yield from (f"      {line}" for line in example_words(kind["example"]))
            yield f"    before: {_result(kind['old'])}"
            yield f"    now:    {_result(kind['new'])}"
        yield f"{chr(10) if one['kinds'] else ''}{one['statement']}"


def markdown(found: Json) -> Iterator[str]:
    """The lines for a pull request."""
    yield f"### {_plain(_heads(found))}\n"
    yield f"**{_plain(found['result'])}** {_plain(found['caution'])}"
    yield from (f"\n{_plain(line)}" for line in _one_alone(found))
    for one in found["differences"]:
        yield f"\n{_plain(one['statement'])}\n"
        for kind in one["kinds"]:
            yield f"- **{_plain(_kind(one['aspect'], kind))}**"
            yield from (f"  - cause: {_plain(cause)}" for cause in kind["causes"])
            yield f"  - for example: {_plain(' · '.join(example_words(kind['example'])))}"
            yield f"  - before: {_plain(_result(kind['old']))}; now: {_plain(_result(kind['new']))}"
    yield "\n#### Written otherwise\n"
    if not found["written"]:
        yield "Nothing."
    for change in found["written"]:
        yield f"- {change['how']}: {change['part']} `{change['id']}`: {_plain(change['title'])}"
        yield from (f"  - {_plain(_line(line))}" for line in change["lines"])


def _plain(words: str) -> str:
    """Text that Markdown shows as it is; what stands between backticks is shown as code."""
    parts = words.split("`")
    if len(parts) % 2 == 0:  # one of them has no partner
        return _escaped(words, "`")
    return "`".join(part if number % 2 else _escaped(part) for number, part in enumerate(parts))


def _escaped(words: str, also: str = "") -> str:
    return "".join(f"\\{character}" if character in f"\\*_<>[]|{also}" else character for character in words)
