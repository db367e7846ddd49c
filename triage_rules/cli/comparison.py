"""The comparison of rulesets on their worked cases, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from triage_rules.assurance.cases import Case, findings_of, read_cases
from triage_rules.assurance.comparison import (
    Comparison,
    LevelDifference,
    LevelTally,
    Patient,
    PatientOpinion,
    compare,
    distinct,
)
from triage_rules.evaluation.answers import format_unit
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.foundation.errors import ReportError
from triage_rules.language.model import Input, InputKind

CASES_ARE_NO_PATIENTS = (
    "These are worked cases that test the rules, not patients: their counts say nothing about how often something "
    "occurs in people, and agreement says nothing about who is right."
)


Json = dict[str, Any]


def compare_folders(evaluators: Sequence[Evaluator], folders: Sequence[Path]) -> Json:
    """Compare the first ruleset with each of the others on all their worked cases, as plain data.

    Raises:
        RulesetNotFound: A folder has no cases.
        RulesetError: The cases can't be read.

    """
    written: list[Patient] = []
    refused = 0
    for evaluator, folder in zip(evaluators, folders, strict=True):
        for case in read_cases(folder, evaluator.ruleset):
            if "refused" in case.expect:
                refused += 1
            else:
                name = f"{evaluator.ruleset.name}/{case.id}"
                written.append(Patient(name, case.note, _findings(evaluator, case), case.history))
    patients = distinct(written)
    first, *others = evaluators
    compared = compare(first, others, patients)
    return {
        "basis": "worked cases",
        "caution": CASES_ARE_NO_PATIENTS,
        "first": _ruleset(first),
        "cases": len(patients),
        "left_out": {"to_be_refused": refused, "twins": len(written) - len(patients)},
        "others": [_other(first, other, comparison) for other, comparison in zip(others, compared, strict=True)],
    }


def _findings(evaluator: Evaluator, case: Case) -> Json:
    """Return the case's findings, with those of its panels; as written if its ruleset rejects them."""
    try:
        return findings_of(evaluator.ruleset, case)
    except ReportError:
        return case.answers


def _ruleset(evaluator: Evaluator) -> Json:
    ruleset = evaluator.ruleset
    return {"name": ruleset.name, "version": ruleset.version, "title": ruleset.title, "digest": evaluator.digest}


def _other(first: Evaluator, other: Evaluator, comparison: Comparison) -> Json:
    inputs = {**other.ruleset.inputs, **first.ruleset.inputs}
    cells = sorted(
        comparison.cells.items(), key=lambda cell: (cell[0][2], other.ruleset.urgency(cell[0][1]), -cell[0][0])
    )
    return {
        **_ruleset(other),
        "speaking": _tally(comparison.speaking),
        "silent": _tally(comparison.silent),
        "refused": list(comparison.refused),
        "cells": [
            {"first": level.word, "disposition": code, "speaks": speaks, "cases": number}
            for (level, code, speaks), number in cells
        ],
        "differences": [_difference(inputs, difference) for difference in comparison.differences],
    }


def _tally(tally: LevelTally) -> Json:
    return {"cases": tally.all, "same": tally.same, "lower": tally.lower, "higher": tally.higher}


def _difference(inputs: dict[str, Input], difference: LevelDifference) -> Json:
    kind, example = difference.kind, difference.example
    return {
        "first": kind.first.word,
        "other": kind.other.word,
        "speaks": kind.speaks,
        "may_agree": kind.may_agree,
        "cases": list(difference.patients),
        "example": {
            "from": example.id,
            "note": example.note,
            "rest_answered": difference.rest_answered,
            "findings": dict(example.answers),
            "history": {
                "reports_last_48h": example.history.reports_last_48h,
                "highest_level_24h": example.history.highest_level_24h and example.history.highest_level_24h.word,
            },
            "in_words": [
                {"question": inputs[name].question, "answer": _answer(inputs[name], value)}
                for name, value in example.answers.items()
            ],
            "first": _opinion(difference.first),
            "other": _opinion(difference.other),
        },
    }


def _opinion(opinion: PatientOpinion) -> Json:
    return {"level": opinion.level.word, "disposition": opinion.disposition, "rules": sorted(opinion.rules)}


def _answer(read: Input, value: Any) -> str:
    """Describe an answer in the words of its question."""
    match read.kind:
        case InputKind.YES_NO if isinstance(value, bool):
            return "yes" if value else "no"
        case InputKind.CHOICE:
            return {choice.value: choice.label for choice in read.choices}.get(str(value), str(value))
        case InputKind.NUMBER | InputKind.INTEGER if not isinstance(value, str):
            return f"{value}{format_unit(read.unit)}"
        case _:
            return f'"{value}"' if read.kind is InputKind.TEXT else str(value)
