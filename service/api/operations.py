"""The calls about the service itself: liveness, readiness, status, metrics."""

from __future__ import annotations

from dataclasses import asdict

from flask import Response, request
from flask_smorest import Blueprint
from prometheus_client import CONTENT_TYPE_LATEST

from service.api.openapi import CALL_PROBLEMS, DocumentedResponse, call
from service.api.rulesets import summarize_live
from service.api.schemas import AliveOut, NotReadyOut, ReadyOut
from service.api.status_schemas import StatusOut
from service.http import problems
from service.http.api_keys import may_see_details
from service.http.decoder import BATCH_LINES_MAX, refuse_query
from service.http.parts import Parts, get_parts
from service.http.problem_types import PROBLEMS
from service.http.problems import CONTENT_TYPE
from service.http.responses import json_response
from triage_rules.foundation.errors import DecryptionError, ReportFault, StoreUnavailable, TriageError
from triage_rules.foundation.version import version
from triage_rules.records.api_keys import Scope
from triage_rules.records.reports import Lane

LOOKING = frozenset({Scope.READ})

blueprint = Blueprint("operations", __name__, description="Operate the service: health, status and metrics.")


@call(blueprint, "GET", "/livez", DocumentedResponse(200, AliveOut, "The process answers."))
def livez() -> Response:
    """Check that the process answers."""
    return json_response({"status": "ok"})


@call(
    blueprint,
    "GET",
    "/readyz",
    DocumentedResponse(200, ReadyOut, "The service is ready."),
    DocumentedResponse(503, NotReadyOut, "`not-ready`: `errors` lists the failed checks.", CONTENT_TYPE),
)
def readyz() -> Response:
    """Check that the service is ready.

    The store can be reached and written to, urgent reports don't wait too long, a ruleset is live and can be opened,
    and a worker sent a heartbeat lately and makes progress. Callers without a key see which check fails; callers with
    a key also see why.
    """
    missing = _missing(get_parts())
    if missing and not may_see_details():
        missing = dict.fromkeys(missing, "failed; send an API key to see why")
    checks = {name: {"ok": name not in missing, "detail": missing.get(name, "ok")} for name in CHECKS}
    if not missing:
        return json_response({"status": "ready", "checks": checks})
    faults = tuple(ReportFault(f"/checks/{name}", "missing", detail) for name, detail in missing.items())
    return problems.respond(PROBLEMS["not-ready"], faults, checks=checks)


@call(
    blueprint,
    "GET",
    "/v1/status",
    DocumentedResponse(200, StatusOut, "Live rulesets, queue and workers."),
    problems=(*CALL_PROBLEMS, "ruleset-broken", "ledger-unavailable"),
    needs=LOOKING,
)
def status() -> Response:
    """Get the status of the service.

    Lists the live rulesets and who approved them, the queue, the consumer groups, the workers and the limits.
    """
    refuse_query(request)
    parts = get_parts()
    now = parts.now_ms()
    backlog, groups = parts.store.health.get_backlog(now), parts.store.consumer_groups.get_all()
    return json_response(
        {
            "version": version(),
            "rulesets": summarize_live(parts),
            "refused": parts.live.refused(),
            "backlog": {
                "pending": backlog.pending,
                "oldest_seconds": backlog.oldest_ms / 1000,
                "oldest_urgent_seconds": backlog.oldest_urgent_ms / 1000,
                "dead": backlog.dead,
                "results": backlog.results,
            },
            "groups": [asdict(group) for group in groups.shown],
            "groups_left_out": groups.left_out,
            "settled": parts.store.health.get_counts(),
            "workers": parts.store.health.get_workers(now, parts.settings.worker_within_ms),
            "workers_stalled": parts.store.health.get_stalled_workers(now, parts.settings.worker_within_ms),
            "lanes": [lane.value for lane in Lane],
            "limits": {
                "report_bytes": parts.settings.max_report_bytes,
                "batch_bytes": parts.settings.max_batch_bytes,
                "batch_lines": BATCH_LINES_MAX,
                "wait_seconds": parts.settings.wait_max_seconds,
                "queue_age_seconds": parts.settings.max_queue_age_seconds,
            },
        }
    )


@call(
    blueprint,
    "GET",
    "/metrics",
    DocumentedResponse(200, {"type": "string"}, "The Prometheus text format.", "text/plain"),
    needs=LOOKING,
)
def metrics() -> Response:
    """Get the metrics for Prometheus."""
    return Response(get_parts().metrics.text(), content_type=CONTENT_TYPE_LATEST)


CHECKS = ("redis", "encryption", "writes", "queue", "rulesets", "workers")


def _missing(parts: Parts) -> dict[str, str]:
    """Return the failed checks with their reasons."""
    missing: dict[str, str] = {}
    try:
        parts.store.health.ping()
        for check in (_other_encryption, _no_writes, _old_queue, _no_ruleset, _no_workers):
            missing |= check(parts)
    except StoreUnavailable:
        return dict.fromkeys(CHECKS, "unknown: Redis can't be reached") | {"redis": "Redis can't be reached"}
    return missing


def _other_encryption(parts: Parts) -> dict[str, str]:
    try:
        parts.store.health.check_encryption()
    except DecryptionError as error:
        return {"encryption": f"{error}; no reports are accepted"}
    return {}


def _no_writes(parts: Parts) -> dict[str, str]:
    try:
        parts.store.health.check_writes()
    except StoreUnavailable:
        return {"writes": "Redis refuses to write, for example because its memory is full; no reports are accepted"}
    return {}


def _old_queue(parts: Parts) -> dict[str, str]:
    """Check the age of the queue against the limit of intake: the service is ready while it accepts urgent reports."""
    limit = parts.settings.max_queue_age_seconds
    if parts.store.health.get_backlog(parts.now_ms()).oldest_urgent_ms <= limit * 1000:
        return {}
    return {"queue": f"the oldest urgent report has waited longer than {limit} seconds; no reports are accepted"}


def _no_workers(parts: Parts) -> dict[str, str]:
    now, within_ms = parts.now_ms(), parts.settings.worker_within_ms
    if parts.store.health.get_workers(now, within_ms):
        return {}
    if stalled := parts.store.health.get_stalled_workers(now, within_ms):
        return {"workers": f"no worker makes progress ({len(stalled)} stalled), although work waits"}
    return {"workers": f"no worker sent a heartbeat in the last {within_ms // 1000} seconds"}


def _no_ruleset(parts: Parts) -> dict[str, str]:
    names = parts.live.names()
    if not names:
        return {"rulesets": "no ruleset is live; deploy one with `triage deploy FOLDER`"}
    for name in names:
        try:
            parts.live.get(name)
        except StoreUnavailable:
            raise
        except TriageError as error:
            return {"rulesets": f"the live ruleset {name} can't be opened ({type(error).__name__})"}
    for name in parts.live.refused():
        return {"rulesets": f"the live ruleset {name} can't be opened; no reports are accepted for it"}
    return {}
