"""A patient tried on a draft: the result, the derivation from the answers, and the live version's result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from triage_rules.evaluation.answers import asked, format_unit, read_answers
from triage_rules.evaluation.decision import keyed_outcomes
from triage_rules.evaluation.evaluator import HIGHEST_LEVEL_24H, REPORTS_LAST_48H, Evaluator
from triage_rules.evaluation.explanation import OPEN, DerivationNode, derive, outcome_condition
from triage_rules.evaluation.reference import Reference
from triage_rules.explanation.not_asked import derive_implied, describe_answer, is_implied
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
"""Values that the control of a yes/no question sends."""

TRIED = "tried"
"""Report id of a result that is not stored."""

FINE_RANGE = 200
"""Width of a range up to which a number's control moves in steps of 0.1, and not of 1."""


def controls(ruleset: Ruleset) -> list[Json]:
    """List a control for each input, such as a slider or switch; inputs that the service counts come last."""
    ordered = sorted(ruleset.inputs.values(), key=lambda read: read.asked_of is AskedOf.SERVICE)
    return [_control(read) for read in ordered]


def _control(read: Input) -> Json:
    counted = SERVICE_COUNTS.get(read.name) if read.asked_of is AskedOf.SERVICE else None
    choices = [{"value": choice.value, "label": choice.label} for choice in read.choices if not choice.means_open]
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
    """Turn the values of the controls into a report's answers and history, and a message for each invalid value.

    An empty text means "not asked". Names that the ruleset doesn't have are ignored: the draft may have lost an input.
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
    """Turn a report into the values that the controls would send, so that the patient of an example can be tried."""
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
    if reports and not (reports.isascii() and reports.isdigit() and len(reports) < 4):  # noqa: PLR2004 - three digits
        faults[REPORTS_LAST_48H] = "expected a whole number, from 0 to 999"
        reports = ""
    known = {level.word: level for level in Level}
    return History(int(reports or 0), known.get(highest))


def try_answers(evaluator: Evaluator, live: Evaluator | None, words: Mapping[str, str]) -> Json:
    """Evaluate the answers by the draft and by the live version. `faults`: messages about invalid answers.

    `live`: None if there is no live version, or it rejects an answer. `not_live`: inputs that it doesn't have.
    `only_draft`, `only_live`: the rules that fire in only one of the two.
    """
    answers, history, faults = answers_of(evaluator.ruleset, words)
    tried: Json = {"faults": faults, "draft": None, "live": None, "not_live": [], "only_draft": [], "only_live": []}
    if faults:
        return tried
    try:
        tried["draft"] = _evaluate(evaluator, answers, history)
    except ReportError as error:
        tried["faults"] = {fault.pointer.rsplit("/", 1)[-1]: fault.detail for fault in error.faults}
        return tried
    if live is not None:
        known = {read.name for read in asked(live.ruleset)}
        tried["not_live"] = [name for name in answers if name not in known]
        try:
            tried["live"] = _evaluate(live, {name: value for name, value in answers.items() if name in known}, history)
        except ReportError:
            tried["not_live"].append("an answer that it doesn't accept")
        else:
            tried["only_draft"], tried["only_live"] = _compare_rules(tried["draft"], tried["live"])
    return tried


def _compare_rules(draft: Json, live: Json) -> tuple[list[str], list[str]]:
    """Return the rules that fire only in the draft, and those that fire only in the live version."""
    ours, theirs = ([rule["id"] for rule in result["rules"]] for result in (draft, live))
    return [rule for rule in ours if rule not in theirs], [rule for rule in theirs if rule not in ours]


def _evaluate(evaluator: Evaluator, posted: Json, history: History) -> Json:
    """Return the main fields of the result, and its whole derivation."""
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
        "rules": [_step(ruleset, reference, result, rule) for rule in [*result["rules"], *result["safety_net"]]],
        "ask": [{"finding": item["finding"], "question": item["question"]} for item in result["ask"]],
        "conflicts": [conflict["text"] for conflict in result["conflicts"]],
    }


def _step(ruleset: Ruleset, reference: Reference, result: Json, rule: Json) -> Json:
    """Describe a fired rule: its line, its text, and its derivation."""
    read = ruleset.rules.get(rule["id"]) or ruleset.floors[rule["id"]]
    nodes = derive(ruleset, reference, _condition(read, rule.get("disposition")))
    return {
        "id": rule["id"],
        "title": rule["title"],
        "level": rule.get("level"),
        "disposition": rule.get("disposition", "one level up"),
        "text": rule["text"],
        "source": rule["source"],
        "line": read.place.line if read.place else None,
        "because": [_node(ruleset, node) for node in derive_implied(ruleset, reference, result, nodes)],
    }


def _condition(rule: Rule | Floor, disposition: str | None) -> Condition:
    """Return the condition of the outcome that fired; `disposition`: None for a floor that raises the level."""
    reached = {s.outcome.disposition if s.outcome else None: s for s in keyed_outcomes([rule])}
    return outcome_condition(reached[disposition])


def _node(ruleset: Ruleset, node: DerivationNode) -> Json:
    line = ruleset.inferences[node.name].place if node.name in ruleset.inferences else None
    return {
        "name": node.name,
        "says": node.says,
        "answer": describe_answer(ruleset, node),
        "open": node.answer == OPEN,
        "line": line.line if line else None,
        "because": [] if is_implied(ruleset, node) else [_node(ruleset, part) for part in node.because],
    }
