"""A model as a report that a person could have filled in: round numbers, few words."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from triage_rules.assurance.solver.answers import AnswerVariables, Number, OneHot, Text, bounds, first_above
from triage_rules.assurance.solver.phrases import has_phrase
from triage_rules.assurance.solver.solver import Model
from triage_rules.evaluation.answers import UNKNOWN
from triage_rules.language.model import SERVICE_COUNTS, Answers, AskedOf, Input, InputKind, Level, Ruleset, Value
from triage_rules.records.reports import History

FINEST = 15
"""Number of decimals after which a number is no longer rounded."""

NO_MENTION = ("nothing else", "")
"""Texts without a mention, unless a phrase is part of the first."""

BETWEEN, ENDS = (". ", " / ", " ; "), ("", ".")
"""Separators of phrases, and ends: the later ones if the first would add a phrase, or make the word for "open"."""


Key = tuple[str, InputKind]
"""Key of an input, for rulesets that share answers: its name and kind."""


def values_of(answers: AnswerVariables, inputs: dict[Key, Input], model: Model) -> dict[Key, Value]:
    """Return the model's answers to these inputs. Raises NoSuchText."""
    values = {key: _read_value(answers, read, model) for key, read in inputs.items()}
    return {key: value for key, value in values.items() if value is not None}


def report_of(ruleset: Ruleset, values: dict[Key, Value]) -> tuple[Answers, History]:
    """Return the answers for which this ruleset has inputs, and the history."""
    answers = {n: values[n, read.kind] for n, read in ruleset.inputs.items() if (n, read.kind) in values}
    counts = {name: answers.pop(name) for name in SERVICE_COUNTS if name in answers}
    highest = counts.get("highest_level_24h", "none")
    level = None if highest == "none" else Level.of(str(highest))
    return answers, History(int(counts.get("reports_last_48h", 0)), level)


def _read_value(answers: AnswerVariables, read: Input, model: Model) -> Value | None:
    match read.kind:
        case InputKind.YES_NO | InputKind.CHOICE:
            return _read_choice(answers.one_hot(read), model)
        case InputKind.TEXT:
            return _write_text(answers.text(read.name), read, model)
        case _:
            return _read_number(answers.number(read), read, model)


def _read_choice(one_hot: OneHot, model: Model) -> bool | str | None:
    return next((value for value, variable in one_hot.values.items() if model.holds(variable)), None)


def _read_number(number: Number, read: Input, model: Model) -> float | None:
    if not model.holds(number.answered):
        return None
    least, most = bounds(read)
    reached = [point for point in number.points if model.holds(number.cuts[point])]
    low = max([least, *reached])
    end = min([first_above(read.kind, most), *number.points[len(reached) :]])
    return plain_number(low, end, downwards=low == least and read.asked_of is not AskedOf.SERVICE)


def plain_number(low: float, end: float, *, downwards: bool = False) -> float:
    """Return the roundest number from `low` to below `end`: the nearest to `low`, or if `downwards` to `end`."""
    first, last = Decimal(repr(low)), Decimal(repr(end))
    for decimals in range(FINEST):
        step = Decimal(1).scaleb(-decimals)
        if downwards:
            number = last.quantize(step, ROUND_FLOOR)
            number -= step if number == last else 0
        else:
            number = first.quantize(step, ROUND_CEILING)
        value = int(number) if decimals == 0 else float(number)
        if low <= value < end:
            return value
    return low


def _write_text(text: Text, read: Input, model: Model) -> str | None:
    """Write a text with exactly the required mentions. Raises NoSuchText if none is found that is accepted."""
    if not model.holds(text.answered):
        return None
    every = frozenset().union(*text.mentions)
    wanted = {phrases for phrases, variable in text.mentions.items() if model.holds(variable)}
    unwanted = frozenset().union(*(phrases for phrases in text.mentions if phrases not in wanted))
    usable = [
        (
            next(
                phrase
                for phrase in sorted(phrases, key=_by_length)
                if not any(has_phrase(phrase, part) for part in unwanted)
            ),
            phrases,
        )
        for phrases in wanted
    ]
    chosen: list[str] = []
    for phrase, phrases in sorted(usable, key=lambda way: _by_length(way[0]), reverse=True):
        if not any(has_phrase(other, part) for other in chosen for part in phrases):  # a longer phrase may contain it
            chosen.append(phrase)
    if not chosen:
        return next(words for words in NO_MENTION if not any(has_phrase(words, phrase) for phrase in every))
    ways = (f"{between.join(sorted(chosen))}{end}" for between in BETWEEN for end in ENDS)
    words = next(
        (way for way in ways if way != UNKNOWN and not any(has_phrase(way, phrase) for phrase in unwanted)), None
    )
    if words is None:
        raise NoSuchText(f"`{read.name}`: no text was found with only the required phrases")
    if read.max_length is not None and len(words) > read.max_length:
        raise NoSuchText(f"`{read.name}`: no text of {read.max_length} characters was found with all required phrases")
    return words


def _by_length(phrase: str) -> tuple[int, str]:
    return len(phrase), phrase


class NoSuchText(Exception):
    """No text was found for the solver's report: the formulas ignore a text's length and how phrases overlap."""
