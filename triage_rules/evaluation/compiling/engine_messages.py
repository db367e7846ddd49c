"""The pages' messages for one report, as text: what can be written beforehand is."""

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
"""The beginning of every message; closed, it is one that says nothing, and all that it takes to retract one."""


Comparisons = tuple[tuple[Op | Equality, Value], ...]
Fields = tuple[tuple[int, str], ...]
"""Fields of messages: the place of a page, and the text."""


class Messages:
    """Writes the messages of a ruleset's pages. `spelled`: how the engine gets answers that are no numbers.

    An answer in words that makes no condition of a page true is left out of its message, and so is a field that only
    says that something is so, if it isn't: the engine's work grows with the fields of a message.
    """

    def __init__(self, pages: Sequence[EnginePage], spelled: Mapping[str, Mapping[Value, str]]) -> None:
        self._pages = len(pages)
        self._words: dict[str, dict[Value, Fields]] = {}
        self._numbers: dict[str, Fields] = {}
        asked: dict[str, list[tuple[int, str, Comparisons]]] = {}
        for place, page in enumerate(pages):
            for finding, name, compared in page.answers:
                asked.setdefault(finding, []).append((place, f',"{name}":', compared))
        for finding, reading in asked.items():
            if finding in spelled:
                self._words[finding] = {
                    value: tuple((place, field + text) for place, field, compared in reading if _any(compared, text))
                    for value, text in spelled[finding].items()
                }
            else:
                self._numbers[finding] = tuple((place, field) for place, field, _ in reading)
        self._opens = [
            (finding, is_open, place, f',"{name}":true')
            for place, page in enumerate(pages)
            for finding, is_open, name in page.opens
        ]
        self._signals = [{number: f',"{name}":true' for number, true, name in p.signals if true} for p in pages]
        self._unless = [[(number, f',"{name}":true') for number, true, name in p.signals if not true] for p in pages]

    def answers(self, findings: Answers) -> list[list[str]]:
        """What the message of each page says of the findings.

        Raises EngineError for what is no answer, KeyError for what is no choice.
        """
        fields = [[BARE] for _ in range(self._pages)]
        words, numbers = self._words, self._numbers
        for finding, value in findings.items():
            if finding in words:
                for place, field in words[finding][value]:
                    fields[place].append(field)
            elif finding in numbers:
                number = written(value)
                for place, field in numbers[finding]:
                    fields[place].append(field + number)
        for finding, is_open, place, field in self._opens:
            if (finding not in findings) is is_open:
                fields[place].append(field)
        return fields

    def message(self, place: int, answers: list[list[str]], true: AbstractSet[int]) -> str:
        """The message of a page. `true`: the numbers of the signals that came out true so far."""
        signals = self._signals[place]
        said = [signals[number] for number in signals.keys() & true]
        unsaid = [field for number, field in self._unless[place] if number not in true]
        return f"{''.join([*answers[place], *said, *unsaid])}}}"


def _any(compared: Comparisons, text: str) -> bool:
    """Whether an answer that the engine gets so makes one of them true. Of a choice, or a yes/no."""
    return any((written(value) == text) is (op is Equality.IS) for op, value in compared)


def written(value: object) -> str:
    """JSON as the engine reads it: no exponents, no number beyond what it can hold. Names are ours, plain ASCII."""
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
