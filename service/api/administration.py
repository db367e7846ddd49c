"""The calls for administrators: erasure, dead letters, audit log."""

from __future__ import annotations

import json
from dataclasses import asdict
from itertools import islice
from typing import Any

import marshmallow as ma
from flask import Response, request
from flask_smorest import Blueprint

from service.api.openapi import BODY_PROBLEMS, CALL_PROBLEMS, DocumentedResponse, call
from service.api.schemas import AuditOut, DeadLettersOut, ErasedOut, ErasureIn
from service.http.actor import get_actor
from service.http.decoder import read_json, refuse_query
from service.http.parts import get_parts
from service.http.problems import Refused
from service.http.responses import json_response
from triage_rules.foundation.errors import ReportFault
from triage_rules.records import audit
from triage_rules.records.api_keys import Scope
from triage_rules.records.reports import SUBJECT_MAX

blueprint = Blueprint(
    "administration",
    __name__,
    url_prefix="/v1",
    description="Administer the service: erase, see dead letters and the audit log.",
)

ADMINISTERING = frozenset({Scope.ADMIN})
REWRITE_SECONDS = 5.0
"""Maximum time that an erasure waits for Redis to rewrite its file."""

_ERASURE = ErasureIn()

SHOWN = 1_000
"""Maximum number of dead letters, and of entries of the audit log, in a response."""


@call(
    blueprint,
    "POST",
    "/erasures",
    DocumentedResponse(200, ErasedOut, "The counts of what was erased."),
    problems=(*BODY_PROBLEMS, "erasure-refused", "subject-of-several", "store-sealed", "ledger-unavailable"),
    needs=ADMINISTERING,
    requestBody={"required": True, "content": {"application/json": {"schema": ErasureIn}}},
)
def post_erasure() -> Response:
    """Erase all stored data of a person.

    Erases reports (also queued ones), results, events, dead letters and history. Backups and copies made by consumers
    are out of reach. The subject must match exactly. Counts of 0 mean that nothing is stored under this subject.
    """
    refuse_query(request)
    parts = get_parts()
    raw = read_json(request, parts.settings.max_report_bytes)
    subject, client = _erasure(raw)
    erased = parts.store.erasure.erase(subject, parts.now_ms(), by=get_actor(), client=client)
    return json_response({**asdict(erased), "append_only_file": parts.store.erasure.rewrite_log(REWRITE_SECONDS)})


def _erasure(raw: object) -> tuple[str, str | None]:
    """Return subject and client. Raises Refused with every fault."""
    try:
        erasure: Any = _ERASURE.load(raw)  # type: ignore[arg-type]  # marshmallow rejects other types than objects
    except ma.ValidationError as error:
        faults = [_fault(name) for name in error.messages_dict]
        raise Refused("erasure-refused", *faults) from None
    return erasure["subject"], erasure.get("client")


def _fault(name: str) -> ReportFault:
    """Return the fault of a field, without its value: a subject identifies a person."""
    match name:
        case "subject":
            return ReportFault("/subject", "invalid", f"expected a text of 1 to {SUBJECT_MAX} printable characters")
        case "client":
            return ReportFault("/client", "invalid", "expected a client's name, as `triage key list` shows it")
        case _:
            return ReportFault(
                "", "invalid", 'expected {"subject": "..."}, with a `client` if needed, and nothing else'
            )


@call(
    blueprint,
    "GET",
    "/dead-letters",
    DocumentedResponse(200, DeadLettersOut, f"The newest {SHOWN:,}, the newest first."),
    problems=(*CALL_PROBLEMS, "ledger-unavailable"),
    needs=ADMINISTERING,
)
def list_dead_letters() -> Response:
    """List the reports that could not be decided.

    A human must look at each report now. The list has no answers.
    """
    refuse_query(request)
    parts = get_parts()
    letters = [_letter(letter) for letter in parts.store.dead_letters.get_fields(SHOWN)]
    return json_response({"total": parts.store.health.get_backlog(parts.now_ms()).dead, "dead_letters": letters})


@call(
    blueprint,
    "GET",
    "/audit",
    DocumentedResponse(200, AuditOut, f"The newest {SHOWN:,} entries, the newest first."),
    problems=(*CALL_PROBLEMS, "ledger-unavailable"),
    needs=ADMINISTERING,
)
def show_audit() -> Response:
    """Show the audit log.

    The log lists who proposed, deployed, rolled back, withdrew, erased, re-encrypted, and made or revoked keys. It also
    lists who acknowledged a report, withdrew an acknowledgement, or requeued a report or a group's dead letters. Each
    call verifies the whole log. Store `head` elsewhere: `triage audit verify --head` then also detects a truncated log.
    """
    refuse_query(request)
    records = list(get_parts().store.audit.read_entries())
    verdict = audit.verify(records)
    log = {
        "total": len(records),
        "head": verdict.head.hash,
        "faults": list(islice(verdict.faults, SHOWN)),
        "entries": [_entry(record) for record in islice(reversed(records), SHOWN)],
    }
    return json_response(log)


def _letter(letter: dict[str, str]) -> dict[str, Any]:
    report, attempts = letter.get("report", ""), letter.get("attempts", "")
    counted = int(attempts) if attempts.isdecimal() else 0
    return {**letter, "attempts": counted, "links": {"self": f"/v1/reports/{report}"}}


def _entry(record: audit.Record) -> dict[str, Any]:
    """Return the entry with its details as JSON, and invalid bytes as escapes."""
    entry: dict[str, Any] = {
        name: text.encode("utf-8", "backslashreplace").decode("utf-8") for name, text in record.items()
    }
    try:
        return {**entry, "details": json.loads(entry.get("details", ""))}
    except ValueError:
        return entry
