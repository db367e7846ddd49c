"""A property held against results, as docs/reference/properties.md describes each kind: plain Python, no formulas."""

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
from triage_rules.evaluation.evaluator import folded
from triage_rules.language.model import Answers, Condition, Level, Ruleset, Value


@dataclass(frozen=True, slots=True)
class Seen:
    """One report and what came of it. `answers`: the answered ones; `truth`: of a condition, None for open."""

    ruleset: Ruleset
    answers: Answers
    truth: Callable[[Condition], bool | None]
    result: Mapping[str, Any]


def breaks(asked: Property, seen: Sequence[Seen]) -> bool:
    """The results break the property. One report; two for claims about two, in the order in which they are named.

    For a claim against the previous version: the same report by this version and by the previous one.
    """
    if not speaks_of(asked, seen):
        return False
    first = seen[0]
    match asked.claim:
        case Then() as then:
            return not all(_held(then, first))
        case Never() as never:
            return _is(first, never.outcome) and not _excused(never, first)
        case RoutineOnlyIfAnswered(items):
            silent = [
                item
                for item in items
                if not set(item.inputs) & set(first.answers)
                and (item.when is None or first.truth(item.when) is not False)
            ]
            return _is(first, Level.ROUTINE) and bool(silent)
        case Answering(_, measure) | LeavingOpen(_, measure):
            return below(measure, seen[1], first)
        case Against(measure):
            return below(measure, first, seen[1])


def speaks_of(asked: Property, seen: Sequence[Seen]) -> bool:
    """The property claims something of these: `whenever` is true of them, and two reports differ as it says."""
    first = seen[0]
    conditional = seen[:1] if isinstance(asked.claim, Against) else seen
    if asked.whenever is not None and not all(one.truth(asked.whenever) is True for one in conditional):
        return False
    match asked.claim:
        case Answering(answers):
            changed = [
                name
                for name, answer, before in answers
                if _answered_so(first, seen[1], name, answer)
                and (before is None or _same(first.answers.get(name), before))
            ]
        case LeavingOpen(findings):
            changed = [name for name, answer in findings if _left_open(first, seen[1], name, answer)]
        case _:
            return True
    return bool(changed) and _only(changed[0], seen)


def below(measure: ResultMeasure, one: Seen, other: Seen) -> bool:
    """By this measure the one result is below the other. Different sets of dispositions can't be compared: levels."""
    key = "could_be" if measure is ResultMeasure.COULD_BE else "level"
    level, others = Level.of(one.result[key]), Level.of(other.result[key])
    if measure is not ResultMeasure.DISPOSITION or level != others:
        return level < others
    now, before = (seen.ruleset.dispositions for seen in (one, other))
    code, previous = one.result["disposition"], other.result["disposition"]
    if code == previous:
        return now[code].allows_more_time_than(before[code])
    alike = [(d.code, d.level) for d in now.values()] == [(d.code, d.level) for d in before.values()]
    return alike and one.ruleset.urgency(code) < one.ruleset.urgency(previous)


def _is(seen: Seen, outcome: Level | str) -> bool:
    if isinstance(outcome, Level):
        return bool(seen.result["level"] == outcome.word)
    return bool(seen.result["disposition"] == outcome)


def _excused(never: Never, seen: Seen) -> bool:
    if never.unless is not None and seen.truth(never.unless) is True:
        return True
    return bool(_fired(seen) & set(never.unless_fires))


def _fired(seen: Seen) -> set[str]:
    return {rule["id"] for rule in (*seen.result["rules"], *seen.result["safety_net"])}


def _held(then: Then, seen: Seen) -> Iterator[bool]:
    """Whether each thing that is wanted is there."""
    result, urgency = seen.result, seen.ruleset.urgency
    for wanted, found in ((then.level_at_least, "level"), (then.could_be_at_least, "could_be")):
        if wanted is not None:
            yield Level.of(result[found]) >= wanted
    if then.disposition_at_least is not None:
        yield urgency(result["disposition"]) >= urgency(then.disposition_at_least)
    yield set(then.flags) <= set(result["flags"])
    yield set(then.fires) <= _fired(seen)
    yield not set(then.silent) & _fired(seen)
    patient, clinician = (
        [folded(part) for part in result["advice"][audience].split("\n\n")] for audience in ("patient", "clinician")
    )
    yield all(_in(words, patient) for words in then.patient_says)
    yield all(_in(words, clinician) for words in then.clinician_says)
    hidden = [text for rule in then.hidden_from_patient for text in hidden_texts(seen.ruleset, rule)]
    yield not any(_in(words, patient) for words in (*then.patient_never_says, *hidden))
    yield not any(_in(words, clinician) for words in then.clinician_never_says)


def _in(words: str, paragraphs: list[str]) -> bool:
    return any(folded(words) in paragraph for paragraph in paragraphs)


def hidden_texts(ruleset: Ruleset, rule_id: str) -> tuple[str, ...]:
    """What of a rule or floor the patient must not read if it is to be hidden: a paragraph each."""
    rule = {rule.id: rule for rule in ruleset.rules_and_floors}[rule_id]
    texts = (rule.reason, rule.title, rule.clinician_note or "")
    return tuple(part for text in texts for part in text.split("\n\n") if part.strip())


# --- two reports ---


def _answered_so(first: Seen, second: Seen, name: str, answer: bool | str | RelativeAnswer) -> bool:
    """The second report has this answer, the first another one or none."""
    before, after = first.answers.get(name), second.answers.get(name)
    match answer:
        case RelativeAnswer.ANY:
            return before is None and after is not None
        case RelativeAnswer.HIGHER | RelativeAnswer.LOWER:
            if before is None or after is None:
                return False
            return float(after) > float(before) if answer is RelativeAnswer.HIGHER else float(after) < float(before)
        case _:
            return _same(after, answer) and not _same(before, answer)


def _left_open(first: Seen, second: Seen, name: str, answer: bool | str | None) -> bool:
    before = first.answers.get(name)
    return name not in second.answers and before is not None and (answer is None or _same(before, answer))


def _same(one: Value | None, other: Value | None) -> bool:
    return type(one) is type(other) and one == other


def _only(name: str, seen: Sequence[Seen]) -> bool:
    """The two reports differ in this input alone."""
    one, other = ({key: value for key, value in each.answers.items() if key != name} for each in seen)
    return one == other
