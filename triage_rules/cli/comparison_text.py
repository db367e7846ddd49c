"""The text and the Markdown of a comparison."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import click

from triage_rules.language.model import Level

Json = dict[str, Any]


def _basis(comparison: Json) -> str:
    left_out = comparison["left_out"]
    return (
        f"{comparison['cases']} worked cases of {len(comparison['others']) + 1} rulesets "
        f"(left out: {left_out['twins']} with the same answers as another, and {left_out['to_be_refused']} that expect "
        f"a refusal). {comparison['caution']}"
    )


def _kind(first: str, other: str, difference: Json) -> str:
    """Describe a kind of difference: both levels, what decides, and if open questions could close the gap."""
    way = "Lower" if Level.of(difference["other"]) < Level.of(difference["first"]) else "Higher"
    speaker = "one of its rules fires" if difference["speaks"] else "only its default applies"
    end = "open questions could still bring both together" if difference["may_agree"] else "no answer can change that"
    return (
        f"{way}: {first} {difference['first']}, {other} {difference['other']}; {speaker}; {end} "
        f"({_count_cases(len(difference['cases']))})"
    )


def _count_cases(cases: int) -> str:
    return f"{cases} case{'' if cases == 1 else 's'}"


def _patient(example: Json) -> str:
    """Return the example's answers and history in one line."""
    answers = [f"{item['question']} {item['answer']}" for item in example["in_words"]]
    history = example["history"]
    if history["reports_last_48h"]:
        answers.append(f"Earlier reports in 48 hours: {history['reports_last_48h']}")
    if history["highest_level_24h"]:
        answers.append(f"Highest level in 24 hours: {history['highest_level_24h']}")
    answers += ["and all other answers as in the case"] if example["rest_answered"] else []
    return " · ".join(answers) or "nothing answered"


def _verdicts(first: str, other: str, example: Json) -> str:
    return "; ".join(
        f"{name}: {opinion['level']}, {opinion['disposition']} ({', '.join(opinion['rules']) or 'no rule fires'})"
        for name, opinion in ((first, example["first"]), (other, example["other"]))
    )


def as_text(comparison: Json, *, with_cases: bool) -> Iterator[str]:
    """Yield the lines for a terminal. `comparison`: from `compare_folders`."""
    first = comparison["first"]["name"]
    yield _basis(comparison)
    for other in comparison["others"]:
        name = other["name"]
        yield f"\n{click.style(name, bold=True)} against {first}"
        for label, key in (("its rules fire", "speaking"), ("only its default", "silent")):
            tally = other[key]
            counts = "".join(f"{way} {tally[way]:>5}   " for way in ("same", "lower", "higher"))
            yield f"  {label:<17}{tally['cases']:>5} cases:  {counts}".rstrip()
        if other["refused"]:
            yield f"  rejected by one of the two: {_count_cases(len(other['refused']))}"
        for difference in other["differences"]:
            yield f"\n  {_kind(first, name, difference)}"
            yield f"    for example {_patient(difference['example'])}"
            yield f"    {_verdicts(first, name, difference['example'])}"
            if with_cases:
                yield f"    cases: {', '.join(difference['cases'])}"


def as_markdown(comparison: Json, *, with_cases: bool) -> Iterator[str]:
    """Yield the lines for a document. `comparison`: from `compare_folders`."""
    first = comparison["first"]["name"]
    yield f"{_basis(comparison)}\n"
    yield from _overview(comparison)
    for other in comparison["others"]:
        name = other["name"]
        yield f"\n### {name} against {first}\n"
        yield from _cells(first, other)
        for difference in other["differences"]:
            example = difference["example"]
            yield f"\n- **{_kind(first, name, difference)}**"
            yield f"  - for example: {_escape(_patient(example))}"
            yield f"  - {_verdicts(first, name, example)}"
            if with_cases:
                yield f"  - cases: {', '.join(difference['cases'])}"


def _overview(comparison: Json) -> Iterator[str]:
    first = comparison["first"]["name"]
    yield f"Levels against those of {first}:\n"
    yield "| ruleset | its rules fire | same | lower | higher | only its default | same | lower | higher |"
    yield "|---|--:|--:|--:|--:|--:|--:|--:|--:|"
    for other in comparison["others"]:
        counts = [other[key][way] for key in ("speaking", "silent") for way in ("cases", "same", "lower", "higher")]
        yield _row([other["name"], *counts])


def _cells(first: str, other: Json) -> Iterator[str]:
    """Yield a table: number of cases by the first ruleset's level and the other's disposition."""
    columns = list(dict.fromkeys((cell["speaks"], cell["disposition"]) for cell in other["cells"]))
    number = {(cell["first"], cell["speaks"], cell["disposition"]): cell["cases"] for cell in other["cells"]}
    yield _row([first, *(code if speaks else f"default: {code}" for speaks, code in columns)])
    yield "|---" + "|--:" * len(columns) + "|"
    for level in sorted(Level, reverse=True):
        yield _row([level.word, *(number.get((level.word, *column), 0) for column in columns)])


def _row(cells: Iterable[object]) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _escape(text: str) -> str:
    """Escape text for Markdown."""
    return "".join(f"\\{character}" if character in "\\`*_<>[]|" else character for character in text)
