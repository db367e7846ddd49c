"""JSON without surprises: what other parsers would read differently is refused.

Codes of faults: `too_large`, `not_utf8`, `not_json`, `too_deep`, `duplicate_key`, `not_finite`, `too_many_digits`,
`lone_surrogate`.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import orjson

from triage_rules.foundation.errors import ReportError, ReportFault

MAX_DIGITS = 400
"""A number written longer than this is refused; no finite one needs it."""

_BOM = b"\xef\xbb\xbf"
# A string, also one without an end: it matches at each quote, so the search is linear in any text.
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")
_PLAIN = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
_MAX_FAULTS = 100
_SHOWN = 100


class _Refused:
    """Stands for a value that was refused while parsing, until its pointer is known."""

    __slots__ = ("code", "detail")

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        self.detail = detail


class _Repeated(dict[str, Any]):
    """An object in which the keys `repeated` stood more than once."""

    repeated: tuple[str, ...] = ()


def pointer_part(key: str) -> str:
    """`/key` as RFC 6901 escapes it; what UTF-8 can't carry becomes `?`, and very long keys are cut."""
    cut = key if len(key) <= _SHOWN else key[:_SHOWN] + "..."
    return "/" + cut.encode("utf-8", "replace").decode("utf-8").replace("~", "~0").replace("/", "~1")


def dumps(value: object) -> str:
    """Compact JSON, keys in their own order. Raises ValueError for NaN and infinities, TypeError for other types."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def dumps_fast(value: object) -> str:
    """As `dumps`, faster for what is large; TypeError also for integers beyond 64 bits and half a surrogate pair."""
    parts: list[Any] = [value]
    for part in parts:  # it grows meanwhile. What writes so fast takes NaN for null, so each number is looked at
        if type(part) is str:  # most of them
            continue
        if isinstance(part, dict):
            parts += part.values()
        elif isinstance(part, list):
            parts += part
        elif isinstance(part, float) and not math.isfinite(part):
            raise ValueError("Out of range float values are not JSON compliant")
    return orjson.dumps(value, option=_PLAIN).decode()


def loads(data: bytes, *, max_bytes: int, max_depth: int = 20, what: str = "body") -> Any:
    """The value that `data` holds. Raises ReportError with every fault, and pointers to those inside the value.

    `what` the texts of faults call the data.
    """
    if len(data) > max_bytes:
        raise _error("too_large", f"the {what} is larger than {max_bytes} bytes")
    if data.startswith(_BOM):
        raise _error("not_utf8", f"the {what} starts with a byte order mark; leave it out")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _error("not_utf8", f"the {what} is not UTF-8 at byte {error.start + 1}") from None
    if _deeper_than(text, max_depth):
        raise _error("too_deep", f"the {what} is nested deeper than {max_depth} levels")
    found: list[_Refused | _Repeated] = []
    value = _parse(text, found)
    faults = list(_faults(value)) if found or "\\u" in text else []
    if faults:
        raise ReportError(tuple(faults[:_MAX_FAULTS]), max(0, len(faults) - _MAX_FAULTS))
    return value


def _error(code: str, detail: str) -> ReportError:
    return ReportError((ReportFault("", code, detail),))


def _deeper_than(text: str, max_depth: int) -> bool:
    if text.count("[") + text.count("{") <= max_depth:
        return False
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > max_depth:
            return True
    return False


def _parse(text: str, found: list[_Refused | _Repeated]) -> Any:
    def refuse(code: str, detail: str) -> _Refused:
        found.append(_Refused(code, detail))
        return found[-1]  # type: ignore[return-value]  # the line above put a _Refused there

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(items)
        if len(made) == len(items):
            return made
        again = _Repeated(made)
        counted = Counter(key for key, _ in items)
        again.repeated = tuple(key for key, times in counted.items() if times > 1)
        found.append(again)
        return again

    def constant(_: str) -> _Refused:
        return refuse("not_finite", "NaN and Infinity are not JSON")

    def fraction(digits: str) -> float | _Refused:
        number = float(digits) if len(digits) <= MAX_DIGITS else math.nan
        if math.isfinite(number):
            return number
        if math.isnan(number):
            return refuse("too_many_digits", f"a number may have at most {MAX_DIGITS} digits")
        return refuse("not_finite", "the number is too large")

    def whole(digits: str) -> int | _Refused:
        if len(digits) <= MAX_DIGITS:
            return int(digits)
        return refuse("too_many_digits", f"a number may have at most {MAX_DIGITS} digits")

    try:
        return json.loads(text, object_pairs_hook=pairs, parse_constant=constant, parse_float=fraction, parse_int=whole)
    except json.JSONDecodeError as error:
        message = error.msg[:1].lower() + error.msg[1:]
        raise _error("not_json", f"not JSON: {message}, line {error.lineno}, column {error.colno}") from None


def _faults(value: object, pointer: str = "") -> Iterator[ReportFault]:
    """Recursion is bounded by the depth that was checked before."""
    match value:
        case _Refused(code=code, detail=detail):
            yield ReportFault(pointer, code, detail)
        case str():
            if _lone_surrogate(value):
                yield ReportFault(pointer, "lone_surrogate", "half of a surrogate pair is no character")
        case list():
            for index, item in enumerate(value):
                yield from _faults(item, f"{pointer}/{index}")
        case dict():
            for key in value.repeated if isinstance(value, _Repeated) else ():
                yield ReportFault(pointer + pointer_part(key), "duplicate_key", "the key is there more than once")
            for key, item in value.items():
                if _lone_surrogate(key):
                    told = "half of a surrogate pair is no character, so this key is no text"
                    yield ReportFault(pointer + pointer_part(key), "lone_surrogate", told)
                yield from _faults(item, pointer + pointer_part(key))


def _lone_surrogate(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False
