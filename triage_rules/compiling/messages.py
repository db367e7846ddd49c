"""The pages' messages for one report, as text: what can be written beforehand is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal

from triage_rules.compiling.lowering import GREATEST, LEAST
from triage_rules.compiling.pages import GROUP, Page
from triage_rules.errors import EngineError
from triage_rules.ruleset import Findings, Value

SID = "s"
BARE = f'{{"id":"m","sid":"{SID}","{GROUP}":0'
"""A message that says nothing, not closed yet; closed, it is all that it takes to retract one."""

Fields = list[tuple[int, str]]
"""Fields of messages, each with the place of its page."""


class Messages:
    """Writes the messages of a ruleset's pages. `spelled`: how the engine gets answers that are no numbers.

    A field that is there only to say that something is so is left out if it isn't: the engine's work grows with
    the fields of a message.
    """

    def __init__(self, pages: Sequence[Page], spelled: Mapping[str, Mapping[Value, str]]) -> None:
        self._pages = len(pages)
        self._numbers: dict[str, Fields] = {}
        self._opens: dict[tuple[str, bool], Fields] = {}
        self._signals: list[dict[int, str]] = [{} for _ in pages]
        self._unless: list[dict[int, str]] = [{} for _ in pages]
        for place, page in enumerate(pages):
            for finding, name in page.answers:
                self._numbers.setdefault(finding, []).append((place, f',"{name}":'))
            for finding, is_open, name in page.opens:
                self._opens.setdefault((finding, is_open), []).append((place, f',"{name}":true'))
            for number, true, name in page.signals:
                (self._signals if true else self._unless)[place][number] = f',"{name}":true'
        self._words: dict[str, dict[Value, Fields]] = {}
        for finding in spelled.keys() & self._numbers.keys():
            names = self._numbers.pop(finding)
            self._words[finding] = {value: _filled(names, text) for value, text in spelled[finding].items()}

    def of(self, findings: Findings) -> list[str]:
        """What the findings say to each page: messages that are not closed yet.

        Raises EngineError for what is no answer, KeyError for what is no choice.
        """
        texts = [BARE] * self._pages
        words, numbers = self._words, self._numbers
        for finding, value in findings.items():
            if finding in words:
                for place, field in words[finding][value]:
                    texts[place] += field
            elif finding in numbers:
                text = written(value)
                for place, name in numbers[finding]:
                    texts[place] += name + text
        for (finding, is_open), fields in self._opens.items():
            if (finding not in findings) is is_open:
                for place, field in fields:
                    texts[place] += field
        return texts

    def signals(self, place: int, true: AbstractSet[int]) -> str:
        """What the earlier signals say to a page; `true`: the numbers of those that came out true."""
        told, unless = self._signals[place], self._unless[place]
        fields = [told[number] for number in told.keys() & true]
        if unless:
            fields += [field for number, field in unless.items() if number not in true]
        return "".join(fields)


def _filled(names: Fields, text: str) -> Fields:
    return [(place, name + text) for place, name in names]


def written(value: object) -> str:
    """JSON as the engine reads it: no exponents, no number beyond what it can hold. Names are ours, plain ASCII."""
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
