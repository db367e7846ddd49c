"""`triage compare`: rulesets side by side on worked cases, as text, JSON, or Markdown for a document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from triage_rules.assurance.cases import read_cases
from triage_rules.assurance.comparison import (
    Comparison,
    LevelDifference,
    LevelTally,
    Patient,
    PatientOpinion,
    compare,
    distinct,
)
from triage_rules.cli.decide import open_folder
from triage_rules.cli.output import (
    USAGE,
    as_json,
    exit_with,
    handle_errors,
    warn_not_approved,
    write_data,
    write_message,
)
from triage_rules.evaluation.answers import format_unit
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.language.model import Input, InputKind, Level

BEGIN, END = "<!-- made by triage compare -->", "<!-- end of what triage compare made -->"
"""What stands between these two lines of a document is written anew by `--into`."""

CASES_ARE_NO_PATIENTS = (
    "These are worked cases, written to try the rules, and not patients: how often something occurs among them "
    "says nothing about how often it occurs in people, and agreement says nothing about who is right."
)

Json = dict[str, Any]

_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


@click.command(name="compare")
@click.argument("first", metavar="RULESET", type=_FOLDER)
@click.argument("others", metavar="OTHER...", nargs=-1, required=True, type=_FOLDER)
@click.option("--cases", "with_cases", is_flag=True, help="Name every case that differs, not just their number.")
@click.option("--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True)
@click.option(
    "--into",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Write the Markdown into this document, between the two lines that mark its place.",
)
@handle_errors
def compare_command(first: Path, others: tuple[Path, ...], form: str, into: Path | None, *, with_cases: bool) -> None:
    """Compare the levels of other rulesets with those of the first, on the worked cases of all of them.

    Each ruleset gets those answers of a case that it has questions for. None goes live by this.
    """
    evaluators = [open_folder(folder) for folder in (first, *others)]
    found = report(evaluators, (first, *others))
    if into is not None:
        _write_into(into, "\n".join(markdown(found, with_cases=with_cases)))
        write_message(f"{into} written.")
    elif form == "json":
        write_data(as_json(found))
    else:
        write_data("\n".join((markdown if form == "markdown" else _text)(found, with_cases=with_cases)))
    for evaluator in evaluators:
        warn_not_approved(evaluator.ruleset.name, evaluator.ruleset.approved_by)


def report(evaluators: Sequence[Evaluator], folders: Sequence[Path]) -> Json:
    """The comparison of the first with each of the others, on all their worked cases, as plain data.

    Raises RulesetNotFound, RulesetError if the cases can't be read.
    """
    written: list[Patient] = []
    refused = 0
    for evaluator, folder in zip(evaluators, folders, strict=True):
        for case in read_cases(folder, evaluator.ruleset):
            if "refused" in case.expect:
                refused += 1
            else:
                name = f"{evaluator.ruleset.name}/{case.id}"
                written.append(Patient(name, case.note, case.answers, case.history))
    patients = distinct(written)
    first, *others = evaluators
    compared = compare(first, others, patients)
    return {
        "basis": "worked cases",
        "caution": CASES_ARE_NO_PATIENTS,
        "first": _ruleset(first),
        "cases": len(patients),
        "left_out": {"to_be_refused": refused, "twins": len(written) - len(patients)},
        "others": [_other(first, other, found) for other, found in zip(others, compared, strict=True)],
    }


def _write_into(document: Path, made: str) -> None:
    text = document.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        exit_with(f"{document}: the lines `{BEGIN}` and `{END}` don't stand in it, in this order.", USAGE)
    document.write_text(f"{before}{BEGIN}\n\n{made}\n\n{END}{after}", encoding="utf-8")


# --- plain data -----------------------------------------------------------------------------


def _ruleset(evaluator: Evaluator) -> Json:
    ruleset = evaluator.ruleset
    return {"name": ruleset.name, "version": ruleset.version, "title": ruleset.title, "digest": evaluator.digest}


def _other(first: Evaluator, other: Evaluator, found: Comparison) -> Json:
    inputs = {**other.ruleset.inputs, **first.ruleset.inputs}
    cells = sorted(found.cells.items(), key=lambda cell: (cell[0][2], other.ruleset.urgency(cell[0][1]), -cell[0][0]))
    return {
        **_ruleset(other),
        "speaking": _tally(found.speaking),
        "silent": _tally(found.silent),
        "refused": list(found.refused),
        "cells": [
            {"first": level.word, "disposition": code, "speaks": speaks, "cases": number}
            for (level, code, speaks), number in cells
        ],
        "differences": [_difference(inputs, difference) for difference in found.differences],
    }


def _tally(tally: LevelTally) -> Json:
    return {"cases": tally.all, "same": tally.same, "lower": tally.lower, "higher": tally.higher}


def _difference(inputs: dict[str, Input], found: LevelDifference) -> Json:
    kind, example = found.kind, found.example
    return {
        "first": kind.first.word,
        "other": kind.other.word,
        "speaks": kind.speaks,
        "may_agree": kind.may_agree,
        "cases": list(found.patients),
        "example": {
            "from": example.id,
            "note": example.note,
            "rest_answered": found.rest_answered,
            "findings": dict(example.answers),
            "history": {
                "reports_last_48h": example.history.reports_last_48h,
                "highest_level_24h": example.history.highest_level_24h and example.history.highest_level_24h.word,
            },
            "in_words": [
                {"question": inputs[name].question, "answer": _answer(inputs[name], value)}
                for name, value in example.answers.items()
            ],
            "first": _opinion(found.first),
            "other": _opinion(found.other),
        },
    }


def _opinion(opinion: PatientOpinion) -> Json:
    return {"level": opinion.level.word, "disposition": opinion.disposition, "rules": sorted(opinion.rules)}


def _answer(read: Input, value: Any) -> str:
    """An answer in the words of its question."""
    match read.kind:
        case InputKind.YES_NO if isinstance(value, bool):
            return "yes" if value else "no"
        case InputKind.CHOICE:
            return {choice.value: choice.label for choice in read.choices}.get(str(value), str(value))
        case InputKind.NUMBER | InputKind.INTEGER if not isinstance(value, str):
            return f"{value}{format_unit(read.unit)}"
        case _:
            return f'"{value}"' if read.kind is InputKind.TEXT else str(value)


# --- words, for text and Markdown -----------------------------------------------------------


def _basis(found: Json) -> str:
    left_out = found["left_out"]
    return (
        f"{found['cases']} worked cases of {len(found['others']) + 1} rulesets "
        f"({left_out['twins']} with the same answers as another, and {left_out['to_be_refused']} that are to be "
        f"refused, are left out). {found['caution']}"
    )


def _kind(first: str, other: str, difference: Json) -> str:
    """A kind of difference: both levels, who speaks, and whether open questions could still bring them together."""
    way = "Lower" if Level.of(difference["other"]) < Level.of(difference["first"]) else "Higher"
    speaker = "one of its rules fires" if difference["speaks"] else "only its default speaks"
    end = "open questions could still bring both together" if difference["may_agree"] else "no answer can change that"
    return (
        f"{way}: {first} {difference['first']}, {other} {difference['other']}; {speaker}; {end} "
        f"({_number(len(difference['cases']))})"
    )


def _number(cases: int) -> str:
    return f"{cases} case{'' if cases == 1 else 's'}"


def _patient(example: Json) -> str:
    """The example's answers in one line, and what was known from before."""
    answers = [f"{item['question']} {item['answer']}" for item in example["in_words"]]
    history = example["history"]
    if history["reports_last_48h"]:
        answers.append(f"Earlier reports in 48 hours: {history['reports_last_48h']}")
    if history["highest_level_24h"]:
        answers.append(f"Highest level in 24 hours: {history['highest_level_24h']}")
    answers += ["and everything else answered as in the case"] if example["rest_answered"] else []
    return " · ".join(answers) or "nothing answered"


def _verdicts(first: str, other: str, example: Json) -> str:
    return "; ".join(
        f"{name}: {one['level']}, {one['disposition']} ({', '.join(one['rules']) or 'no rule fires'})"
        for name, one in ((first, example["first"]), (other, example["other"]))
    )


def _text(found: Json, *, with_cases: bool) -> Iterator[str]:
    first = found["first"]["name"]
    yield _basis(found)
    for other in found["others"]:
        name = other["name"]
        yield f"\n{click.style(name, bold=True)} against {first}"
        for label, key in (("its rules fire", "speaking"), ("only its default", "silent")):
            tally = other[key]
            counts = "".join(f"{way} {tally[way]:>5}   " for way in ("same", "lower", "higher"))
            yield f"  {label:<17}{tally['cases']:>5} cases:  {counts}".rstrip()
        if other["refused"]:
            yield f"  refused by one of the two: {_number(len(other['refused']))}"
        for difference in other["differences"]:
            yield f"\n  {_kind(first, name, difference)}"
            yield f"    for example {_patient(difference['example'])}"
            yield f"    {_verdicts(first, name, difference['example'])}"
            if with_cases:
                yield f"    cases: {', '.join(difference['cases'])}"


def markdown(found: Json, *, with_cases: bool) -> Iterator[str]:
    """The lines of a comparison for a document. `found`: as `report` makes it."""
    first = found["first"]["name"]
    yield f"{_basis(found)}\n"
    yield from _overview(found)
    for other in found["others"]:
        name = other["name"]
        yield f"\n### {name} against {first}\n"
        yield from _cells(first, other)
        for difference in other["differences"]:
            example = difference["example"]
            yield f"\n- **{_kind(first, name, difference)}**"
            yield f"  - for example: {_plain(_patient(example))}"
            yield f"  - {_verdicts(first, name, example)}"
            if with_cases:
                yield f"  - cases: {', '.join(difference['cases'])}"


def _overview(found: Json) -> Iterator[str]:
    first = found["first"]["name"]
    yield f"Levels against those of {first}:\n"
    yield "| ruleset | its rules fire | same | lower | higher | only its default | same | lower | higher |"
    yield "|---|--:|--:|--:|--:|--:|--:|--:|--:|"
    for other in found["others"]:
        counts = [other[key][way] for key in ("speaking", "silent") for way in ("cases", "same", "lower", "higher")]
        yield _row([other["name"], *counts])


def _cells(first: str, other: Json) -> Iterator[str]:
    """Number of cases by the first one's level and by what the other says."""
    columns = list(dict.fromkeys((cell["speaks"], cell["disposition"]) for cell in other["cells"]))
    number = {(cell["first"], cell["speaks"], cell["disposition"]): cell["cases"] for cell in other["cells"]}
    yield _row([first, *(code if speaks else f"default: {code}" for speaks, code in columns)])
    yield "|---" + "|--:" * len(columns) + "|"
    for level in sorted(Level, reverse=True):
        yield _row([level.word, *(number.get((level.word, *column), 0) for column in columns)])


def _row(cells: Iterable[object]) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _plain(text: str) -> str:
    """Text that Markdown shows as it is."""
    return "".join(f"\\{character}" if character in "\\`*_<>[]|" else character for character in text)
