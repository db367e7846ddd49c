"""Errors as problem+json (RFC 9457), with the table from error classes to problem types."""

from __future__ import annotations

import logging
import secrets
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, g
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from service.http.problem_types import PROBLEMS, Problem
from service.http.responses import json_response
from triage_rules.foundation import errors
from triage_rules.foundation.errors import ReportFault, TriageError
from triage_rules.foundation.place import Place

CONTENT_TYPE = "application/problem+json"
ERRORS_MAX = 100
"""Maximum number of faults in a response. Further faults are only counted: hostile bodies would get huge responses."""

POINTER_MAX = 200
"""Maximum length of a pointer. A longer pointer has a person's text as a field name; its parent is named instead."""

RETRY_OLD_QUEUE_MIN_S = 10
RETRY_OLD_QUEUE_MAX_S = 300

log = logging.getLogger(__name__)


OF_ERROR: dict[type[TriageError], str] = {
    TriageError: "internal",
    errors.RulesetError: "internal",
    errors.CasesFailed: "internal",
    errors.PersonasFailed: "internal",
    errors.VignettesFailed: "internal",
    errors.PropertiesFailed: "internal",
    errors.RulesetNotFound: "ruleset-not-found",
    errors.NoRulesetLive: "no-ruleset-live",
    errors.NoEarlierDeployment: "no-earlier-deployment",
    errors.EngineLimitError: "ruleset-broken",
    errors.BundleError: "ruleset-broken",
    errors.ReportError: "report-refused",
    errors.EngineError: "evaluation-failed",
    errors.EngineUnavailable: "internal",
    errors.StoreUnavailable: "ledger-unavailable",
    errors.CredentialsRefused: "ledger-unavailable",
    errors.QueueTooOld: "queue-too-old",
    errors.IdempotencyMismatch: "idempotency-key-reused",
    errors.StaleRuleset: "ruleset-changing",
    errors.ReportNotFound: "report-not-found",
    errors.PositionNotFound: "not-found",
    errors.ReportNotSettled: "not-settled",
    errors.RequeueRefused: "not-redrivable",
    errors.DecryptionError: "store-sealed",
    errors.SubjectOfSeveral: "subject-of-several",
    errors.KeyNotFound: "internal",
    errors.GroupNotFound: "internal",
    errors.AuditError: "internal",
    errors.ProposalNotFound: "not-found",
    errors.WorkbenchBusy: "deployment-running",
    errors.WorkbenchFailed: "evaluation-failed",
    errors.ProposalRefused: "deployment-refused",
    errors.LinkError: "link-refused",
    errors.EventError: "internal",
    errors.SettingsError: "internal",
}
"""The problem type of each error class of the core; a test fails if a class is missing."""

_OF_STATUS = {
    400: "bad-request",
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
    415: "unsupported-media-type",
    500: "internal",
}


@dataclass(frozen=True, slots=True)
class PlacedFault(ReportFault):
    """A fault of a posted file, with its place."""

    place: Place


class Refused(Exception):
    """A request that breaks the rules of the HTTP API itself, before the core is involved."""

    def __init__(
        self,
        code: str,
        *faults: ReportFault,
        left_out: int = 0,
        detail: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.problem = PROBLEMS[code]
        self.faults = faults
        self.left_out = left_out
        self.detail = detail
        self.headers = headers or {}
        super().__init__(code)


def body(
    problem: Problem, faults: tuple[ReportFault, ...] = (), detail: str | None = None, left_out: int = 0
) -> dict[str, Any]:
    """Return the JSON object of `problem`. `left_out`: the number of faults beyond `faults`."""
    members: dict[str, Any] = {
        "type": problem.type,
        "title": problem.title,
        "status": problem.status,
        "detail": detail or problem.says,
    }
    if faults:
        members["errors"] = [
            {"pointer": _pointer(fault.pointer), "code": fault.code, "detail": fault.detail, **_place(fault)}
            for fault in faults[:ERRORS_MAX]
        ]
    left_out += max(0, len(faults) - ERRORS_MAX)
    if left_out:
        members["errors_left_out"] = left_out
    return members


def problem_of(error: TriageError) -> tuple[Problem, tuple[ReportFault, ...], int]:
    """Return the problem type of `error`, its faults, and the number of further faults."""
    problem = PROBLEMS[OF_ERROR[type(error)]]
    return (problem, error.faults, error.left_out) if isinstance(error, errors.ReportError) else (problem, (), 0)


def respond(
    problem: Problem,
    faults: tuple[ReportFault, ...] = (),
    detail: str | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    left_out: int = 0,
    **more: Any,
) -> Response:
    """Make the HTTP response. `headers`: additional ones; `left_out`: as in `body`; `more`: further JSON members."""
    g.problem = problem.code
    response = json_response({**body(problem, faults, detail, left_out), **more}, problem.status, CONTENT_TYPE)
    if problem.retry_after is not None:
        response.headers["Retry-After"] = str(problem.retry_after)
    response.headers.update(headers or {})
    return response


def register(app: Flask) -> None:
    """Turn every error that leaves a view into a problem."""
    app.register_error_handler(TriageError, _handle_core_error)
    app.register_error_handler(Refused, _handle_refusal)
    app.register_error_handler(HTTPException, _handle_http_error)
    app.register_error_handler(Exception, _handle_unknown_error)


def _retry_after_s(error: errors.QueueTooOld) -> int:
    """Return the seconds to wait: the longer the queue is over its limit, the longer it takes to recover."""
    return min(max(error.over_ms // 1000, RETRY_OLD_QUEUE_MIN_S), RETRY_OLD_QUEUE_MAX_S)


def _handle_core_error(error: TriageError) -> Response:
    problem, faults, left_out = problem_of(error)
    if isinstance(error, errors.QueueTooOld):
        return respond(problem, headers={"Retry-After": str(_retry_after_s(error))})
    if problem.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return _respond_with_incident(problem, error)
    return respond(problem, faults, left_out=left_out)


def _handle_refusal(error: Refused) -> Response:
    return respond(error.problem, error.faults, error.detail, error.headers, left_out=error.left_out)


def _handle_http_error(error: HTTPException) -> ResponseReturnValue:
    """Turn Flask's and Werkzeug's errors into problems, without their texts, some of which repeat the request."""
    status = error.code or 500
    if status < HTTPStatus.BAD_REQUEST:
        return error
    if status in _OF_STATUS:
        response = respond(PROBLEMS[_OF_STATUS[status]])
    else:
        members = {"type": "about:blank", "title": error.name, "status": status}
        response = json_response(members, status, CONTENT_TYPE)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response


def _handle_unknown_error(error: Exception) -> Response:
    return _respond_with_incident(PROBLEMS["internal"], error)


def _respond_with_incident(problem: Problem, error: Exception) -> Response:
    """Respond to an internal error with a number, and log its places; its text is dropped, as it may hold an answer."""
    incident = secrets.token_hex(8)
    places = " < ".join(f"{f.filename}:{f.lineno}" for f in reversed(traceback.extract_tb(error.__traceback__)))
    log.error("incident %s: %s at %s", incident, type(error).__name__, places)
    return respond(problem, incident=incident)


def _place(fault: ReportFault) -> dict[str, Any]:
    if not isinstance(fault, PlacedFault):
        return {}
    return {"file": fault.place.file, "line": fault.place.line, "column": fault.place.column}


def _pointer(pointer: str) -> str:
    while len(pointer) > POINTER_MAX:
        pointer = pointer.rpartition("/")[0]
    return pointer
