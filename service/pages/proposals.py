"""Pages of proposals: a person proposes a ruleset, and a second person decides."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Blueprint, Response, request, url_for

from service.api.deployments import check_in_bench
from service.http.actor import get_actor
from service.http.api_keys import get_caller
from service.http.parts import get_parts
from service.pages.draft import Draft, Live, ask_bench, open_live
from service.pages.page import may, page, redirect_to, render
from triage_rules.deployment import deploy
from triage_rules.foundation.errors import ProposalNotFound, ProposalRefused, RulesetError, TriageError
from triage_rules.foundation.timestamps import timestamp
from triage_rules.records.api_keys import Scope
from triage_rules.records.proposals import Approval, Proposal, ProposalState
from triage_rules.workbench.compare_live import patch

Json = dict[str, Any]

PROPOSERS = (Scope.READ, Scope.DEPLOY, Scope.ADMIN)
"""Scopes that may propose. A key that only posts reports is stored in a form's settings, so it may not."""

CLOSING = {"decline": ProposalState.DECLINED, "withdraw": ProposalState.WITHDRAWN}

blueprint = Blueprint("proposals", __name__)


def may_propose() -> bool:
    """Return True if the person may propose; never without keys, because then no second person can be identified."""
    return get_parts().settings.auth_on and any(may(scope) for scope in PROPOSERS)


def list_open_proposals(name: str) -> list[Proposal]:
    """Return the open proposals for a ruleset, the newest first."""
    parts = get_parts()
    proposals = parts.store.proposals.get_all(parts.now_ms())
    return [proposal for proposal in proposals if proposal.ruleset == name and proposal.state is ProposalState.OPEN]


def propose(live: Live, draft: Draft, note: str) -> Proposal:
    """Check the draft as for going live, and keep it as a proposal.

    Raises:
        RulesetError: If the draft has faults.
        ProposalRefused: If it can't be a proposal.
        WorkbenchBusy: If another check is running.
        StoreUnavailable: If the store is away.

    """
    parts = get_parts()
    files = {name: text for name, text in draft.files.items() if text.strip()}
    checked = check_in_bench(files)
    bundle = checked.bundle
    if bundle.name != live.name:
        raise ProposalRefused(f"the draft is for `{bundle.name}`, but this is the workbench of `{live.name}`")
    if bundle.digest == live.digest and files == dict(live.files):
        raise ProposalRefused("the draft is the same as the live version")
    made = Proposal(
        secrets.token_hex(8),
        bundle.name,
        bundle.version,
        bundle.digest,
        live.digest,
        get_caller().client,
        parts.now_ms(),
        note,
    )
    parts.store.proposals.propose(made, files, by=get_actor())
    return made


@page(blueprint, "/workbench/<name>/proposals/<proposal_id>", methods=("GET", "POST"))
def show(name: str, proposal_id: str) -> Response:
    """Show a proposal against the live version, and let a second person decide."""
    live = open_live(name)
    proposal, files = _get_proposal(name, proposal_id)
    if request.method == "GET":
        return _shown(live, proposal, files, {})
    if request.form.get("action") == "compare":
        return _shown(live, proposal, files, _compared(files, live))
    try:
        done = _decide(proposal, files, request.form.get("action", ""))
    except RulesetError as error:
        answer = {"trouble": "The proposal no longer passes the deployment checks.", "faults": error.faults}
        return _shown(live, *_get_proposal(name, proposal_id), answer)
    except TriageError as error:
        return _shown(live, *_get_proposal(name, proposal_id), {"trouble": str(error)})
    return redirect_to(url_for("proposals.show", name=name, proposal_id=done))


def _get_proposal(name: str, proposal_id: str) -> tuple[Proposal, dict[str, str]]:
    proposal, files = get_parts().store.proposals.get(proposal_id)
    if proposal.ruleset != name:
        raise ProposalNotFound
    return proposal, files


def _decide(proposal: Proposal, files: dict[str, str], action: str) -> str:
    """Approve the proposal, which makes it live, or close it. Raises ProposalRefused and the errors of deploying."""
    parts = get_parts()
    if not parts.settings.auth_on:
        raise ProposalRefused("without API keys there is no second person")
    if action in CLOSING:
        if action == "decline" and not may(Scope.DEPLOY):
            raise ProposalRefused("declining needs a key with the scope `deploy`")
        return parts.store.proposals.close(proposal.id, CLOSING[action], parts.now_ms(), by=get_actor()).id
    if action != "approve" or not may(Scope.DEPLOY):
        raise ProposalRefused("approving needs a key with the scope `deploy`")
    if get_caller().client == proposal.proposed_by:
        raise ProposalRefused("a second person must approve it, with the key of a client other than the proposer")
    checked = check_in_bench(files)
    approving = Approval(proposal.id, request.form.get("live") or None)
    deploy.deploy(parts.store.rulesets, checked, parts.now_ms(), get_actor(), approving)
    parts.live.refresh()
    return proposal.id


def _compared(files: dict[str, str], live: Live) -> Json:
    try:
        return ask_bench("compare", Draft(files), live)
    except TriageError as error:
        return {"trouble": str(error)}


def _shown(live: Live, proposal: Proposal, files: dict[str, str], answer: Json) -> Response:
    is_own = get_caller().client == proposal.proposed_by
    return render(
        "workbench/proposal.html",
        name=live.name,
        live=live,
        proposal=proposal,
        proposed_at=timestamp(proposal.proposed_ms),
        decided_at=None if proposal.decided_ms is None else timestamp(proposal.decided_ms),
        patch=patch(live.name, live.files, files),
        answer=answer,
        may_decide=proposal.state is ProposalState.OPEN
        and may(Scope.DEPLOY)
        and not is_own
        and get_parts().settings.auth_on,
        may_withdraw=proposal.state is ProposalState.OPEN and is_own and get_parts().settings.auth_on,
        wide=True,
    )
