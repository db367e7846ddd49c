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
"""The beginning of every message; closed, it is one that says nothing, and all that it takes to retract one."""


class Messages:
    """Writes the messages of a ruleset's pages. `spelled`: how the engine gets answers that are no numbers.

    A field that is there only to say that something is so is left out if it isn't: the engine's work grows with
    the fields of a message.
    """

    def __init__(self, pages: Sequence[Page], spelled: Mapping[str, Mapping[Value, str]]) -> None:
        self._pages = [_Fields(page, spelled) for page in pages]

    def message(self, place: int, findings: Findings, true: AbstractSet[int]) -> str:
        """The message of a page, for the findings and the numbers of the signals that came out true so far.

        Raises EngineError for what is no answer, KeyError for what is no choice.
        """
        page = self._pages[place]
        answers, signals = page.answers, page.signals
        fields = [answers[finding][value] for finding, value in findings.items() if finding in answers]
        fields += [field for finding, is_open, field in page.opens if (finding not in findings) is is_open]
        fields += [signals[number] for number in signals.keys() & true]
        fields += [field for number, field in page.unless if number not in true]
        return f"{BARE}{''.join(fields)}}}"


class _Fields:
    """A page's fields, written beforehand. answers: finding -> answer -> field."""

    def __init__(self, page: Page, spelled: Mapping[str, Mapping[Value, str]]) -> None:
        self.answers: dict[str, Mapping[Value, str]] = {}
        for finding, name in page.answers:
            words = {value: f',"{name}":{text}' for value, text in spelled.get(finding, {}).items()}
            self.answers[finding] = words or _Numbers(name)
        self.opens = [(finding, is_open, f',"{name}":true') for finding, is_open, name in page.opens]
        self.signals = {number: f',"{name}":true' for number, true, name in page.signals if true}
        self.unless = [(number, f',"{name}":true') for number, true, name in page.signals if not true]


class _Numbers(dict[Value, str]):
    """The field of any number; none is kept."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._field = f',"{name}":'

    def __missing__(self, value: Value) -> str:
        return self._field + written(value)


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
