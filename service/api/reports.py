"""The calls about reports: post one or many, get a report, evaluate without posting."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from flask import Response, request
from flask_smorest import Blueprint
from werkzeug.exceptions import MethodNotAllowed

from service.api.openapi import (
    BATCH_BODY,
    BATCH_KEY_PARAMETER,
    BODY_PROBLEMS,
    CALL_PROBLEMS,
    INTAKE_PROBLEMS,
    INTERVIEW_PARAMETER,
    KEY_PARAMETER,
    KEY_PROBLEMS,
    NOT_CHANGED,
    REPORT_BODY,
    RULESET_PROBLEMS,
    TYPE_PROBLEMS,
    WAIT_PARAMETER,
    DocumentedResponse,
    call,
)
from service.api.schemas import AcceptedOut, OutcomeOut, ReportOut
from service.http import problems
from service.http.api_keys import get_caller
from service.http.decoder import (
    NDJSON,
    BatchLine,
    read_interview,
    read_json,
    read_key,
    read_lines,
    read_wait,
    refuse_query,
)
from service.http.parts import get_parts
from service.http.problem_types import PROBLEMS
from service.http.responses import add_etag, json_response
from service.use.intake import IntakeOutcome, Request
from triage_rules.foundation import strict_json
from triage_rules.foundation.errors import DecryptionError, ReportNotFound, StoreUnavailable
from triage_rules.foundation.timestamps import timestamp
from triage_rules.records.api_keys import Scope
from triage_rules.records.reports import Accepted, ReportStatus, StoredReport

blueprint = Blueprint("reports", __name__, url_prefix="/v1", description="Post reports and get their results.")

POSTING = frozenset({Scope.REPORT})

ID = re.compile(r"[0-9a-f]{32}")
_BATCH = "batch"
"""A path of its own that takes only POST, and is not the id of a report."""


@call(
    blueprint,
    "POST",
    "/reports",
    DocumentedResponse(202, AcceptedOut, "Accepted: the report will be decided, even if processes crash."),
    DocumentedResponse(200, ReportOut, "With `Prefer: wait`: accepted and decided in time."),
    problems=(*BODY_PROBLEMS, *KEY_PROBLEMS, *INTAKE_PROBLEMS, "report-refused"),
    needs=POSTING,
    requestBody=REPORT_BODY,
    parameters=[WAIT_PARAMETER, KEY_PARAMETER],
)
def post_report() -> Response:
    """Post a report.

    The report is checked and stored; a worker decides it. Get the result at `Location`, or wait with `Prefer: wait=5`.
    """
    refuse_query(request)
    parts = get_parts()
    key = read_key(request)
    wait = read_wait(request, parts.settings.wait_max_seconds)
    raw = read_json(request, parts.settings.max_report_bytes)
    accepted = parts.intake.accept(Request(raw, key, get_caller().client))
    report = _look(accepted, wait)
    settled = report is not None and report.status is not ReportStatus.QUEUED
    if report is not None and settled and wait is not None:
        response = json_response(_report(report))
    else:
        response = json_response(_accepted(accepted, report), 202)
    response.headers["Location"] = report_path(accepted.id)
    if report is not None and wait is not None:
        response.headers["Preference-Applied"] = f"wait={wait}"
    return response


@call(
    blueprint,
    "POST",
    "/reports/batch",
    DocumentedResponse(202, OutcomeOut, "NDJSON: a line for each report, in order.", NDJSON[0]),
    problems=(*CALL_PROBLEMS, *TYPE_PROBLEMS, KEY_PROBLEMS[0], *INTAKE_PROBLEMS, "batch-refused"),
    needs=POSTING,
    requestBody=BATCH_BODY,
    parameters=[BATCH_KEY_PARAMETER],
)
def post_batch() -> Response:
    """Post many reports, one a line.

    Lines are independent: lines without faults are accepted, other lines are rejected with their faults.
    """
    refuse_query(request)
    parts = get_parts()
    key = read_key(request)
    lines = read_lines(request, parts.settings.max_batch_bytes, parts.settings.max_report_bytes)
    parts.limits.charge(len(lines) - 1)
    readable = [line for line in lines if not line.faults]
    client = get_caller().client
    # Callers' keys have no blanks, so a line's key can't collide with one.
    requests = [Request(line.raw, None if key is None else f"{key} {line.number}", client) for line in readable]
    outcomes = dict(zip((line.number for line in readable), parts.intake.accept_many(requests), strict=True))
    replies = [_outcome(line, outcomes.get(line.number)) for line in lines]
    _refuse_if_away(replies)
    for reply in replies:
        if "problem" in reply:
            parts.metrics.refused(reply.pop("problem"))
    text = "".join(strict_json.dumps(reply) + "\n" for reply in replies)
    return Response(text, 202, content_type=NDJSON[0])


@call(
    blueprint,
    "GET",
    "/reports/<report_id>",
    DocumentedResponse(200, ReportOut, "The report and, if it is settled, its result."),
    NOT_CHANGED,
    problems=(*CALL_PROBLEMS, "report-not-found", "method-not-allowed", "ledger-unavailable", "store-sealed"),
    needs=frozenset({Scope.REPORT, Scope.READ}),
    parameters=[INTERVIEW_PARAMETER],
)
def get_report(report_id: str) -> Response:
    """Get a report.

    With the scope `report` a client gets its own reports, with `read` all reports; other reports are not found.
    `status` is queued, done or dead. A done or dead report is final and has a `result`. Send the ETag as
    `If-None-Match`. While the report is queued, `Retry-After` has the seconds until you should ask again.
    With `?interview=1` the result has `interview.next`, the screen to show now, by the version that decided.
    """
    is_interview = read_interview(request)
    if report_id == _BATCH:
        raise MethodNotAllowed(valid_methods=["OPTIONS", "POST"])
    if not ID.fullmatch(report_id):
        raise ReportNotFound
    report = get_parts().store.reports.get(report_id)
    if Scope.READ not in get_caller().scopes and report.client != get_caller().client:
        raise ReportNotFound
    if is_interview and report.result is not None and report.status is ReportStatus.DONE:
        get_parts().intake.add_next_screen(report.result, report.digest)
    response = json_response(_report(report))
    if report.status is ReportStatus.QUEUED:
        response.headers["Retry-After"] = "1"
    return add_etag(response, cacheable=False)


@call(
    blueprint,
    "POST",
    "/evaluate",
    DocumentedResponse(200, {"$ref": "#/components/schemas/Result"}, "The result that the report would get now."),
    problems=(*BODY_PROBLEMS, *RULESET_PROBLEMS, "report-refused", "evaluation-failed"),
    needs=POSTING,
    requestBody=REPORT_BODY,
)
def evaluate() -> Response:
    """Evaluate a report without posting it.

    Takes the same body as posting a report. Nothing is stored, counted or published; the subject's earlier
    reports are read.
    """
    refuse_query(request)
    parts = get_parts()
    raw = read_json(request, parts.settings.max_report_bytes)
    return json_response(parts.intake.evaluate(raw, get_caller().client))


def _look(accepted: Accepted, wait: int | None) -> StoredReport | None:
    """Return the report after at most `wait` seconds; None if it is new and the caller doesn't wait, or unknown.

    Nothing may fail here: the report is accepted, and the caller must learn its id.
    """
    if wait is None and accepted.created:
        return None
    return wait_for_report(accepted.id, wait)


def wait_for_report(report_id: str, wait: int | None) -> StoredReport | None:
    """Return the report after at most `wait` seconds; None if it is unknown, or too many requests wait already."""
    parts = get_parts()
    try:
        if wait is None:
            return parts.store.reports.get(report_id)
        if not parts.waiters.acquire(blocking=False):
            return None
        try:
            return parts.store.reports.wait(report_id, wait)
        finally:
            parts.waiters.release()
    except (StoreUnavailable, ReportNotFound, DecryptionError):
        return None


def _accepted(accepted: Accepted, report: StoredReport | None) -> dict[str, Any]:
    status = ReportStatus.QUEUED if report is None else report.status
    return {"id": accepted.id, "status": status.value, "links": {"self": report_path(accepted.id)}}


def _report(report: StoredReport) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": report.id,
        "status": report.status.value,
        "ruleset": report.ruleset,
        "digest": report.digest,
        "received_at": timestamp(report.received_ms),
        "links": {"self": report_path(report.id), "ruleset": f"/v1/rulesets/{report.ruleset}"},
    }
    body["amends"], body["amended_by"] = report.amends, list(report.amended_by)
    if report.result is not None:
        body["result"] = report.result
    if report.acknowledged is not None:
        body["acknowledged_by"] = report.acknowledged.by
        body["acknowledged_at"] = timestamp(report.acknowledged.at_ms)
    return body


def _outcome(line: BatchLine, outcome: IntakeOutcome | None) -> dict[str, Any]:
    """Return a line of the response; `problem` is for the metrics, and removed later."""
    match outcome:
        case Accepted():
            return {"line": line.number, "status": 202, "id": outcome.id, "links": {"self": report_path(outcome.id)}}
        case None:
            problem, faults, left_out = PROBLEMS["unreadable"], line.faults, line.left_out
        case _:
            problem, faults, left_out = problems.problem_of(outcome)
    return {"line": line.number, **problems.body(problem, faults, left_out=left_out), "problem": problem.code}


def _refuse_if_away(replies: Sequence[Mapping[str, Any]]) -> None:
    """Raise Refused if the service accepted nothing because it is unavailable: the caller must resend the batch."""
    away = [reply["problem"] for reply in replies if reply["status"] == HTTPStatus.SERVICE_UNAVAILABLE]
    if away and not any(reply["status"] == HTTPStatus.ACCEPTED for reply in replies):
        raise problems.Refused(away[0])


def report_path(report_id: str) -> str:
    return f"/v1/reports/{report_id}"
