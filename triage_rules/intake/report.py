"""The report as it is posted: from decoded JSON to typed values, with every fault of envelope and findings at once."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, cast

import marshmallow as ma

from triage_rules.deployment.live import Loaded
from triage_rules.evaluation.answers import read_answers
from triage_rules.foundation.errors import NoRulesetLive, ReportError, ReportFault, RulesetNotFound
from triage_rules.foundation.strict_json import pointer_part
from triage_rules.language.model import Answers
from triage_rules.records.reports import SUBJECT_MAX, subject_fault

FUTURE_MS = 5 * 60 * 1000
"""A form's clock may be this much ahead of ours."""

PAST_MS = 7 * 24 * 60 * 60 * 1000
"""An older report says too little of how the person is now."""

UNKNOWN_MAX = 100
"""Unknown fields that are named; the others are counted."""

_HINTS_MAX = 5
_LONGEST_MEANT = 100
"""For how many names, and of which length at most, the likely one is looked up: it takes as long as a good report."""

_RULESET_NAME = r"[a-z0-9]+(-[a-z0-9]+)*"
_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)


class RulesetLookup(Protocol):
    """What reading a report needs of the live rulesets."""

    def names(self) -> list[str]: ...

    def get(self, name: str) -> Loaded: ...


@dataclass(frozen=True, slots=True)
class Posted:
    """A report that has no fault. `reported_at` as it was written."""

    loaded: Loaded
    answers: Answers
    subject: str | None
    reported_at: str | None


def _refusal(code: str, detail: str) -> str:
    """An error message of marshmallow's that is a pair: it carries any object as it is, and `_faults` takes it out."""
    return cast(str, [(code, detail)])


class _Text(ma.fields.Field[str]):
    """A string, and nothing that could be taken for one."""

    default_error_messages = {  # noqa: RUF012  # as marshmallow declares it
        "null": _refusal("null", "null is no answer; leave the field out"),
        "wrong_type": _refusal("wrong_type", "expected a string"),
    }

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("wrong_type")
        self._check(value)
        return value

    def _check(self, text: str) -> None:
        """Raises marshmallow's ValidationError."""


class _Subject(_Text):
    default_error_messages = {  # noqa: RUF012  # as marshmallow declares it
        "too_short": _refusal(
            "too_short", f"expected 1 to {SUBJECT_MAX} characters; leave the field out if there is none"
        ),
        "too_long": _refusal("too_long", f"expected 1 to {SUBJECT_MAX} characters"),
        "invalid": _refusal("invalid", "expected printable characters, without blanks at either end"),
    }

    def _check(self, text: str) -> None:
        fault = subject_fault(text)
        if fault is not None:
            raise self.make_error(fault)


class _Time(_Text):
    default_error_messages = {  # noqa: RUF012  # as marshmallow declares it
        "invalid": _refusal(
            "invalid", "expected a time with its offset, as in 2027-03-01T14:05:00+01:00 or 2027-03-01T13:05:00Z"
        ),
        "no_such_day": _refusal("invalid", "there is no such day; dates are written year-month-day"),
    }

    def _check(self, text: str) -> None:
        if not _RFC3339.fullmatch(text):
            raise self.make_error("invalid")
        try:
            _milliseconds(text)
        except ValueError:  # the 30th of February: the form is right, and the time of day within its limits
            raise self.make_error("no_such_day") from None
        except OverflowError:  # an offset that leaves the calendar
            raise self.make_error("invalid") from None


_ANSWERS = "expected an object with the answers; {} if no question was answered"


class _Answers(ma.fields.Field[dict[str, Any]]):
    default_error_messages = {  # noqa: RUF012  # as marshmallow declares it
        "required": _refusal("required", _ANSWERS),
        "null": _refusal("null", _ANSWERS),
        "wrong_type": _refusal("wrong_type", _ANSWERS),
    }

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self.make_error("wrong_type")
        return value


class ReportIn(ma.Schema):
    """A report as a form posts it."""

    class Meta:
        """Nothing unknown passes in silence."""

        unknown = ma.RAISE

    ruleset = _Text(
        metadata={
            "type": "string",
            "pattern": f"^{_RULESET_NAME}$",
            "description": "Name of a live ruleset. May be left out while exactly one is live.",
        }
    )
    subject = _Subject(
        metadata={
            "type": "string",
            "minLength": 1,
            "maxLength": SUBJECT_MAX,
            "description": "Your own word for the person, the same in each of their reports, and no name. "
            "From the third report of one subject within 48 hours on, red-dots raises the level. It is compared "
            "character by character.",
        }
    )
    reported_at = _Time(
        metadata={
            "type": "string",
            "format": "date-time",
            "description": "When the answers were given (RFC 3339 with offset): "
            "at most 7 days ago, at most 5 minutes ahead.",
        }
    )
    findings = _Answers(
        required=True,
        metadata={
            "type": "object",
            "description": 'The answers. A question that was not asked or not answered is left out, or "unknown"; '
            "it is never taken for a no.",
        },
    )


_SCHEMA = ReportIn()


def read_report(raw: object, rulesets: RulesetLookup, now_ms: int) -> Posted:
    """Raises ReportError with every fault, NoRulesetLive, StoreUnavailable. `now_ms`: UTC, milliseconds."""
    values, faults, left_out = _read_envelope(raw, now_ms)
    loaded = _choose(values, rulesets, faults)
    answers: Answers = {}
    if loaded is not None and "findings" in values:
        try:
            answers = read_answers(loaded.ruleset, values["findings"])
        except ReportError as error:
            faults.extend(error.faults)
            left_out += error.left_out
    if loaded is None or faults:
        raise ReportError(tuple(faults), left_out)
    return Posted(loaded, answers, values.get("subject"), values.get("reported_at"))


def _read_envelope(raw: object, now_ms: int) -> tuple[dict[str, Any], list[ReportFault], int]:
    """The fields without fault, the faults, and how many more unknown fields there are than are told of."""
    if not isinstance(raw, dict):
        return {}, [ReportFault("", "wrong_type", 'expected an object, as in {"findings": {...}}')], 0
    faults: list[ReportFault] = []
    left_out = 0
    try:
        values = _SCHEMA.load(raw)
    except ma.ValidationError as error:
        values = cast(dict[str, Any], error.valid_data)
        faults, left_out = _faults(error, raw)
    if "reported_at" in values:
        faults.extend(_time_faults(_milliseconds(values["reported_at"]), now_ms))
    return values, faults, left_out


def _faults(error: ma.ValidationError, raw: Iterable[str]) -> tuple[list[ReportFault], int]:
    faults = [
        ReportFault(f"/{name}", code, detail)
        for name, messages in error.messages_dict.items()
        if name in _SCHEMA.fields
        for code, detail in messages
    ]
    unknown = [name for name in raw if name not in _SCHEMA.fields]  # in their order; marshmallow's are in none
    for index, name in enumerate(unknown[:UNKNOWN_MAX]):
        near = _near(name, _SCHEMA.fields) if index < _HINTS_MAX else None
        hint = f"did you mean {near}?" if near else f"known are {', '.join(_SCHEMA.fields)}"
        faults.append(ReportFault(pointer_part(name), "unknown_field", f"there is no such field; {hint}"))
    return faults, max(0, len(unknown) - UNKNOWN_MAX)


def _near(name: str, known: Iterable[str]) -> str | None:
    """The known name that was likely meant."""
    if len(name) > _LONGEST_MEANT:
        return None
    return next(iter(difflib.get_close_matches(name, list(known), n=1)), None)


def _milliseconds(text: str) -> int:
    """An RFC 3339 time as UTC milliseconds. Raises ValueError or OverflowError for a day that isn't."""
    return int(datetime.fromisoformat(text.upper()).astimezone(UTC).timestamp() * 1000)


def _time_faults(reported_ms: int, now_ms: int) -> list[ReportFault]:
    if reported_ms > now_ms + FUTURE_MS:
        told = "lies more than 5 minutes ahead; is the form's clock right, and the offset?"
        return [ReportFault("/reported_at", "in_future", told)]
    if reported_ms < now_ms - PAST_MS:
        return [ReportFault("/reported_at", "too_old", "lies more than 7 days back; ask again how the person is now")]
    return []


def _choose(values: Mapping[str, Any], rulesets: RulesetLookup, faults: list[ReportFault]) -> Loaded | None:
    """The ruleset that is to decide; without one, `faults` says why."""
    names = sorted(rulesets.names())
    if not names:
        raise NoRulesetLive
    if any(fault.pointer in ("", "/ruleset") for fault in faults):
        return None
    name = values.get("ruleset")
    if name is None and len(names) == 1:
        return rulesets.get(names[0])
    live = "live are " + ", ".join(names)
    if name is None:
        faults.append(ReportFault("/ruleset", "required", f"several rulesets are live, so name one; {live}"))
        return None
    try:
        return rulesets.get(name)
    except RulesetNotFound:
        near = _near(name, names)
        hint = f"; did you mean {near}?" if near else ""
        faults.append(ReportFault("/ruleset", "unknown_ruleset", f"no such ruleset is live{hint} ({live})"))
        return None
