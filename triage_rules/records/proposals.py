"""Proposals: rulesets that one person proposes to make live and another approves. Values in, values out."""

from __future__ import annotations

import enum
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from triage_rules.foundation.errors import ProposalRefused

FILES_MAX_BYTES = 3 * 1024**2
"""The largest total size of the files of a proposal, as UTF-8."""

NOTE_MAX = 2_000
"""The most characters of the proposer's note."""

MOST_OPEN, MOST_OPEN_EACH, MOST_KEPT = 20, 5, 100
"""The most open proposals of all clients and of one client, and the most proposals kept."""


class ProposalState(enum.StrEnum):
    """The state of a proposal."""

    OPEN = "open"
    APPROVED = "approved"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposed ruleset, its proposer and its state. Times: UTC, milliseconds since the epoch.

    `base`: the digest that was live at the time of the proposal; None: no version was. `note`: the proposer's reason.
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
        """Return the time of the last change."""
        return self.proposed_ms if self.decided_ms is None else self.decided_ms


@dataclass(frozen=True, slots=True)
class Approval:
    """The approved proposal, and the digest that was live when the approver saw it (None: no version was)."""

    proposal: str
    live: str | None


def check_new(proposal: Proposal, files: Mapping[str, str], others: Iterable[Proposal]) -> None:
    """Check the size of a new proposal and the number of open ones. Raises ProposalRefused."""
    if sum(len(text.encode()) for text in files.values()) > FILES_MAX_BYTES:
        raise ProposalRefused(f"the files are larger than {FILES_MAX_BYTES:,} bytes together")
    if len(proposal.note) > NOTE_MAX:
        raise ProposalRefused(f"the note has more than {NOTE_MAX:,} characters")
    waiting = [other for other in others if other.state is ProposalState.OPEN]
    if any((other.digest, other.ruleset) == (proposal.digest, proposal.ruleset) for other in waiting):
        raise ProposalRefused("the same rules are proposed already; see the open proposals")
    if len(waiting) >= MOST_OPEN:
        raise ProposalRefused(f"{MOST_OPEN} proposals are open; decide or withdraw some of them first")
    if sum(other.proposed_by == proposal.proposed_by for other in waiting) >= MOST_OPEN_EACH:
        raise ProposalRefused(f"{MOST_OPEN_EACH} of your proposals are open; withdraw one of them first")


def decided(proposal: Proposal, state: ProposalState, by: str, now_ms: int) -> Proposal:
    """Return the proposal in its new state: only its proposer may withdraw it, only another client may decide.

    Raises ProposalRefused.
    """
    if proposal.state is not ProposalState.OPEN:
        raise ProposalRefused(f"this proposal is already {proposal.state}")
    if state is ProposalState.WITHDRAWN and by != proposal.proposed_by:
        raise ProposalRefused("only its proposer can withdraw a proposal; decline it instead")
    if state is not ProposalState.WITHDRAWN and by == proposal.proposed_by:
        raise ProposalRefused(
            "its proposer can't decide about a proposal; a second person must, with a key of another client"
        )
    return replace(proposal, state=state, decided_by=by, decided_ms=now_ms)


def encode(proposal: Proposal) -> str:
    """Return the text that is stored under the proposal's id, without the files."""
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
    """Return the stored proposal."""
    stored = json.loads(text)
    return Proposal(id=proposal_id, **stored | {"state": ProposalState(stored["state"])})
