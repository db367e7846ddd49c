"""Proposals: rulesets that somebody asks to make live, and that somebody else approves. Values in, values out."""

from __future__ import annotations

import enum
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from triage_rules.foundation.errors import ProposalRefused

FILES_MAX_BYTES = 3 * 1024**2
"""Of all files of one proposal together, as UTF-8."""

NOTE_MAX = 2_000
"""Characters in what the proposer writes about it."""

MOST_OPEN, MOST_OPEN_EACH, MOST_KEPT = 20, 5, 100
"""Open proposals of all clients, those of one client, and all that are kept."""


class ProposalState(enum.StrEnum):
    """What became of a proposal."""

    OPEN = "open"
    APPROVED = "approved"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is proposed, by which client, and what became of it. Times: UTC, milliseconds since the epoch.

    `base`: the digest that was live when it was proposed; None: nothing was. `note`: why, in the proposer's words.
    """

    id: str
    ruleset: str
    version: str
    digest: str
    base: str | None
    proposed_by: str
    proposed_ms: int
    note: str = ""
    state: ProposalState = ProposalState.OPEN
    decided_by: str | None = None
    decided_ms: int | None = None

    @property
    def touched_ms(self) -> int:
        """When something was last done with it."""
        return self.proposed_ms if self.decided_ms is None else self.decided_ms


@dataclass(frozen=True, slots=True)
class Approval:
    """Who approves which proposal, and the digest that was live when they looked at it (None: nothing was)."""

    proposal: str
    live: str | None


def check_new(proposal: Proposal, files: Mapping[str, str], others: Iterable[Proposal]) -> None:
    """Raises ProposalRefused if it is too large, or too many are open already."""
    if sum(len(text.encode()) for text in files.values()) > FILES_MAX_BYTES:
        raise ProposalRefused(f"the files are larger than {FILES_MAX_BYTES:,} bytes together")
    if len(proposal.note) > NOTE_MAX:
        raise ProposalRefused(f"the note has more than {NOTE_MAX:,} characters")
    waiting = [one for one in others if one.state is ProposalState.OPEN]
    if any(one.digest == proposal.digest and one.ruleset == proposal.ruleset for one in waiting):
        raise ProposalRefused("exactly these rules are proposed already; see the open proposals")
    if len(waiting) >= MOST_OPEN:
        raise ProposalRefused(f"{MOST_OPEN} proposals are open; some must be decided or withdrawn first")
    if sum(one.proposed_by == proposal.proposed_by for one in waiting) >= MOST_OPEN_EACH:
        raise ProposalRefused(f"{MOST_OPEN_EACH} proposals of yours are open; withdraw one first")


def decided(proposal: Proposal, state: ProposalState, by: str, now_ms: int) -> Proposal:
    """The proposal as it is from now on: only its proposer may withdraw it, only somebody else may decide.

    Raises ProposalRefused.
    """
    if proposal.state is not ProposalState.OPEN:
        raise ProposalRefused(f"this proposal was {proposal.state} before")
    if state is ProposalState.WITHDRAWN and by != proposal.proposed_by:
        raise ProposalRefused("only who proposed it can withdraw it; decline it instead")
    if state is not ProposalState.WITHDRAWN and by == proposal.proposed_by:
        raise ProposalRefused(
            "who proposed it can't decide about it: a second person must look, with a key of another client"
        )
    return replace(proposal, state=state, decided_by=by, decided_ms=now_ms)


def encode(proposal: Proposal) -> str:
    """What is stored under its id, without the files."""
    return json.dumps(
        {
            "ruleset": proposal.ruleset,
            "version": proposal.version,
            "digest": proposal.digest,
            "base": proposal.base,
            "proposed_by": proposal.proposed_by,
            "proposed_ms": proposal.proposed_ms,
            "note": proposal.note,
            "state": proposal.state.value,
            "decided_by": proposal.decided_by,
            "decided_ms": proposal.decided_ms,
        },
        ensure_ascii=False,
    )


def decode(proposal_id: str, text: str) -> Proposal:
    """The proposal that was stored."""
    said = json.loads(text)
    return Proposal(id=proposal_id, **said | {"state": ProposalState(said["state"])})
