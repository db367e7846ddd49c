"""The calls about settled reports: who takes care of one, and a dead letter that is to be tried anew."""

from __future__ import annotations

from flask import Response, request
from flask_smorest import Blueprint

from service.api.openapi import CALL_PROBLEMS, DocumentedResponse, call
from service.api.reports import ID, path_of
from service.api.schemas import AcceptedOut, AcknowledgementOut
from service.http.actor import actor
from service.http.decoder import refuse_query
from service.http.parts import Parts, parts
from service.http.responses import json_answer
from triage_rules.foundation.errors import ReportNotFound
from triage_rules.foundation.timestamps import timestamp
from triage_rules.records.api_keys import Scope
from triage_rules.records.board import Acknowledged
from triage_rules.records.reports import ReportStatus

blueprint = Blueprint("following_up", __name__, url_prefix="/v1", description="What people do about results.")

_PROBLEMS = (*CALL_PROBLEMS, "report-not-found", "ledger-unavailable")


@call(
    blueprint,
    "POST",
    "/reports/<report_id>/acknowledgement",
    DocumentedResponse(200, AcknowledgementOut, "Who takes care of it now."),
    problems=(*_PROBLEMS, "not-settled"),
    needs=frozenset({Scope.READ}),
)
def acknowledge(report_id: str) -> Response:
    """Say that you take care of a report.

    It is noted for the client whose key this is, and written down. If somebody did before, it stays theirs.
    """
    own = _asked(report_id)
    return _told(report_id, own.store.board.acknowledge(report_id, own.now_ms(), by=actor()))


@call(
    blueprint,
    "DELETE",
    "/reports/<report_id>/acknowledgement",
    DocumentedResponse(200, AcknowledgementOut, "Nobody takes care of it now."),
    problems=(*_PROBLEMS, "not-settled"),
    needs=frozenset({Scope.READ}),
)
def unacknowledge(report_id: str) -> Response:
    """Take it back that somebody takes care of a report.

    Whoever said so. It is written down.
    """
    own = _asked(report_id)
    own.store.board.unacknowledge(report_id, own.now_ms(), by=actor())
    return _told(report_id, None)


@call(
    blueprint,
    "POST",
    "/dead-letters/<report_id>/redrive",
    DocumentedResponse(202, AcceptedOut, "It waits again, and will be decided, or be a dead letter once more."),
    problems=(*_PROBLEMS, "not-redrivable"),
    needs=frozenset({Scope.ADMIN}),
)
def redrive(report_id: str) -> Response:
    """Have a report that could not be decided tried anew.

    With all its attempts, by the ruleset that was live when it was accepted. It ends in one more event.
    """
    own = _asked(report_id)
    own.store.dead_letters.requeue(report_id, own.now_ms(), by=actor())
    told = {"id": report_id, "status": ReportStatus.QUEUED.value, "links": {"self": path_of(report_id)}}
    return json_answer(told, 202)


def _asked(report_id: str) -> Parts:
    """The parts, if the request is well formed. Raises Refused, ReportNotFound."""
    refuse_query(request)
    if not ID.fullmatch(report_id):
        raise ReportNotFound
    return parts()


def _told(report_id: str, found: Acknowledged | None) -> Response:
    return json_answer(
        {
            "id": report_id,
            "acknowledged_by": found.by if found is not None else None,
            "acknowledged_at": timestamp(found.at_ms) if found is not None else None,
            "links": {"self": path_of(report_id)},
        }
    )
