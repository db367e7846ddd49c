"""A patient tried on a draft: the level, the way from the answers to it, and what the live version makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from triage_rules.evaluation.answers import asked, format_unit, read_answers
from triage_rules.evaluation.decision import keyed_outcomes
from triage_rules.evaluation.evaluator import HIGHEST_LEVEL_24H, REPORTS_LAST_48H, Evaluator
from triage_rules.evaluation.explanation import OPEN, DerivationNode, derive, describe_node, outcome_condition
from triage_rules.evaluation.reference import Reference
from triage_rules.foundation.errors import ReportError
from triage_rules.language.model import (
    SERVICE_COUNTS,
    AskedOf,
    Condition,
    Floor,
    Input,
    InputKind,
    Level,
    Rule,
    Ruleset,
)
from triage_rules.records.reports import History

Json = dict[str, Any]

WORDS = {"yes": True, "no": False}
"""What a control of a yes/no question sends."""

TRIED = "tried"
"""The id of a result that nobody keeps."""

FINE_RANGE = 200
"""A number whose range is wider moves by whole steps."""


def controls(ruleset: Ruleset) -> list[Json]:
    """What each question needs to be asked, as sliders and switches; what the service counts comes last."""
    ordered = sorted(ruleset.inputs.values(), key=lambda read: read.asked_of is AskedOf.SERVICE)
    return [_control(read) for read in ordered]


def _control(read: Input) -> Json:
    counted = SERVICE_COUNTS.get(read.name) if read.asked_of is AskedOf.SERVICE else None
    choices = [{"value": one.value, "label": one.label} for one in read.choices if not one.means_open]
    if read.kind is InputKind.YES_NO:
        choices = [{"value": "yes", "label": "Yes"}, {"value": "no", "label": "No"}]
    wide = read.minimum is None or read.maximum is None or read.maximum - read.minimum > FINE_RANGE
    return {
        "name": read.name,
        "kind": read.kind.value,
        "question": "Counted by the service: " + read.name.replace("_", " ") if counted else read.question,
        "help": read.help,
        "group": read.group,
        "unit": format_unit(read.unit).strip(),
        "minimum": read.minimum,
        "maximum": read.maximum,
        "step": 1 if read.kind is InputKind.INTEGER or wide else 0.1,
        "choices": choices,
        "max_length": read.max_length,
    }


def answers_of(ruleset: Ruleset, words: Mapping[str, str]) -> tuple[Json, History, dict[str, str]]:
    """What the controls sent, as a report's findings and a history; and what can't be taken, a sentence by name.

    An empty text is "not asked". Names that the ruleset doesn't have are left out: the draft may have lost a question.
    """
    answers: Json = {}
    counted: dict[str, str] = {}
    faults: dict[str, str] = {}
    for name, word in words.items():
        read = ruleset.inputs.get(name)
        if read is None or not word.strip():
            continue
        if read.asked_of is AskedOf.SERVICE:
            counted[name] = word
            continue
        try:
            answers[name] = _answer(read, word)
        except ValueError:
            faults[name] = "expected a number"
    return answers, _history(counted, faults), faults


def words_of(ruleset: Ruleset, answers: Mapping[str, object], history: History) -> dict[str, str]:
    """What the controls would have sent for this report, so that somebody else's patient can be tried."""
    highest = history.highest_level_24h
    counted = {
        REPORTS_LAST_48H: history.reports_last_48h or None,
        HIGHEST_LEVEL_24H: highest.word if highest is not None else None,
    }
    everything = {**answers, **{name: value for name, value in counted.items() if name in ruleset.inputs}}
    shown = {True: "yes", False: "no"}
    return {
        name: shown[value] if isinstance(value, bool) else str(value)
        for name, value in everything.items()
        if value is not None and value != "unknown"
    }


def _answer(read: Input, word: str) -> object:
    match read.kind:
        case InputKind.YES_NO:
            return WORDS.get(word, word)
        case InputKind.INTEGER | InputKind.NUMBER:
            number = float(word.replace(",", "."))
            return int(number) if number.is_integer() else number
        case _:
            return word


def _history(counted: Mapping[str, str], faults: dict[str, str]) -> History:
    reports, highest = counted.get(REPORTS_LAST_48H, ""), counted.get(HIGHEST_LEVEL_24H, "")
    if reports and not (reports.isascii() and reports.isdigit() and len(reports) < 4):  # noqa: PLR2004 - nobody reports a thousand times
        faults[REPORTS_LAST_48H] = "expected a whole number, from 0 to 999"
        reports = ""
    known = {level.word: level for level in Level}
    return History(int(reports or 0), known.get(highest))


def try_answers(evaluator: Evaluator, live: Evaluator | None, words: Mapping[str, str]) -> Json:
    """What the draft makes of the answers, and what the live version does. `faults`: answers that can't be taken.

    `live`: None if nothing is live, or if it can't take one of the answers. `not_live`: questions that it doesn't have.
    `only_draft`, `only_live`: the rules that fire by one of them alone.
    """
    answers, history, faults = answers_of(evaluator.ruleset, words)
    told: Json = {"faults": faults, "draft": None, "live": None, "not_live": [], "only_draft": [], "only_live": []}
    if faults:
        return told
    try:
        told["draft"] = _told(evaluator, answers, history)
    except ReportError as error:
        told["faults"] = {fault.pointer.rsplit("/", 1)[-1]: fault.detail for fault in error.faults}
        return told
    if live is not None:
        known = {read.name for read in asked(live.ruleset)}
        told["not_live"] = [name for name in answers if name not in known]
        try:
            told["live"] = _told(live, {name: value for name, value in answers.items() if name in known}, history)
        except ReportError:
            told["not_live"].append("an answer that it does not take")
        else:
            told["only_draft"], told["only_live"] = _apart(told["draft"], told["live"])
    return told


def _apart(draft: Json, live: Json) -> tuple[list[str], list[str]]:
    """The rules that fire by one of them alone."""
    ours, theirs = ([rule["id"] for rule in one["rules"]] for one in (draft, live))
    return [one for one in ours if one not in theirs], [one for one in theirs if one not in ours]


def _told(evaluator: Evaluator, posted: Json, history: History) -> Json:
    """The result in few words, and the whole way to it."""
    ruleset = evaluator.ruleset
    answers = read_answers(ruleset, posted)
    result = evaluator.evaluate(answers, history, report_id=TRIED, received_ms=0, evaluated_ms=0)
    reference = Reference(ruleset, evaluator.facts(answers, history))
    disposition = ruleset.dispositions[result["disposition"]]
    kept = ("level", "act_within_minutes", "could_be", "determined", "flags", "missing", "advice")
    return {key: result[key] for key in kept} | {
        "disposition": disposition.code,
        "title": disposition.title,
        "by_default": not result["rules"],
        "rules": [_step(ruleset, reference, rule) for rule in [*result["rules"], *result["safety_net"]]],
        "ask": [{"finding": one["finding"], "question": one["question"]} for one in result["ask"]],
        "conflicts": [one["text"] for one in result["conflicts"]],
    }


def _step(ruleset: Ruleset, reference: Reference, rule: Json) -> Json:
    """One rule that fired: where it stands, what it says, and the derivation below it."""
    read = ruleset.rules.get(rule["id"]) or ruleset.floors[rule["id"]]
    return {
        "id": rule["id"],
        "title": rule["title"],
        "level": rule.get("level"),
        "disposition": rule.get("disposition", "one level up"),
        "text": rule["text"],
        "source": rule["source"],
        "line": read.place.line if read.place else None,
        "because": [
            _node(ruleset, node) for node in derive(ruleset, reference, _condition(read, rule.get("disposition")))
        ],
    }


def _condition(rule: Rule | Floor, disposition: str | None) -> Condition:
    """That of the outcome which fired; None: of a floor that raises by one level."""
    reached = {s.outcome.disposition if s.outcome else None: s for s in keyed_outcomes([rule])}
    return outcome_condition(reached[disposition])


def _node(ruleset: Ruleset, node: DerivationNode) -> Json:
    line = ruleset.inferences[node.name].place if node.name in ruleset.inferences else None
    return {
        "name": node.name,
        "says": node.says,
        "answer": describe_node(ruleset, node),
        "open": node.answer == OPEN,
        "line": line.line if line else None,
        "because": [_node(ruleset, part) for part in node.because],
    }
