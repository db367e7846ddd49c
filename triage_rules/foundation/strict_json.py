"""Strict JSON: texts that parsers read in different ways are rejected.

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
"""The most digits of a number; no finite number needs more."""

_BOM = b"\xef\xbb\xbf"
# A string, even without an end: it matches at each quote, so the search is linear in any text.
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")
_PLAIN = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
_MAX_FAULTS = 100
_SHOWN = 100


class _Refused:
    """The placeholder of a value that was rejected while parsing, until its pointer is known."""

    __slots__ = ("code", "detail")

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        self.detail = detail


class _Repeated(dict[str, Any]):
    """An object with duplicate keys, which are in `repeated`."""

    repeated: tuple[str, ...] = ()


def pointer_part(key: str) -> str:
    """Return `/key`, escaped as in RFC 6901; half a surrogate pair becomes `?`, and very long keys are cut."""
    cut = key if len(key) <= _SHOWN else key[:_SHOWN] + "..."
    return "/" + cut.encode("utf-8", "replace").decode("utf-8").replace("~", "~0").replace("/", "~1")


def dumps(value: object) -> str:
    """Return compact JSON, keys in their own order.

    Raises:
        ValueError: For NaN and infinities.
        TypeError: For other types.
    """
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def dumps_fast(value: object) -> str:
    """Return the same as `dumps`, faster; TypeError also for integers beyond 64 bits and half a surrogate pair."""
    parts: list[Any] = [value]
    for part in parts:  # grows in the loop. orjson writes NaN as null, so each number is tested
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
    """Parse `data`. Raises ReportError with every fault, and pointers to those inside the value.

    `what`: the name of the data in the messages.
    """
    if len(data) > max_bytes:
        raise _error("too_large", f"the {what} is larger than {max_bytes} bytes")
    if data.startswith(_BOM):
        raise _error("not_utf8", f"the {what} starts with a byte order mark; remove it")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _error("not_utf8", f"the {what} is not UTF-8 at byte {error.start + 1}") from None
    if _deeper_than(text, max_depth):
        raise _error("too_deep", f"the {what} is nested deeper than {max_depth} levels")
    suspects: list[_Refused | _Repeated] = []
    value = _parse(text, suspects)
    faults = list(_faults(value)) if suspects or "\\u" in text else []
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


def _parse(text: str, suspects: list[_Refused | _Repeated]) -> Any:
    def refuse(code: str, detail: str) -> _Refused:
        suspects.append(_Refused(code, detail))
        return suspects[-1]  # type: ignore[return-value]  # the line above put a _Refused there

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(items)
        if len(value) == len(items):
            return value
        repeated = _Repeated(value)
        counts = Counter(key for key, _ in items)
        repeated.repeated = tuple(key for key, times in counts.items() if times > 1)
        suspects.append(repeated)
        return repeated

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
    """Yield the faults inside a value. The depth was checked before, which bounds the recursion."""
    match value:
        case _Refused(code=code, detail=detail):
            yield ReportFault(pointer, code, detail)
        case str():
            if _lone_surrogate(value):
                yield ReportFault(pointer, "lone_surrogate", "half of a surrogate pair is not a character")
        case list():
            for index, item in enumerate(value):
                yield from _faults(item, f"{pointer}/{index}")
        case dict():
            for key in value.repeated if isinstance(value, _Repeated) else ():
                yield ReportFault(pointer + pointer_part(key), "duplicate_key", "duplicate key")
            for key, item in value.items():
                if _lone_surrogate(key):
                    detail = "half of a surrogate pair is not a character, so this key is not a text"
                    yield ReportFault(pointer + pointer_part(key), "lone_surrogate", detail)
                yield from _faults(item, pointer + pointer_part(key))


def _lone_surrogate(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False
