"""Results as events on the stream: CloudEvents 1.0 as the fields of one entry.

There is no CloudEvents binding for Redis, so ours is that of Kafka with `ce_` names. The schemas
`result-event.schema.json` and `result.schema.json` describe the fields and their `data`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from triage_rules.foundation import strict_json
from triage_rules.foundation.encryption import Encryption, is_encrypted
from triage_rules.foundation.errors import EventError
from triage_rules.foundation.timestamps import timestamp
from triage_rules.language.model import Level

EVENT_TYPE = "triage.result.v1"
SPEC_VERSION = "1.0"
CONTENT_TYPE = "application/json"
ENCRYPTED_TYPE = "application/vnd.triage.sealed"
"""The content type of an event whose `data` is encrypted; inside is JSON again."""

RESULT_FIELD = "result"
"""The field name that the result is encrypted with, the same in the event and in the report."""

PLAIN = Encryption()
FIELDS = (
    "ce_specversion",
    "ce_id",
    "ce_source",
    "ce_type",
    "ce_subject",
    "ce_time",
    "content-type",
    "level",
    "ruleset",
    "digest",
    "data",
)


@dataclass(frozen=True, slots=True)
class Event:
    """A published result. `subject`: the report's id. `level` None: the evaluation failed, a person must look now."""

    id: str
    source: str
    subject: str
    time: str
    level: Level | None
    ruleset: str
    digest: str
    result: dict[str, Any]


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def event_of(report_id: str, result: dict[str, Any], *, source: str, now_ms: int) -> Event:
    """Return the event that publishes `result`. Its id depends only on the report, so it is the same each time."""
    level = result["level"]
    return Event(
        id=f"{report_id}:result",
        source=source,
        subject=report_id,
        time=timestamp(now_ms),
        level=None if level is None else Level.of(level),
        ruleset=result["ruleset"]["name"],
        digest=result["ruleset"]["digest"],
        result=result,
    )


def encode(event: Event, encryption: Encryption = PLAIN) -> dict[str, str]:
    """Return the fields of a stream entry, in the order of FIELDS. With keys in `encryption`, `data` is encrypted."""
    data = encryption.encrypt(strict_json.dumps_fast(event.result), event.subject, RESULT_FIELD)
    values = (
        SPEC_VERSION,
        event.id,
        event.source,
        EVENT_TYPE,
        event.subject,
        event.time,
        ENCRYPTED_TYPE if is_encrypted(data) else CONTENT_TYPE,
        "" if event.level is None else event.level.word,
        event.ruleset,
        event.digest,
        data,
    )
    return dict(zip(FIELDS, values, strict=True))


def decode(fields: Mapping[str, str], encryption: Encryption = PLAIN) -> Event:
    """Return the event of a stream entry. Unknown fields are ignored.

    Raises:
        EventError: If the entry is not a result event.
        DecryptionError: If no key of `encryption` decrypts `data`. Neither message repeats it.
    """
    missing = [name for name in FIELDS if name not in fields]
    if missing:
        raise EventError(f"fields are missing: {', '.join(missing)}")
    if (fields["ce_specversion"], fields["ce_type"]) != (SPEC_VERSION, EVENT_TYPE):
        raise EventError(f"unknown version or type: {fields['ce_specversion']!r} {fields['ce_type']!r}")
    if any(not _is_text(fields[name]) for name in FIELDS):
        raise EventError("a field is not UTF-8")
    try:
        result = json.loads(encryption.decrypt(fields["data"], fields["ce_subject"], RESULT_FIELD))
        level = Level.of(fields["level"]) if fields["level"] else None
    except (ValueError, KeyError, RecursionError):
        raise EventError("`data` is not JSON, or `level` is not a level") from None
    if not isinstance(result, dict) or result.get("level", "") != (level.word if level is not None else None):
        raise EventError("`level` is not the level of the result in `data`")
    return Event(
        id=fields["ce_id"],
        source=fields["ce_source"],
        subject=fields["ce_subject"],
        time=fields["ce_time"],
        level=level,
        ruleset=fields["ruleset"],
        digest=fields["digest"],
        result=result,
    )
