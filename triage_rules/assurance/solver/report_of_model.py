"""A model as a report that a person could have filled in: round numbers, few words."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from triage_rules.assurance.solver.answers import AnswerVariables, Number, OneHot, Text, bounds, first_above
from triage_rules.assurance.solver.solver import Model
from triage_rules.evaluation.answers import UNKNOWN
from triage_rules.language.model import SERVICE_COUNTS, Answers, AskedOf, Input, InputKind, Level, Ruleset, Value
from triage_rules.records.reports import History

FINEST = 15
"""Decimals after which a number is written as it is."""

NO_MENTION = ("nothing else", "")
"""Texts that mention nothing, unless a phrase is part of the first."""

BETWEEN, ENDS = (". ", " / "), ("", ".")
"""What stands between phrases and after the last: others if that would make one more phrase, or the word for "open"."""


Key = tuple[str, InputKind]
"""An input, for rulesets that share answers: its name and kind."""


def values_of(answers: AnswerVariables, inputs: dict[Key, Input], model: Model) -> dict[Key, Value]:
    """What the model's report posts for these inputs. Raises NoSuchText."""
    values = {key: _value(answers, read, model) for key, read in inputs.items()}
    return {key: value for key, value in values.items() if value is not None}


def report_of(ruleset: Ruleset, values: dict[Key, Value]) -> tuple[Answers, History]:
    """The part of it that this ruleset has inputs for, and the history."""
    findings = {n: values[n, read.kind] for n, read in ruleset.inputs.items() if (n, read.kind) in values}
    counted = {name: findings.pop(name) for name in SERVICE_COUNTS if name in findings}
    highest = counted.get("highest_level_24h", "none")
    level = None if highest == "none" else Level.of(str(highest))
    return findings, History(int(counted.get("reports_last_48h", 0)), level)


def _value(answers: AnswerVariables, read: Input, model: Model) -> Value | None:
    match read.kind:
        case InputKind.YES_NO | InputKind.CHOICE:
            return _chosen(answers.one_hot(read), model)
        case InputKind.TEXT:
            return _words(answers.text(read.name), read, model)
        case _:
            return _number(answers.number(read), read, model)


def _chosen(one_hot: OneHot, model: Model) -> bool | str | None:
    return next((value for value, made in one_hot.values.items() if model.holds(made)), None)


def _number(number: Number, read: Input, model: Model) -> float | None:
    if not model.holds(number.answered):
        return None
    least, most = bounds(read)
    reached = [point for point in number.points if model.holds(number.cuts[point])]
    low = max([least, *reached])
    end = min([first_above(read.kind, most), *number.points[len(reached) :]])
    return plain_number(low, end, downwards=low == least and read.asked_of is not AskedOf.SERVICE)


def plain_number(low: float, end: float, *, downwards: bool = False) -> float:
    """The roundest number from `low` to below `end`: the one nearest to `low`, or if `downwards` to `end`."""
    first, last = Decimal(repr(low)), Decimal(repr(end))
    for decimals in range(FINEST):
        step = Decimal(1).scaleb(-decimals)
        if downwards:
            found = last.quantize(step, ROUND_FLOOR)
            found -= step if found == last else 0
        else:
            found = first.quantize(step, ROUND_CEILING)
        value = int(found) if decimals == 0 else float(found)
        if low <= value < end:
            return value
    return low


def _words(text: Text, read: Input, model: Model) -> str | None:
    """A text that mentions what it must and nothing else. Raises NoSuchText if none is found that is accepted."""
    if not model.holds(text.answered):
        return None
    every = frozenset().union(*text.mentions)
    said = {phrases for phrases, made in text.mentions.items() if model.holds(made)}
    unsaid = frozenset().union(*(phrases for phrases in text.mentions if phrases not in said))
    usable = [
        (min((phrase for phrase in phrases if not any(part in phrase for part in unsaid)), key=_short_first), phrases)
        for phrases in said
    ]
    chosen: list[str] = []
    for phrase, phrases in sorted(usable, key=lambda way: _short_first(way[0]), reverse=True):
        if not any(part in other for other in chosen for part in phrases):  # a longer one may have said it
            chosen.append(phrase)
    if not chosen:
        return next(words for words in NO_MENTION if not any(phrase in words for phrase in every))
    ways = (f"{between.join(sorted(chosen))}{end}" for between in BETWEEN for end in ENDS)
    found = next((way for way in ways if way != UNKNOWN and not any(phrase in way for phrase in unsaid)), None)
    if found is None:
        raise NoSuchText(f"`{read.name}`: no text was found that mentions all of it and nothing else")
    if read.max_length is not None and len(found) > read.max_length:
        raise NoSuchText(f"`{read.name}`: no text of {read.max_length} characters was found that mentions all of it")
    return found


def _short_first(phrase: str) -> tuple[int, str]:
    return len(phrase), phrase


class NoSuchText(Exception):
    """The solver knows nothing of a text's length and of how phrases meet, and no text for its report was found."""
