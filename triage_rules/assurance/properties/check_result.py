"""Checks of properties on results, as docs/reference/properties.md defines each kind: plain Python, no formulas."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from triage_rules.assurance.properties.model import (
    Against,
    Answering,
    LeavingOpen,
    Never,
    Property,
    RelativeAnswer,
    ResultMeasure,
    RoutineOnlyIfAnswered,
    Then,
)
from triage_rules.evaluation.phrases import folded
from triage_rules.language.model import Answers, Condition, Level, Ruleset, Value


@dataclass(frozen=True, slots=True)
class EvaluatedReport:
    """Report with its result. `answers`: its own; `facts`: the evaluators' input, with those that relevance implies.

    `truth`: evaluates a condition, None for open.
    """

    ruleset: Ruleset
    answers: Answers
    facts: Answers
    truth: Callable[[Condition], bool | None]
    result: Mapping[str, Any]


def breaks(asked: Property, reports: Sequence[EvaluatedReport]) -> bool:
    """Return whether the results break the property.

    `reports`: one report; two for a claim about two, in the order of the claim; for a claim against the previous
    version, the same report by this version and by the previous one.
    """
    if not applies_to(asked, reports):
        return False
    first = reports[0]
    match asked.claim:
        case Then() as then:
            return not all(_check_claims(then, first))
        case Never() as never:
            return _has_outcome(first, never.outcome) and not _is_excepted(never, first)
        case RoutineOnlyIfAnswered(items):
            silent = [
                item
                for item in items
                if not set(item.inputs) & set(first.facts)
                and (item.when is None or first.truth(item.when) is not False)
            ]
            return _has_outcome(first, Level.ROUTINE) and bool(silent)
        case Answering(_, measure) | LeavingOpen(_, measure):
            return is_below(measure, reports[1], first)
        case Against(measure):
            return is_below(measure, first, reports[1])


def applies_to(asked: Property, reports: Sequence[EvaluatedReport]) -> bool:
    """Return whether the property covers these reports: `whenever` is true, and two reports differ as it requires."""
    first = reports[0]
    conditional = reports[:1] if isinstance(asked.claim, Against) else reports
    if asked.whenever is not None and not all(report.truth(asked.whenever) is True for report in conditional):
        return False
    match asked.claim:
        case Answering(answers):
            changed = [
                name
                for name, answer, before in answers
                if _changes_answer(first, reports[1], name, answer)
                and (before is None or _same(first.answers.get(name), before))
            ]
        case LeavingOpen(inputs):
            changed = [name for name, answer in inputs if _leaves_open(first, reports[1], name, answer)]
        case _:
            return True
    return bool(changed) and _differ_only_in(changed[0], reports)


def is_below(measure: ResultMeasure, report: EvaluatedReport, other: EvaluatedReport) -> bool:
    """Return whether a result is below the other by this measure; by level if the dispositions can't be compared."""
    key = "could_be" if measure is ResultMeasure.COULD_BE else "level"
    level, others = Level.of(report.result[key]), Level.of(other.result[key])
    if measure is not ResultMeasure.DISPOSITION or level != others:
        return level < others
    now, before = (side.ruleset.dispositions for side in (report, other))
    code, previous = report.result["disposition"], other.result["disposition"]
    if code == previous:
        return now[code].allows_more_time_than(before[code])
    is_same_order = [(d.code, d.level) for d in now.values()] == [(d.code, d.level) for d in before.values()]
    return is_same_order and report.ruleset.urgency(code) < other.ruleset.urgency(previous)


def _has_outcome(report: EvaluatedReport, outcome: Level | str) -> bool:
    if isinstance(outcome, Level):
        return bool(report.result["level"] == outcome.word)
    return bool(report.result["disposition"] == outcome)


def _is_excepted(never: Never, report: EvaluatedReport) -> bool:
    if never.unless is not None and report.truth(never.unless) is True:
        return True
    return bool(_fired(report) & set(never.unless_fires))


def _fired(report: EvaluatedReport) -> set[str]:
    return {rule["id"] for rule in (*report.result["rules"], *report.result["safety_net"])}


def _check_claims(then: Then, report: EvaluatedReport) -> Iterator[bool]:
    """Yield for each part of the claim whether the result has it."""
    result, urgency = report.result, report.ruleset.urgency
    for wanted, key in ((then.level_at_least, "level"), (then.could_be_at_least, "could_be")):
        if wanted is not None:
            yield Level.of(result[key]) >= wanted
    if then.disposition_at_least is not None:
        yield urgency(result["disposition"]) >= urgency(then.disposition_at_least)
    yield set(then.flags) <= set(result["flags"])
    yield set(then.fires) <= _fired(report)
    yield not set(then.silent) & _fired(report)
    patient, clinician = (
        [folded(part) for part in result["advice"][audience].split("\n\n")] for audience in ("patient", "clinician")
    )
    yield all(_is_in(words, patient) for words in then.patient_says)
    yield all(_is_in(words, clinician) for words in then.clinician_says)
    hidden = [text for rule in then.hidden_from_patient for text in hidden_texts(report.ruleset, rule)]
    yield not any(_is_in(words, patient) for words in (*then.patient_never_says, *hidden))
    yield not any(_is_in(words, clinician) for words in then.clinician_never_says)


def _is_in(words: str, paragraphs: list[str]) -> bool:
    return any(folded(words) in paragraph for paragraph in paragraphs)


def hidden_texts(ruleset: Ruleset, rule_id: str) -> tuple[str, ...]:
    """Return the paragraphs of a rule or floor that a patient must not read if it is hidden from patients."""
    rule = {rule.id: rule for rule in ruleset.rules_and_floors}[rule_id]
    texts = (rule.reason, rule.title, rule.clinician_note or "")
    return tuple(part for text in texts for part in text.split("\n\n") if part.strip())


# --- two reports ---


def _changes_answer(
    first: EvaluatedReport, second: EvaluatedReport, name: str, answer: bool | str | RelativeAnswer
) -> bool:
    """Return whether the second report has this answer, and the first another one or none."""
    before, after = first.answers.get(name), second.answers.get(name)
    match answer:
        case RelativeAnswer.ANY:
            return name not in first.facts and after is not None
        case RelativeAnswer.HIGHER | RelativeAnswer.LOWER:
            if before is None or after is None:
                return False
            return float(after) > float(before) if answer is RelativeAnswer.HIGHER else float(after) < float(before)
        case _:
            return _same(after, answer) and not _same(before, answer)


def _leaves_open(first: EvaluatedReport, second: EvaluatedReport, name: str, answer: bool | str | None) -> bool:
    before = first.answers.get(name)
    return name not in second.facts and before is not None and (answer is None or _same(before, answer))


def _same(answer: Value | None, other: Value | None) -> bool:
    return type(answer) is type(other) and answer == other


def _differ_only_in(name: str, reports: Sequence[EvaluatedReport]) -> bool:
    """Return whether the two reports agree in all other inputs."""
    first, second = ({key: value for key, value in report.answers.items() if key != name} for report in reports)
    return first == second
