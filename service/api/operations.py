"""The calls about the service itself: is it alive, is it ready, how is it, what does it count."""

from __future__ import annotations

from dataclasses import asdict

from flask import Response, request
from flask_smorest import Blueprint
from prometheus_client import CONTENT_TYPE_LATEST

from service.api.openapi import CALL_PROBLEMS, DocumentedResponse, call
from service.api.rulesets import summaries
from service.api.schemas import AliveOut, NotReadyOut, ReadyOut
from service.api.status_schemas import StatusOut
from service.http import problems
from service.http.api_keys import may_see_details
from service.http.decoder import BATCH_LINES_MAX, refuse_query
from service.http.parts import Parts, parts
from service.http.problem_types import PROBLEMS
from service.http.problems import CONTENT_TYPE
from service.http.responses import json_answer
from triage_rules.foundation.errors import DecryptionError, ReportFault, StoreUnavailable, TriageError
from triage_rules.foundation.version import version
from triage_rules.records.api_keys import Scope
from triage_rules.records.reports import Lane

LOOKING = frozenset({Scope.READ})

blueprint = Blueprint("operations", __name__, description="For those who run the service.")


@call(blueprint, "GET", "/livez", DocumentedResponse(200, AliveOut, "It answers."))
def livez() -> Response:
    """Say whether the process answers."""
    return json_answer({"status": "ok"})


@call(
    blueprint,
    "GET",
    "/readyz",
    DocumentedResponse(200, ReadyOut, "It is."),
    DocumentedResponse(503, NotReadyOut, "`not-ready`: `errors` says what is missing.", CONTENT_TYPE),
)
def readyz() -> Response:
    """Say whether all is there that it takes.

    The store can be reached and written to, urgent reports don't wait too long, a ruleset is live and can be opened,
    a worker was heard from lately and gets on with its work. Strangers are told which of these fails, and callers with
    a key also why.
    """
    missing = _missing(parts())
    if missing and not may_see_details():
        missing = dict.fromkeys(missing, "failed; whoever sends an API key is told why")
    checks = {name: {"ok": name not in missing, "detail": missing.get(name, "ok")} for name in CHECKS}
    if not missing:
        return json_answer({"status": "ready", "checks": checks})
    faults = tuple(ReportFault(f"/checks/{name}", "missing", detail) for name, detail in missing.items())
    return problems.respond(PROBLEMS["not-ready"], faults, checks=checks)


@call(
    blueprint,
    "GET",
    "/v1/status",
    DocumentedResponse(200, StatusOut, "What is live, what waits, who works."),
    problems=(*CALL_PROBLEMS, "ruleset-broken", "ledger-unavailable"),
    needs=LOOKING,
)
def status() -> Response:
    """Say how the service is.

    What is live and who approved it, what waits, how far consumer groups are, who works, and what is refused beyond
    which limit.
    """
    refuse_query(request)
    own = parts()
    now = own.now_ms()
    backlog, groups = own.store.health.get_backlog(now), own.store.consumer_groups.get_all()
    return json_answer(
        {
            "version": version(),
            "rulesets": summaries(own),
            "refused": own.live.refused(),
            "backlog": {
                "pending": backlog.pending,
                "oldest_seconds": backlog.oldest_ms / 1000,
                "oldest_urgent_seconds": backlog.oldest_urgent_ms / 1000,
                "dead": backlog.dead,
                "results": backlog.results,
            },
            "groups": [asdict(group) for group in groups.shown],
            "groups_left_out": groups.left_out,
            "settled": own.store.health.get_counts(),
            "workers": own.store.health.get_workers(now, own.settings.worker_within_ms),
            "workers_stalled": own.store.health.get_stalled_workers(now, own.settings.worker_within_ms),
            "lanes": [lane.value for lane in Lane],
            "limits": {
                "report_bytes": own.settings.max_report_bytes,
                "batch_bytes": own.settings.max_batch_bytes,
                "batch_lines": BATCH_LINES_MAX,
                "wait_seconds": own.settings.wait_max_seconds,
                "queue_age_seconds": own.settings.max_queue_age_seconds,
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
    """What Prometheus scrapes."""
    return Response(parts().metrics.text(), content_type=CONTENT_TYPE_LATEST)


CHECKS = ("redis", "encryption", "writes", "queue", "rulesets", "workers")


def _missing(own: Parts) -> dict[str, str]:
    """What is not there, by the name of its check."""
    missing: dict[str, str] = {}
    try:
        own.store.health.ping()
        missing |= _other_encryption(own) | _no_writes(own) | _old_queue(own) | _no_ruleset(own) | _no_workers(own)
    except StoreUnavailable:
        return dict.fromkeys(CHECKS, "can't be told: Redis can't be reached") | {"redis": "Redis can't be reached"}
    return missing


def _other_encryption(own: Parts) -> dict[str, str]:
    try:
        own.store.health.check_encryption()
    except DecryptionError as error:
        return {"encryption": f"{error}; nothing is accepted"}
    return {}


def _no_writes(own: Parts) -> dict[str, str]:
    try:
        own.store.health.check_writes()
    except StoreUnavailable:
        return {"writes": "Redis refuses to write, as when its memory is full; nothing is accepted"}
    return {}


def _old_queue(own: Parts) -> dict[str, str]:
    """By the same limit as accepting. While urgent reports are still accepted, they must still be sent here."""
    limit = own.settings.max_queue_age_seconds
    if own.store.health.get_backlog(own.now_ms()).oldest_urgent_ms <= limit * 1000:
        return {}
    return {"queue": f"the oldest urgent report waits longer than {limit} seconds; nothing is accepted"}


def _no_workers(own: Parts) -> dict[str, str]:
    now, within_ms = own.now_ms(), own.settings.worker_within_ms
    if own.store.health.get_workers(now, within_ms):
        return {}
    if stalled := own.store.health.get_stalled_workers(now, within_ms):
        return {"workers": f"no worker gets anything done ({len(stalled)} stalled), although work waits"}
    return {"workers": f"no worker was heard from in the last {within_ms // 1000} seconds"}


def _no_ruleset(own: Parts) -> dict[str, str]:
    names = own.live.names()
    if not names:
        return {"rulesets": "no ruleset is live; deploy one with `triage deploy FOLDER`"}
    for name in names:
        try:
            own.live.get(name)
        except StoreUnavailable:
            raise
        except TriageError as error:
            return {"rulesets": f"the live ruleset {name} can't be opened ({type(error).__name__})"}
    for name in own.live.refused():
        return {"rulesets": f"the live ruleset {name} can't be opened; nothing is accepted for it"}
    return {}
