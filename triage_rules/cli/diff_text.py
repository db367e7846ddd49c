"""The text and the Markdown of the differences between two versions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

Json = dict[str, Any]


def as_text(report: Json) -> Iterator[str]:
    """Yield the lines for a terminal. `report`: from `assurance.diff.report.as_data`."""
    yield click.style(_heads(report), bold=True)
    yield "\nChanges:" if report["written"] else "\nNo rule and no text changed."
    for change in report["written"]:
        yield f"  {change['how']}: {change['part']} {change['id']}: {change['title']}"
        yield from (f"    {_change_line(line)}" for line in change["lines"])
    yield f"\n{report['result']} {report['caution']}"
    yield from _unshared_lines(report)
    for difference in report["differences"]:
        for kind in difference["kinds"]:
            yield f"\n  {click.style(_kind(difference['aspect'], kind), bold=True)}"
            yield from (f"    cause: {cause}" for cause in kind["causes"])
            yield "    for example"
            yield from (f"      {line}" for line in example_lines(kind["example"]))
            yield f"    before: {_result(kind['old'])}"
            yield f"    now:    {_result(kind['new'])}"
        yield f"{chr(10) if difference['kinds'] else ''}{difference['statement']}"


def as_markdown(report: Json) -> Iterator[str]:
    """Yield the lines for a pull request. `report`: from `assurance.diff.report.as_data`."""
    yield f"### {_escape(_heads(report))}\n"
    yield f"**{_escape(report['result'])}** {_escape(report['caution'])}"
    yield from (f"\n{_escape(line)}" for line in _unshared_lines(report))
    for difference in report["differences"]:
        yield f"\n{_escape(difference['statement'])}\n"
        for kind in difference["kinds"]:
            yield f"- **{_escape(_kind(difference['aspect'], kind))}**"
            yield from (f"  - cause: {_escape(cause)}" for cause in kind["causes"])
            yield f"  - for example: {_escape(' · '.join(example_lines(kind['example'])))}"
            yield f"  - before: {_escape(_result(kind['old']))}; now: {_escape(_result(kind['new']))}"
    yield "\n#### Changes\n"
    if not report["written"]:
        yield "No rule and no text changed."
    for change in report["written"]:
        yield f"- {change['how']}: {change['part']} `{change['id']}`: {_escape(change['title'])}"
        yield from (f"  - {_escape(_change_line(line))}" for line in change["lines"])


def example_lines(example: Json) -> list[str]:
    """Return the answers of an example and its history, a line each."""
    lines = [f"{item['question']} {item['answer']}" for item in example["in_words"]]
    history = example["history"]
    if history["reports_last_48h"]:
        lines.append(f"Earlier reports in the last 48 hours: {history['reports_last_48h']}")
    if history["highest_level_24h"]:
        lines.append(f"Highest level in the last 24 hours: {history['highest_level_24h']}")
    return lines or ["nothing answered"]


def _heads(report: Json) -> str:
    versions = (report["old"], report["new"])
    return " -> ".join(f"{version['name']} {version['version']} ({version['digest'][:19]})" for version in versions)


def _unshared_lines(report: Json) -> Iterator[str]:
    if report["accepted_by_one_alone"]:
        names = ", ".join(report["accepted_by_one_alone"])
        yield f"Only one version has these inputs, or accepts some of their answers: {names}. These are not compared."


def _change_line(line: Json) -> str:
    if line["edit"] is not None:
        return f"{line['what']}: {line['edit']}"
    if line["before"] is None:
        return f"{line['what']}: {line['after']}"
    if line["after"] is None:
        return f"{line['what']}, removed: {line['before']}"
    return f"{line['what']}: {line['after']}; before: {line['before']}"


def _result(result: Json) -> str:
    return f"{result['level']}, {result['disposition']} ({', '.join(result['rules'])})"


def _kind(aspect: str, kind: Json) -> str:
    if kind["old"]["disposition"] != kind["new"]["disposition"]:
        return f"{kind['before'][0]} before, {kind['after'][0]} now"
    if aspect == "disposition":
        return f"{kind['before'][0]} with another time"
    changes = [f"no longer: {value}" for value in kind["before"]] + [f"now: {value}" for value in kind["after"]]
    return f"{aspect}, {'; '.join(changes)}"


def _escape(text: str) -> str:
    """Escape text for Markdown, except code between backticks."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # a backtick without its partner
        return _escape_characters(text, "`")
    return "`".join(part if number % 2 else _escape_characters(part) for number, part in enumerate(parts))


def _escape_characters(text: str, also: str = "") -> str:
    return "".join(f"\\{character}" if character in f"\\*_<>[]|{also}" else character for character in text)
