"""Messages of the pages for one report, as text: fixed parts are written beforehand."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal

from triage_rules.evaluation.compiling.formulas import Equality
from triage_rules.evaluation.compiling.lowering import GREATEST, LEAST
from triage_rules.evaluation.compiling.pages import GROUP, EnginePage
from triage_rules.foundation.errors import EngineError
from triage_rules.language.model import Answers, Op, Value

SID = "s"
BARE = f'{{"id":"m","sid":"{SID}","{GROUP}":0'
"""Beginning of every message. Closed, it is an empty message, which suffices to retract any message."""


Comparisons = tuple[tuple[Op | Equality, Value], ...]
Fields = tuple[tuple[int, str], ...]
"""Fields of messages: the place of a page, and the text."""


class Messages:
    """Writes the messages of a ruleset's pages. `spelled`: texts for the engine of answers other than numbers.

    A message leaves out a word answer that makes no condition of its page true, and a signal or openness that doesn't
    hold: the engine's work grows with the fields of a message.
    """

    def __init__(self, pages: Sequence[EnginePage], spelled: Mapping[str, Mapping[Value, str]]) -> None:
        self._pages = len(pages)
        self._words: dict[str, dict[Value, Fields]] = {}
        self._numbers: dict[str, Fields] = {}
        readings: dict[str, list[tuple[int, str, Comparisons]]] = {}
        for place, page in enumerate(pages):
            for input_name, name, compared in page.answers:
                readings.setdefault(input_name, []).append((place, f',"{name}":', compared))
        for input_name, reading in readings.items():
            if input_name in spelled:
                self._words[input_name] = {
                    value: tuple(
                        (place, field + text) for place, field, compared in reading if _is_any_true(compared, text)
                    )
                    for value, text in spelled[input_name].items()
                }
            else:
                self._numbers[input_name] = tuple((place, field) for place, field, _ in reading)
        self._opens = [
            (input_name, is_open, place, f',"{name}":true')
            for place, page in enumerate(pages)
            for input_name, is_open, name in page.opens
        ]
        self._signals = [{number: f',"{name}":true' for number, true, name in p.signals if true} for p in pages]
        self._unless = [[(number, f',"{name}":true') for number, true, name in p.signals if not true] for p in pages]

    def answers(self, answers: Answers) -> list[list[str]]:
        """Return each page's message so far, with the fields for the answers.

        Raises:
            EngineError: If a value is not an answer.
            KeyError: If a value is not a choice of its input.
        """
        fields = [[BARE] for _ in range(self._pages)]
        words, numbers = self._words, self._numbers
        for input_name, value in answers.items():
            if input_name in words:
                for place, field in words[input_name][value]:
                    fields[place].append(field)
            elif input_name in numbers:
                number = written(value)
                for place, field in numbers[input_name]:
                    fields[place].append(field + number)
        for input_name, is_open, place, field in self._opens:
            if (input_name not in answers) is is_open:
                fields[place].append(field)
        return fields

    def message(self, place: int, answers: list[list[str]], true: AbstractSet[int]) -> str:
        """Return the message of a page. `true`: numbers of the signals that are true so far."""
        signals = self._signals[place]
        true_fields = [signals[number] for number in signals.keys() & true]
        untrue_fields = [field for number, field in self._unless[place] if number not in true]
        return f"{''.join([*answers[place], *true_fields, *untrue_fields])}}}"


def _is_any_true(compared: Comparisons, text: str) -> bool:
    """Return whether an answer with this text for the engine makes a comparison true; of a choice or a yes/no."""
    return any((written(value) == text) is (op is Equality.IS) for op, value in compared)


def written(value: object) -> str:
    """Write a value as JSON that the engine reads: no exponents, no number beyond its range. Names are plain ASCII."""
    if type(value) is float and LEAST <= value < GREATEST:
        text = repr(value)
        return format(Decimal(text), "f") if "e" in text else text
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(min(max(value, -int(GREATEST)), int(GREATEST)))
        case float():
            text = repr(math.copysign(min(max(abs(value), LEAST), GREATEST), value)) if value else "0"
            return format(Decimal(text), "f") if "e" in text else text
        case list():
            return f"[{','.join(map(written, value))}]"
        case Mapping():
            fields = [f'"{name}":{written(part)}' for name, part in value.items()]
            return f"{{{','.join(fields)}}}"
        case _:
            raise EngineError(f"a {type(value).__name__} must not reach the engine")
