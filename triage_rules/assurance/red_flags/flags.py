"""Red flags of a ruleset: the answers of a patient that can raise a result, and the harmless answers."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from triage_rules.assurance.solver.answers import answering, bounds, first_above
from triage_rules.assurance.solver.encoding import Encoding
from triage_rules.assurance.solver.logic import Formula
from triage_rules.assurance.solver.report_of_model import plain_number
from triage_rules.assurance.solver.solver import GaveUp, Model
from triage_rules.assurance.solver.two_reports import TwoReports
from triage_rules.language.model import Audience, Input, InputKind, Mention, Ruleset, Value


@dataclass(frozen=True, slots=True)
class Flag:
    """Answer that stands for a flag. `words`: the answer as it is shown.

    low, end: the numbers from `low` to below `end` are the flag. mention: the phrases of a text are.
    """

    input: str
    value: Value
    words: str
    low: float | None = None
    end: float | None = None
    mention: str | None = None

    @property
    def name(self) -> str:
        """Return the input or mention with the answer, such as `abdominal_pain: severe`."""
        return f"{self.mention or self.input}: {self.words}"


def harmless_answer(ruleset: Ruleset, read: Input) -> Value | None:
    """Return the answer of a person without this sign; None: unknown, as for a number without `expected`."""
    lines = [line for panel in ruleset.panels.values() for line in panel.lines if line.input == read.name]
    if lines:
        return lines[0].none_means
    if read.expected is not None:
        return read.expected
    if read.kind is InputKind.YES_NO:
        return False
    return "" if read.kind is InputKind.TEXT else None


def raising_flags(reports: TwoReports, ignored: Collection[str]) -> Iterator[Flag | GaveUp]:
    """Yield each answer that makes some report more urgent than the harmless answer (none: than no answer).

    ignored: inputs that are no signs, such as the age.
    """
    ruleset, logic = reports.ruleset, reports.logic
    rises = logic.any_of(
        logic.all_of([reports.second.at_least_as_urgent(code), logic.opposite(reports.first.at_least_as_urgent(code))])
        for code in ruleset.dispositions
    )
    for name, read in ruleset.inputs.items():
        if read.asked_of not in Audience.PATIENT.answers or name in ignored:
            continue
        harmless = is_harmless(reports.first, read)
        for flag in _answers(reports.first, read):
            raised = reports.solver.find(holds(reports.second, flag), harmless, rises, reports.same_but([name]))
            if isinstance(raised, Model):
                yield flag
            elif isinstance(raised, GaveUp):
                yield raised


def holds(encoding: Encoding, flag: Flag) -> Formula:
    """Return the formula: the report gives the flag's answer, and its question is not ruled out."""
    logic, read = encoding.logic, encoding.ruleset.inputs[flag.input]
    parts = [] if read.relevant is None else [logic.opposite(encoding.false(read.relevant.when))]
    if flag.mention is not None:
        parts.append(encoding.answers.mentioned(encoding.ruleset.mentions[flag.mention]))
    elif flag.low is None or flag.end is None:
        parts.append(encoding.answer(flag.input, flag.value))
    else:
        parts.append(number_between(encoding, read, flag.low, flag.end))
    return logic.all_of(parts)


def number_between(encoding: Encoding, read: Input, low: float, end: float) -> Formula:
    """Return the formula: the number is answered, from `low` to below `end`."""
    number, logic = encoding.answers.number(read), encoding.logic
    least, most = bounds(read)
    above = logic.false if end > most else number.cut(logic, end)
    return logic.all_of([number.answered if low <= least else number.cut(logic, low), logic.opposite(above)])


def is_harmless(encoding: Encoding, read: Input) -> Formula:
    """Return the formula: the input has its harmless answer; without one, no answer."""
    harmless, logic = harmless_answer(encoding.ruleset, read), encoding.logic
    if harmless is None:
        return logic.opposite(encoding.given(read.name))
    if read.kind is InputKind.TEXT:
        mentions = [encoding.answers.mentioned(mention) for mention in _mentions_in(encoding.ruleset, read)]
        return logic.all_of([encoding.given(read.name), *map(logic.opposite, mentions)])
    if isinstance(harmless, bool | str):
        return encoding.answer(read.name, harmless)
    low, end = next((low, end) for low, end in intervals(encoding, read) if low <= harmless < end)
    return number_between(encoding, read, low, end)


def intervals(encoding: Encoding, read: Input) -> list[tuple[float, float]]:
    """Return the numbers that no condition tells apart, each from its first to below its last number."""
    least, most = bounds(read)
    end = first_above(read.kind, most)
    points = sorted({least, end, *(p for p in encoding.answers.number(read).points if least < p < end)})
    return list(itertools.pairwise(points))


def _mentions_in(ruleset: Ruleset, read: Input) -> list[Mention]:
    return [mention for mention in ruleset.mentions.values() if mention.text == read.name]


def _answers(encoding: Encoding, read: Input) -> Iterator[Flag]:
    """Yield every answer to an input except the harmless one."""
    harmless = harmless_answer(encoding.ruleset, read)
    match read.kind:
        case InputKind.YES_NO | InputKind.CHOICE:
            for value in answering(read):
                if value != harmless or isinstance(value, bool) != isinstance(harmless, bool):
                    words = {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
                    yield Flag(read.name, value, words)
        case InputKind.TEXT:
            for mention in _mentions_in(encoding.ruleset, read):
                phrase = min(mention.phrases, key=len)
                yield Flag(read.name, phrase, f"\u201c{phrase}\u201d", mention=mention.name)
        case _:
            for low, end in intervals(encoding, read):
                if harmless is None or not low <= float(harmless) < end:
                    yield Flag(read.name, plain_number(low, end), _interval_words(read, low, end), low, end)


def _interval_words(read: Input, low: float, end: float) -> str:
    """Write an interval, such as "38 or more", "below 36" or "36 to below 38"."""
    least, most = bounds(read)
    if end > most:
        return f"{plain_number(low, end):g} or more"
    return f"below {end:g}" if low <= least else f"{plain_number(low, end):g} to below {end:g}"
