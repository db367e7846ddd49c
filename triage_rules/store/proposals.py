"""Proposals to make a ruleset live: made, approved, declined, withdrawn."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from redis.client import Pipeline

from triage_rules.foundation import strict_json
from triage_rules.foundation.errors import ProposalNotFound
from triage_rules.records import proposals
from triage_rules.records.audit import Act, Action, Actor
from triage_rules.records.proposals import MOST_KEPT, Proposal, ProposalState
from triage_rules.store.audit import AuditedStep, AuditLog
from triage_rules.store.clock import DAY_S
from triage_rules.store.connection import Connection, refusals_translated
from triage_rules.store.keyspace import PROPOSAL_FILES, PROPOSALS
from triage_rules.store.stored_proposals import read_proposal

_ACTIONS = {ProposalState.DECLINED: Action.PROPOSAL_DECLINE, ProposalState.WITHDRAWN: Action.PROPOSAL_WITHDRAW}


class Proposals:
    """The stored proposals."""

    def __init__(self, connection: Connection) -> None:
        self._redis = connection.client
        self._audit = AuditLog(connection)
        self._kept_s = connection.settings.proposal_retention_days * DAY_S

    def get_all(self, now_ms: int) -> list[Proposal]:
        """Return all proposals, newest first."""
        with refusals_translated():
            texts = cast(dict[str, str], self._redis.hgetall(PROPOSALS))
        kept = [proposal for proposal in _decoded(texts) if not self._is_old(proposal, now_ms)]
        return sorted(kept, key=lambda proposal: (proposal.proposed_ms, proposal.id), reverse=True)

    def get(self, proposal_id: str) -> tuple[Proposal, dict[str, str]]:
        """Return a proposal and its files. Raises ProposalNotFound."""
        with refusals_translated():
            text = self._redis.hget(PROPOSALS, proposal_id)
            files = self._redis.get(PROPOSAL_FILES + proposal_id)
        if text is None or files is None:
            raise ProposalNotFound
        return proposals.decode(proposal_id, cast(str, text)), json.loads(cast(str, files))

    def propose(self, proposal: Proposal, files: Mapping[str, str], *, by: Actor) -> None:
        """Store a new proposal, with its audit entry. Raises ProposalRefused."""
        key = PROPOSAL_FILES + proposal.id
        details = {"proposal": proposal.id, "ruleset": proposal.ruleset, "version": proposal.version,
                   "digest": proposal.digest}  # fmt: skip

        def prepare(pipe: Pipeline) -> AuditedStep[None]:
            texts: Any = pipe.hgetall(PROPOSALS)
            kept = _decoded(texts)
            proposals.check_new(proposal, files, kept)
            dropped = self._to_drop(kept, proposal.proposed_ms)
            pipe.exists(key)

            def commands(pipe: Pipeline) -> None:
                if dropped:
                    pipe.hdel(PROPOSALS, *dropped)
                pipe.hset(PROPOSALS, proposal.id, proposals.encode(proposal))
                pipe.set(key, strict_json.dumps(dict(files)), ex=self._kept_s)

            return AuditedStep(None, Act(by, Action.PROPOSE, proposal.proposed_ms, details), commands)

        self._audit.run_step(prepare, watch=[PROPOSALS, key])

    def close(self, proposal_id: str, state: ProposalState, now_ms: int, *, by: Actor) -> Proposal:
        """Decline or withdraw a proposal, with its audit entry. Raises ProposalNotFound, ProposalRefused."""

        def prepare(pipe: Pipeline) -> AuditedStep[Proposal]:
            after = proposals.decided(read_proposal(pipe, proposal_id), state, by.name, now_ms)
            details = {"proposal": after.id, "ruleset": after.ruleset, "digest": after.digest}
            act = Act(by, _ACTIONS[state], now_ms, details)
            return AuditedStep(after, act, lambda pipe: pipe.hset(PROPOSALS, after.id, proposals.encode(after)))

        return self._audit.run_step(prepare, watch=[PROPOSALS])

    def drop_expired(self, now_ms: int) -> None:
        """Drop proposals older than their retention time; their files expire."""
        with refusals_translated():
            texts = cast(dict[str, str], self._redis.hgetall(PROPOSALS))
            old = [proposal.id for proposal in _decoded(texts) if self._is_old(proposal, now_ms)]
            if old:
                self._redis.hdel(PROPOSALS, *old)

    def _is_old(self, proposal: Proposal, now_ms: int) -> bool:
        return proposal.proposed_ms < now_ms - self._kept_s * 1000

    def _to_drop(self, kept: list[Proposal], now_ms: int) -> list[str]:
        """Return the ids of old proposals and, if there are too many, of the closed ones that changed longest ago."""
        old = [proposal.id for proposal in kept if self._is_old(proposal, now_ms)]
        closed = [proposal for proposal in kept if proposal.state is not ProposalState.OPEN]
        closed.sort(key=lambda proposal: proposal.touched_ms)
        spare = max(0, len(kept) + 1 - MOST_KEPT)
        return list(dict.fromkeys([*old, *(proposal.id for proposal in closed[:spare])]))


def _decoded(texts: Mapping[str, str]) -> list[Proposal]:
    return [proposals.decode(proposal_id, text) for proposal_id, text in texts.items()]
