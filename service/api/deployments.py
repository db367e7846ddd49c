"""The calls that change the live version of a ruleset: deploy, roll back."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from flask import Response, request
from flask_smorest import Blueprint

from service.api.openapi import BODY_PROBLEMS, CALL_PROBLEMS, DocumentedResponse, call
from service.api.rulesets import describe_approver
from service.api.schemas import DeployedOut, DeploymentIn
from service.http.actor import get_actor
from service.http.decoder import read_json, refuse_query
from service.http.parts import get_parts
from service.http.problems import PlacedFault, Refused
from service.http.responses import json_response
from triage_rules.deployment import deploy
from triage_rules.foundation.errors import ReportFault, RulesetError, WorkbenchBusy
from triage_rules.foundation.timestamps import timestamp
from triage_rules.records.api_keys import Scope
from triage_rules.store.rulesets import LiveRuleset

blueprint = Blueprint("deployments", __name__, url_prefix="/v1", description="Change the live version of a ruleset.")

DEPLOYING = frozenset({Scope.DEPLOY})
BODY_BYTES = 8 * 1024**2
FILE_BYTES = 2 * 1024**2
"""The limit of the reader of rulesets."""

AT_ONCE = threading.BoundedSemaphore(1)
"""Allows one check at a time: each occupies a processor for seconds, and reports come first."""

_DEPLOYMENT_BODY: dict[str, Any] = {
    "required": True,
    "description": "The files as texts: `ruleset.yaml`, `cases.yaml`, and optionally `properties.yaml`, "
    f"`personas.yaml` and `vignettes.yaml`. At most {BODY_BYTES:,} bytes, {FILE_BYTES:,} for each file.",
    "content": {"application/json": {"schema": DeploymentIn}},
}


@call(
    blueprint,
    "POST",
    "/deployments",
    DocumentedResponse(200, DeployedOut, "The ruleset is live, or was live already."),
    problems=(*BODY_PROBLEMS, "deployment-refused", "ruleset-refused", "deployment-running", "ledger-unavailable"),
    needs=DEPLOYING,
    requestBody=_DEPLOYMENT_BODY,
)
def post_deployment() -> Response:
    """Deploy a ruleset.

    Checks the ruleset, runs its cases, personas and vignettes, as `triage deploy` does, then makes it live in one
    step. If anything fails, the live version is unchanged.
    """
    refuse_query(request)
    parts = get_parts()
    files = _files(read_json(request, BODY_BYTES))
    checked = _checked(files)
    deployed = deploy.deploy(parts.store.rulesets, checked, parts.now_ms(), get_actor())
    parts.live.refresh()
    body = _deployed(deployed.live, checked.approved_by)
    interviews = None if checked.interviews is None else asdict(checked.interviews)
    return json_response(body | {"cases": checked.cases, "interviews": interviews, "warnings": list(deployed.warnings)})


@call(
    blueprint,
    "POST",
    "/rulesets/<name>/rollback",
    DocumentedResponse(200, DeployedOut, "The previous version is live again."),
    problems=(
        *CALL_PROBLEMS,
        "ruleset-not-found",
        "no-earlier-deployment",
        "ruleset-broken",
        "ledger-unavailable",
    ),
    needs=DEPLOYING,
)
def roll_back(name: str) -> Response:
    """Roll a ruleset back.

    Makes the previous version live again, in one step. If that version can't be opened, the live version is unchanged.
    The call takes no body.
    """
    refuse_query(request)
    parts = get_parts()
    live, ruleset = deploy.roll_back(parts.store.rulesets, name, parts.now_ms(), get_actor())
    parts.live.refresh()
    return json_response(_deployed(live, ruleset.approved_by) | {"warnings": []})


def _files(raw: object) -> dict[str, str]:
    """Return the texts by file name. Raises Refused with every fault."""
    files = raw.get("files") if isinstance(raw, dict) else None
    if not isinstance(raw, dict) or not isinstance(files, dict):
        pointer = "/files" if isinstance(raw, dict) else ""
        fault = ReportFault(pointer, "required", 'expected {"files": {"ruleset.yaml": "...", "cases.yaml": "..."}}')
        raise Refused("deployment-refused", fault)
    faults = [ReportFault("", "unknown_field", "expected only `files`") for name in raw if name != "files"][:1]
    known = ", ".join(deploy.FILES)
    for name, text in files.items():
        if name not in deploy.FILES:
            faults.append(ReportFault("/files", "unknown_field", f"unknown file; expected only {known}"))
        elif not isinstance(text, str):
            faults.append(ReportFault(f"/files/{name}", "wrong_type", "expected the text of the file"))
        elif len(text.encode()) > FILE_BYTES:
            faults.append(ReportFault(f"/files/{name}", "too_large", f"expected at most {FILE_BYTES} bytes"))
    faults += [
        ReportFault(f"/files/{name}", "required", "this file is missing")
        for name in deploy.REQUIRED
        if name not in files
    ]
    if faults:
        raise Refused("deployment-refused", *faults)
    return files


def _checked(files: dict[str, str]) -> deploy.Checked:
    try:
        return check_in_bench(files)
    except WorkbenchBusy:
        raise Refused("deployment-running") from None
    except RulesetError as error:
        faults = [
            PlacedFault(f"/files/{fault.place.file}", "ruleset_fault", fault.message, fault.place)
            for fault in error.faults
        ]
        raise Refused("ruleset-refused", *faults) from None


def check_in_bench(files: Mapping[str, str]) -> deploy.Checked:
    """Check files for deployment.

    Raises:
        RulesetError: If the files have faults.
        WorkbenchBusy: If another check is running.

    """
    if not AT_ONCE.acquire(blocking=False):
        raise WorkbenchBusy
    try:
        return deploy.check_files(files)
    finally:
        AT_ONCE.release()


def _deployed(live: LiveRuleset, approved_by: str | None) -> dict[str, Any]:
    path = f"/v1/rulesets/{live.name}"
    return {
        "name": live.name,
        "version": live.version,
        "digest": live.digest,
        "previous": live.previous,
        "activated_at": timestamp(live.activated_ms),
        "approved_by": approved_by,
        "approval": describe_approver(approved_by),
        "links": {"self": path, "schema": f"{path}/schema"},
    }
