"""The calls about settled reports: acknowledge a report, requeue a dead letter."""

from __future__ import annotations

from flask import Response, request
from flask_smorest import Blueprint

from service.api.openapi import CALL_PROBLEMS, DocumentedResponse, call
from service.api.reports import ID, report_path
from service.api.schemas import AcceptedOut, AcknowledgementOut
from service.http.actor import get_actor
from service.http.decoder import refuse_query
from service.http.parts import Parts, get_parts
from service.http.responses import json_response
from triage_rules.foundation.errors import ReportNotFound
from triage_rules.foundation.timestamps import timestamp
from triage_rules.records.api_keys import Scope
from triage_rules.records.board import Acknowledged
from triage_rules.records.reports import ReportStatus

blueprint = Blueprint(
    "following_up", __name__, url_prefix="/v1", description="Acknowledge results and requeue dead letters."
)

_PROBLEMS = (*CALL_PROBLEMS, "report-not-found", "ledger-unavailable")


@call(
    blueprint,
    "POST",
    "/reports/<report_id>/acknowledgement",
    DocumentedResponse(200, AcknowledgementOut, "The acknowledgement as it is now."),
    problems=(*_PROBLEMS, "not-settled"),
    needs=frozenset({Scope.READ}),
)
def acknowledge(report_id: str) -> Response:
    """Acknowledge a report.

    Records that the client of this key takes care of the report, also in the audit log. An earlier acknowledgement by
    another client stays.
    """
    parts = _check_request(report_id)
    return _acknowledgement(report_id, parts.store.board.acknowledge(report_id, parts.now_ms(), by=get_actor()))


@call(
    blueprint,
    "DELETE",
    "/reports/<report_id>/acknowledgement",
    DocumentedResponse(200, AcknowledgementOut, "The report is not acknowledged."),
    problems=(*_PROBLEMS, "not-settled"),
    needs=frozenset({Scope.READ}),
)
def unacknowledge(report_id: str) -> Response:
    """Undo the acknowledgement of a report.

    Works for any client's acknowledgement. The audit log records it.
    """
    parts = _check_request(report_id)
    parts.store.board.unacknowledge(report_id, parts.now_ms(), by=get_actor())
    return _acknowledgement(report_id, None)


@call(
    blueprint,
    "POST",
    "/dead-letters/<report_id>/redrive",
    DocumentedResponse(202, AcceptedOut, "Requeued: the report will be decided, or become a dead letter again."),
    problems=(*_PROBLEMS, "not-redrivable"),
    needs=frozenset({Scope.ADMIN}),
)
def redrive(report_id: str) -> Response:
    """Requeue a dead letter.

    The report gets all its attempts again, with the ruleset that was live when it was accepted. It ends in one more
    event.
    """
    parts = _check_request(report_id)
    parts.store.dead_letters.requeue(report_id, parts.now_ms(), by=get_actor())
    body = {"id": report_id, "status": ReportStatus.QUEUED.value, "links": {"self": report_path(report_id)}}
    return json_response(body, 202)


def _check_request(report_id: str) -> Parts:
    """Check the request and return the parts.

    Raises:
        Refused: If there is a query.
        ReportNotFound: If the id is malformed.

    """
    refuse_query(request)
    if not ID.fullmatch(report_id):
        raise ReportNotFound
    return get_parts()


def _acknowledgement(report_id: str, acknowledged: Acknowledged | None) -> Response:
    return json_response(
        {
            "id": report_id,
            "acknowledged_by": acknowledged.by if acknowledged is not None else None,
            "acknowledged_at": timestamp(acknowledged.at_ms) if acknowledged is not None else None,
            "links": {"self": report_path(report_id)},
        }
    )
