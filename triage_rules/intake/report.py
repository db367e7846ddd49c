"""Posted reports: from decoded JSON to typed answers, with every fault of envelope and answers reported at once."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, Protocol, TypeVar, cast

import marshmallow as ma

from triage_rules.evaluation.answers import read_answers
from triage_rules.evaluation.panel_answers import read_panels, ticked_choices
from triage_rules.foundation.errors import NoRulesetLive, ReportError, ReportFault, RulesetNotFound
from triage_rules.foundation.strict_json import pointer_part
from triage_rules.language.model import Answers, Audience, Ruleset
from triage_rules.records.reports import AMENDABLE, REPORT_ID, SUBJECT_MAX, subject_fault

FUTURE_MS = 5 * 60 * 1000
"""Time by which a form's clock may be ahead of ours."""

PAST_MS = 7 * 24 * 60 * 60 * 1000
"""Greatest age of a report; an older one says too little about how the person is now."""

UNKNOWN_MAX = 100
"""Number of unknown fields that are named; the others are counted."""

_HINTS_MAX = 5
_LONGEST_MEANT = 100
"""Limits of the search for likely names, which takes as long as reading a good report: number, and length."""

_RULESET_NAME = r"[a-z0-9]+(-[a-z0-9]+)*"
_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)


class OpenRuleset(Protocol):
    """Live ruleset, opened; reading a report needs only its inputs."""

    @property
    def ruleset(self) -> Ruleset: ...


Open = TypeVar("Open", bound=OpenRuleset)
Open_co = TypeVar("Open_co", bound=OpenRuleset, covariant=True)


class RulesetLookup(Protocol[Open_co]):
    """Live rulesets by name."""

    def names(self) -> list[str]:
        """Return the names of the live rulesets."""
        ...

    def get(self, name: str) -> Open_co:
        """Return the live ruleset of that name. Raises RulesetNotFound."""
        ...


@dataclass(frozen=True, slots=True)
class Posted(Generic[Open]):
    """Report without faults. `reported_at` as it was written.

    answers: those of its panels among them. ticked: choices ticked in panels, and still to be asked.
    amends: the id of the report that it amends.
    """

    loaded: Open
    answers: Answers
    subject: str | None
    reported_at: str | None
    audience: Audience = Audience.PATIENT
    ticked: tuple[str, ...] = ()
    amends: str | None = None


def _refusal(code: str, detail: str) -> str:
    """Return an error message for marshmallow that is a pair: it passes any object, and `_make_faults` unpacks it."""
    return cast(str, [(code, detail)])


class _Text(ma.fields.Field[str]):
    """String, without conversion from other types."""

    default_error_messages = {  # noqa: RUF012  # as marshmallow declares it
        "null": _refusal("null", "null is not an answer; leave the field out"),
        "wrong_type": _refusal("wrong_type", "expected a string"),
    }

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("wrong_type")
        self._check(value)
        return value

    def _check(self, text: str) -> None:
        """Check the text. Raises marshmallow's ValidationError."""


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
            _read_time(text)
        except ValueError:  # the 30th of February: syntax and time of day are valid, the date is not
            raise self.make_error("no_such_day") from None
        except OverflowError:  # the offset moves the time beyond the calendar
            raise self.make_error("invalid") from None


class _AudienceWord(_Text):
    default_error_messages = {  # noqa: RUF012  # as marshmallow declares it
        "not_a_choice": _refusal("not_a_choice", "expected `patient` or `clinician`"),
    }

    def _check(self, text: str) -> None:
        if text not in list(Audience):
            raise self.make_error("not_a_choice")


class _ReportId(_Text):
    """Id of a stored report; one in another form gets the answer of one that isn't stored."""

    default_error_messages = {  # noqa: RUF012  # as marshmallow declares it
        "not_amendable": _refusal("not_amendable", AMENDABLE),
    }

    def _check(self, text: str) -> None:
        if not re.fullmatch(REPORT_ID, text):
            raise self.make_error("not_amendable")


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
    """Report as a form posts it."""

    class Meta:
        """Rejection of unknown fields."""

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
            "description": "Your own identifier for the person, the same in each of their reports, and not their name. "
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
    audience = _AudienceWord(
        metadata={
            "enum": [audience.value for audience in Audience],
            "default": Audience.PATIENT.value,
            "description": "Who answers: the patient (or a person beside them), or a clinician. It decides which "
            "questions are asked, never what the answers mean.",
        }
    )
    amends = _ReportId(
        metadata={
            "type": "string",
            "pattern": f"^{REPORT_ID}$",
            "description": "The id of an earlier report that this one completes or corrects. It must be yours, for the "
            "same ruleset, and with the same subject. The amendment is a report of its own, and counts as one with it.",
        }
    )
    panels = ma.fields.Raw(
        allow_none=True,
        metadata={
            "type": "object",
            "description": "The answers to panels, by name: the list of the lines that apply ([]: none of these), "
            '{"apply": [], "unknown": []} or "unknown".',
        },
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


def read_report(raw: object, rulesets: RulesetLookup[Open], now_ms: int) -> Posted[Open]:
    """Read a posted report. Raises ReportError with every fault, NoRulesetLive, StoreUnavailable. `now_ms`: UTC."""
    values, faults, left_out = _read_envelope(raw, now_ms)
    loaded = _choose_ruleset(values, rulesets, faults)
    answers: Answers = {}
    if loaded is not None:
        try:
            answers = read_answers(loaded.ruleset, values.get("findings", {}))
        except ReportError as error:
            faults.extend(error.faults)
            left_out += error.left_out
        try:
            answers = read_panels(loaded.ruleset, values.get("panels", {}), answers)
        except ReportError as error:
            faults.extend(error.faults)
            left_out += error.left_out
    if loaded is None or faults:
        raise ReportError(tuple(faults), left_out)
    return Posted(
        loaded,
        answers,
        values.get("subject"),
        values.get("reported_at"),
        Audience(values.get("audience", Audience.PATIENT)),
        ticked_choices(loaded.ruleset, values.get("panels", {}), answers),
        values.get("amends"),
    )


def _read_envelope(raw: object, now_ms: int) -> tuple[dict[str, Any], list[ReportFault], int]:
    """Return the fields without fault, the faults, and the number of unknown fields that are not named."""
    if not isinstance(raw, dict):
        return {}, [ReportFault("", "wrong_type", 'expected an object, as in {"findings": {...}}')], 0
    faults: list[ReportFault] = []
    left_out = 0
    try:
        values = _SCHEMA.load(raw)
    except ma.ValidationError as error:
        values = cast(dict[str, Any], error.valid_data)
        faults, left_out = _make_faults(error, raw)
    if "reported_at" in values:
        faults.extend(_check_time(_read_time(values["reported_at"]), now_ms))
    return values, faults, left_out


def _make_faults(error: ma.ValidationError, raw: Iterable[str]) -> tuple[list[ReportFault], int]:
    faults = [
        ReportFault(f"/{name}", code, detail)
        for name, messages in error.messages_dict.items()
        if name in _SCHEMA.fields
        for code, detail in messages
    ]
    unknown = [name for name in raw if name not in _SCHEMA.fields]  # in the report's order, which marshmallow loses
    for index, name in enumerate(unknown[:UNKNOWN_MAX]):
        likely = _find_likely(name, _SCHEMA.fields) if index < _HINTS_MAX else None
        hint = f"did you mean `{likely}`?" if likely else f"known are {_join(_SCHEMA.fields)}"
        faults.append(ReportFault(pointer_part(name), "unknown_field", f"no such field; {hint}"))
    return faults, max(0, len(unknown) - UNKNOWN_MAX)


def _join(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _find_likely(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that was likely meant."""
    if len(name) > _LONGEST_MEANT:
        return None
    return next(iter(difflib.get_close_matches(name, list(known), n=1)), None)


def _read_time(text: str) -> int:
    """Convert an RFC 3339 time to UTC milliseconds. Raises ValueError or OverflowError for an impossible date."""
    return int(datetime.fromisoformat(text.upper()).astimezone(UTC).timestamp() * 1000)


def _check_time(reported_ms: int, now_ms: int) -> list[ReportFault]:
    if reported_ms > now_ms + FUTURE_MS:
        detail = "more than 5 minutes in the future; check the form's clock and the offset"
        return [ReportFault("/reported_at", "in_future", detail)]
    if reported_ms < now_ms - PAST_MS:
        return [ReportFault("/reported_at", "too_old", "more than 7 days ago; ask again how the person is now")]
    return []


def _choose_ruleset(values: Mapping[str, Any], rulesets: RulesetLookup[Open], faults: list[ReportFault]) -> Open | None:
    """Return the ruleset that the report names, or the only live one; None after adding the fault to `faults`."""
    names = sorted(rulesets.names())
    if not names:
        raise NoRulesetLive
    if any(fault.pointer in ("", "/ruleset") for fault in faults):
        return None
    name = values.get("ruleset")
    if name is None and len(names) == 1:
        return rulesets.get(names[0])
    live = f"live rulesets: {_join(names)}"
    if name is None:
        faults.append(ReportFault("/ruleset", "required", f"several rulesets are live: name one ({live})"))
        return None
    try:
        return rulesets.get(name)
    except RulesetNotFound:
        likely = _find_likely(name, names)
        hint = f"; did you mean `{likely}`?" if likely else ""
        faults.append(ReportFault("/ruleset", "unknown_ruleset", f"no ruleset of this name is live{hint} ({live})"))
        return None
