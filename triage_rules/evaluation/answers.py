"""Reads a report's answers by a ruleset's inputs: strict types, every fault at once, no answer repeated in a message.

Codes of faults: `unknown_field`, `wrong_type`, `out_of_range`, `not_a_choice`, `too_long`, `null`, `not_finite`,
`invalid`.
"""

from __future__ import annotations

import difflib
import itertools
import math
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NoReturn

from marshmallow import RAISE, Schema, ValidationError, fields

from triage_rules.foundation.errors import ReportError, ReportFault
from triage_rules.foundation.strict_json import pointer_part
from triage_rules.language.model import MAX_NUMBER, Answers, AskedOf, Input, InputKind, Ruleset, Value

UNKNOWN = "unknown"
"""Answer, to a question of any kind, that leaves the input open; the question is not asked again."""

_POINTER = "/findings"
_MAX_FAULTS = 100
"""Number of faults that an error lists; a last entry counts those left out."""

_MAX_HINTS = 5
"""Number of misspelt names for which a likely name is looked up: each takes as long as reading a whole report."""

_MAX_SCHEMAS = 64
_LONGEST_MEANT = 100
_UNITS = {
    "a": "years",
    "mo": "months",
    "wk": "weeks",
    "d": "days",
    "h": "hours",
    "min": "minutes",
    "s": "seconds",
    "Cel": "°C",
    "mm[Hg]": "mmHg",
}


def _refuse(code: str, detail: str) -> NoReturn:
    raise ValidationError({"code": code, "detail": detail})


class AnswerField(fields.Field[Any]):
    """Field for one input's answer. Errors are `{"code", "detail"}`; an answer that means open becomes UNKNOWN."""

    def __init__(self, read: Input) -> None:
        null: dict[str, Any] = {
            "code": "null",
            "detail": 'null is not an answer; leave the field out, or write "unknown"',
        }
        super().__init__(
            required=False, allow_none=False, metadata=_describe_input(read), error_messages={"null": null}
        )
        self.read = read

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        return UNKNOWN if isinstance(value, str) and value == UNKNOWN else self._check(value)

    def _check(self, value: Any) -> Any:
        raise NotImplementedError

    def _wrong_type(self, expected: str, value: Any) -> NoReturn:
        _refuse("wrong_type", f'expected {expected} or "unknown", found {_name_type(value)}')


def _name_type(value: object) -> str:
    """Name a value's JSON type, never the value."""
    match value:
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list() | tuple():
            return "a list"
        case Mapping():
            return "an object"
        case None:
            return "null"
        case _:
            return "something that is not JSON"


class YesNoAnswer(AnswerField):
    """Answer to a yes/no question: true or false."""

    def _check(self, value: Any) -> Any:
        if not isinstance(value, bool):
            self._wrong_type("true, false", value)
        return value


class NumberAnswer(AnswerField):
    """Finite number within the bounds; -0.0 becomes 0.0."""

    def _check(self, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._wrong_type("a number", value)
        if isinstance(value, float) and not math.isfinite(value):
            _refuse("not_finite", "the number is not finite")
        return self._within(value)

    def _within(self, value: float) -> float:
        read = self.read
        low = -MAX_NUMBER if read.minimum is None else read.minimum
        high = MAX_NUMBER if read.maximum is None else read.maximum
        if low <= value <= high:
            return value + 0
        hints = [hint.hint for hint in read.looks_like if hint.minimum <= value <= hint.maximum]
        _refuse("out_of_range", "; ".join([_describe_range(read), *hints]))


class IntegerAnswer(NumberAnswer):
    """Whole number within the bounds, written without a fraction: 3.0 is rejected."""

    def _check(self, value: Any) -> Any:
        if isinstance(value, float) and math.isfinite(value):
            _refuse("wrong_type", 'expected a whole number, written without a fraction, or "unknown"')
        return super()._check(value)


class ChoiceAnswer(AnswerField):
    """Declared value of a choice."""

    def __init__(self, read: Input) -> None:
        super().__init__(read)
        self._open = {choice.value: choice.means_open for choice in read.choices}
        self._expected = "expected one of " + ", ".join(f"`{value}`" for value in (*self._open, UNKNOWN))

    def _check(self, value: Any) -> Any:
        if not isinstance(value, str):
            _refuse("wrong_type", f"{self._expected}, found {_name_type(value)}")
        if value not in self._open:
            _refuse("not_a_choice", self._expected)
        return UNKNOWN if self._open[value] else value


class TextAnswer(AnswerField):
    """Text; its length is counted in code points."""

    def _check(self, value: Any) -> Any:
        if not isinstance(value, str):
            _refuse("wrong_type", f"expected a text, found {_name_type(value)}")
        if self.read.max_length is not None and len(value) > self.read.max_length:
            _refuse("too_long", f"the text is longer than {self.read.max_length} characters")
        if "\0" in value:
            _refuse("invalid", "the character U+0000 can't stand in a text")
        if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            _refuse("invalid", "half of a surrogate pair is not a character")
        return value


_FIELDS: dict[InputKind, type[AnswerField]] = {
    InputKind.YES_NO: YesNoAnswer,
    InputKind.NUMBER: NumberAnswer,
    InputKind.INTEGER: IntegerAnswer,
    InputKind.CHOICE: ChoiceAnswer,
    InputKind.TEXT: TextAnswer,
}


class AnswersSchema(Schema):
    """Base of the answer schemas of all rulesets."""

    class Meta:
        unknown = RAISE


def asked(ruleset: Ruleset) -> list[Input]:
    """Return the inputs that a report may answer: all except those that the service counts."""
    return [read for read in ruleset.inputs.values() if read.asked_of is not AskedOf.SERVICE]


def answers_schema(ruleset: Ruleset) -> type[Schema]:
    """Make a strict marshmallow schema with a field for each input that a report may answer."""
    by_name = {read.name: _FIELDS[read.kind](read) for read in asked(ruleset)}
    title = "".join(part.capitalize() for part in ruleset.name.split("-"))
    return AnswersSchema.from_dict(dict(by_name), name=f"{title}Findings")


class _Schemas:
    """Schemas of the rulesets in use, by identity; the ruleset is kept, so that no other can get its id."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, tuple[Ruleset, Schema]] = OrderedDict()

    def of(self, ruleset: Ruleset) -> Schema:
        with self._lock:
            kept = self._kept.get(id(ruleset))
            if kept is None:
                kept = self._kept[id(ruleset)] = (ruleset, answers_schema(ruleset)())
            self._kept.move_to_end(id(ruleset))
            if len(self._kept) > _MAX_SCHEMAS:
                self._kept.popitem(last=False)
            return kept[1]


_schemas = _Schemas()


def read_answers(ruleset: Ruleset, raw: object) -> Answers:
    """Read the answers of a report. An answer that leaves its input open is UNKNOWN.

    Raises ReportError with all faults (of very many, the first and how many more), with pointers from `/findings` on.
    """
    if not isinstance(raw, dict):
        detail = f"expected an object with the findings, found {_name_type(raw)}"
        raise ReportError((ReportFault(_POINTER, "wrong_type", detail),))
    schema = _schemas.of(ruleset)
    messages: dict[Any, Any] = {}
    answers: dict[str, Value] = {}
    # Field by field: a report answers few of many questions, and `schema.load` would visit all of them.
    for key, value in raw.items():
        field = schema.load_fields.get(key)
        if field is None:
            messages[key] = schema.error_messages["unknown"]
            continue
        try:
            answer: Any = field.deserialize(value, key, raw)
            answers[key] = answer
        except ValidationError as error:
            messages[key] = error.messages
    if messages:
        raise ReportError(_make_faults(ruleset, raw, messages), max(0, len(messages) - _MAX_FAULTS))
    return {name: answers[name] for name in schema.load_fields if name in answers}


def _make_faults(ruleset: Ruleset, raw: dict[Any, Any], messages: dict[Any, Any]) -> tuple[ReportFault, ...]:
    """Convert marshmallow's errors to faults, in the report's order; only the first of very many."""
    faults: list[ReportFault] = []
    hints = itertools.chain(itertools.repeat(True, _MAX_HINTS), itertools.repeat(False))
    for key in itertools.islice((key for key in raw if key in messages), _MAX_FAULTS):
        pointer = _POINTER + pointer_part(str(key))
        message = messages[key]
        if isinstance(message, dict):
            faults.append(ReportFault(pointer, message["code"], message["detail"]))
        else:
            faults.append(ReportFault(pointer, "unknown_field", _describe_unknown(ruleset, str(key), hint=next(hints))))
    return tuple(faults)


def _describe_unknown(ruleset: Ruleset, key: str, *, hint: bool) -> str:
    if key in ruleset.inputs:
        return "this is counted by the service; leave it out"
    if not hint:
        return "no such input"
    names = [read.name for read in asked(ruleset)]
    close = difflib.get_close_matches(key.lower(), names, n=1, cutoff=0.6) if len(key) <= _LONGEST_MEANT else []
    return f"no such input; did you mean `{close[0]}`?" if close else "no such input"


def _describe_range(read: Input) -> str:
    unit = format_unit(read.unit)
    if read.minimum is not None and read.maximum is not None:
        return f"expected {read.minimum} to {read.maximum}{unit}"
    if read.minimum is not None:
        return f"expected {read.minimum}{unit} or more, and no number beyond 1e15"
    if read.maximum is not None:
        return f"expected {read.maximum}{unit} or less, and no number beyond 1e15"
    return "expected a number from -1e15 to 1e15"


def format_unit(unit: str | None) -> str:
    """Return a unit as written after a number, in plain words; units without a plain word stay as they are."""
    match unit:
        case None | "" | "1":
            return ""
        case "%" | "/min":
            return unit
        case _ if unit.startswith("{") and unit.endswith("}"):  # only a name for the counted thing, as in the question
            return ""
        case _:
            return f" {_UNITS.get(unit, unit)}"


# --- as JSON Schema, for other programs ---


def answers_json_schema(ruleset: Ruleset) -> dict[str, Any]:
    """Return the schema of the answers as JSON Schema 2020-12.

    Accepts what `read_answers` accepts, except that JSON Schema can't require a whole number without a fraction.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Findings for {ruleset.name}",
        "description": 'Leave out what was not asked. "unknown" is an answer to every question. null is not accepted.',
        "type": "object",
        "properties": {read.name: _describe_input(read) | _accepted_values(read) for read in asked(ruleset)},
        "additionalProperties": False,
    }


def _describe_input(read: Input) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "title": read.question,
        "x-kind": read.kind.value,
        "x-group": read.group,
        "x-asked-of": read.asked_of.value,
    }
    if read.help is not None:
        schema["description"] = read.help
    if read.unit is not None:
        schema["x-unit"] = read.unit
    if read.choices:
        schema["x-choices"] = [
            {"value": choice.value, "label": choice.label, "means_open": choice.means_open} for choice in read.choices
        ]
    if read.codes:
        schema["x-codes"] = [
            {"system": code.system, "code": code.code} | ({"mark": code.mark} if code.mark else {})
            for code in read.codes
        ]
    return schema


def _accepted_values(read: Input) -> dict[str, Any]:
    match read.kind:
        case InputKind.YES_NO:
            return {"enum": [True, False, UNKNOWN]}
        case InputKind.CHOICE:
            return {"enum": [*(choice.value for choice in read.choices), UNKNOWN]}
        case InputKind.TEXT:
            limit = {} if read.max_length is None else {"maxLength": read.max_length}
            return {"type": "string", "pattern": "^[^\\u0000]*$"} | limit
        case InputKind.NUMBER | InputKind.INTEGER:
            number = {
                "type": read.kind.value,
                "minimum": -MAX_NUMBER if read.minimum is None else read.minimum,
                "maximum": MAX_NUMBER if read.maximum is None else read.maximum,
            }
            return {"anyOf": [number, {"const": UNKNOWN}]}
