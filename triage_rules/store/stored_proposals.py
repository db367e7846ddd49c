"""The stored form of a proposal, for the parts that decide on it in a transaction of their own."""

from __future__ import annotations

from typing import Any

from redis.client import Pipeline

from triage_rules.foundation.errors import ProposalNotFound
from triage_rules.records import proposals
from triage_rules.records.proposals import Proposal
from triage_rules.store.keyspace import PROPOSALS


def read_proposal(pipe: Pipeline, proposal_id: str) -> Proposal:
    """Return a proposal as it is stored now. Raises ProposalNotFound."""
    text: Any = pipe.hget(PROPOSALS, proposal_id)
    if text is None:
        raise ProposalNotFound
    return proposals.decode(proposal_id, text)
