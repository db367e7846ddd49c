"""Stored reports as deliveries to a worker, including those that can't be read."""

from __future__ import annotations

import json
import re
from typing import Any

from triage_rules.foundation.encryption import Encryption, is_encrypted
from triage_rules.foundation.errors import DecryptionError
from triage_rules.language.model import Audience, Level
from triage_rules.records.chains import ChainResult, ChainView
from triage_rules.records.events import RESULT_FIELD
from triage_rules.records.reports import Delivery, History, Lane, NewReport

UNKNOWN_RULESET = "unknown"
UNKNOWN_DIGEST = "sha256:" + "0" * 64
"""Stand in for fields that the stored report lacks, in the form that consumers of dead letters expect."""

_TIME = re.compile(r"\d{1,14}", re.ASCII)


def read_delivery(report_id: str, reply: list[Any], encryption: Encryption) -> Delivery:
    """Return the delivery in begin.lua's reply.

    Raises:
        DecryptionError: No key opens it.
        ValueError, TypeError, RecursionError: A field holds what no report has.
    """
    attempt, ruleset, digest, answers, lane, received_ms, subject, reported_at, reports, highest, audience, amends = (
        reply[:12]
    )
    received = read_time(received_ms)
    if received is None or not ruleset or not digest:
        raise ValueError
    report = NewReport(
        id=report_id,
        ruleset=ruleset,
        digest=digest,
        answers=json.loads(encryption.decrypt(answers, report_id, "findings")),
        lane=Lane(lane),
        received_ms=received,
        subject=decrypt_field(encryption, answers, subject, report_id, "subject"),
        reported_at=decrypt_field(encryption, answers, reported_at, report_id, "reported_at"),
        audience=Audience(audience or Audience.PATIENT),
        amends=amends or None,
    )
    history = History(int(reports), Level(int(highest)) if highest else None)
    chain = ChainView(*(read_chain_result(reply[at : at + 3], encryption) for at in (12, 15, 18)))
    return Delivery(report=report, history=history, attempt=int(attempt), chain=chain)


def read_chain_result(fields: list[Any], encryption: Encryption) -> ChainResult | None:
    """Return a settled report of a chain, from its id, result and time of receipt; None for no id."""
    report_id, stored, received_ms = fields or ("", "", "")
    if not report_id:
        return None
    received = read_time(received_ms) or 0
    try:
        result = json.loads(encryption.decrypt(stored, report_id, RESULT_FIELD))
        level = result["level"]
        return ChainResult(report_id, received, None if level is None else Level.of(level), result["disposition"])
    except (DecryptionError, ValueError, TypeError, KeyError, RecursionError):
        return ChainResult(report_id, received)  # as if it couldn't be decided: what it lowers is then shown, too


def decrypt_field(encryption: Encryption, answers: str, text: str | None, report_id: str, field: str) -> str | None:
    """Return the text of a field that is encrypted if the answers beside it are. Raises DecryptionError."""
    if not text:
        return None
    return encryption.decrypt(text, report_id, field) if is_encrypted(answers) else text


def unreadable_delivery(report_id: str, reply: list[Any], now_ms: int, error: Exception) -> Delivery:
    """Return what is needed to bury a report that can't be read: the fields that name it, and the attempt."""
    attempt, ruleset, digest, _, _, received_ms, *_ = reply
    received = read_time(received_ms)
    report = NewReport(
        id=report_id,
        ruleset=ruleset or UNKNOWN_RULESET,
        digest=digest or UNKNOWN_DIGEST,
        answers={},
        lane=Lane.NORMAL,
        received_ms=now_ms if received is None else received,
    )
    return Delivery(report=report, history=History(), attempt=int(attempt), unreadable=type(error).__name__)


def read_time(text: str | bytes | None) -> int | None:
    """Return a stored time; None if no calendar has it."""
    return int(text) if isinstance(text, str) and _TIME.fullmatch(text) else None
