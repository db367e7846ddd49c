"""Proposals in the ledger: what somebody asks to make live, and what became of it."""

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
from triage_rules.store.audit import Audited, AuditedStep
from triage_rules.store.base import DAY_S
from triage_rules.store.connection import refusals_translated
from triage_rules.store.keyspace import PROPOSAL_FILES, PROPOSALS

_ACTIONS = {ProposalState.DECLINED: Action.PROPOSAL_DECLINE, ProposalState.WITHDRAWN: Action.PROPOSAL_WITHDRAW}


class Proposals(Audited):
    """See `triage_rules.store.Ledger` for what each method promises."""

    def proposals(self, now_ms: int) -> list[Proposal]:
        """All that are kept, the newest first."""
        with refusals_translated():
            found = cast(dict[str, str], self._redis.hgetall(PROPOSALS))
        kept = [one for one in _decoded(found) if not self._is_old(one, now_ms)]
        return sorted(kept, key=lambda one: (one.proposed_ms, one.id), reverse=True)

    def proposal(self, proposal_id: str) -> tuple[Proposal, dict[str, str]]:
        """One of them and its files. Raises ProposalNotFound."""
        with refusals_translated():
            text = self._redis.hget(PROPOSALS, proposal_id)
            files = self._redis.get(PROPOSAL_FILES + proposal_id)
        if text is None or files is None:
            raise ProposalNotFound
        return proposals.decode(proposal_id, cast(str, text)), json.loads(cast(str, files))

    def propose(self, proposal: Proposal, files: Mapping[str, str], *, by: Actor) -> None:
        """Keep a new one and write it down, in one step. Raises ProposalRefused."""
        key = PROPOSAL_FILES + proposal.id
        details = {"proposal": proposal.id, "ruleset": proposal.ruleset, "version": proposal.version,
                   "digest": proposal.digest}  # fmt: skip

        def prepare(pipe: Pipeline) -> AuditedStep[None]:
            found: Any = pipe.hgetall(PROPOSALS)
            kept = _decoded(found)
            proposals.check_new(proposal, files, kept)
            dropped = self._to_drop(kept, proposal.proposed_ms)
            pipe.exists(key)

            def commands(pipe: Pipeline) -> None:
                if dropped:
                    pipe.hdel(PROPOSALS, *dropped)
                pipe.hset(PROPOSALS, proposal.id, proposals.encode(proposal))
                pipe.set(key, strict_json.dumps(dict(files)), ex=self._kept_s)

            return AuditedStep(None, Act(by, Action.PROPOSE, proposal.proposed_ms, details), commands)

        self._audited(prepare, watch=[PROPOSALS, key])

    def close_proposal(self, proposal_id: str, state: ProposalState, now_ms: int, *, by: Actor) -> Proposal:
        """Decline or withdraw it and write that down, in one step. Raises ProposalNotFound, ProposalRefused."""

        def prepare(pipe: Pipeline) -> AuditedStep[Proposal]:
            after = proposals.decided(stored_proposal(pipe, proposal_id), state, by.name, now_ms)
            details = {"proposal": after.id, "ruleset": after.ruleset, "digest": after.digest}
            act = Act(by, _ACTIONS[state], now_ms, details)
            return AuditedStep(after, act, lambda pipe: pipe.hset(PROPOSALS, after.id, proposals.encode(after)))

        return self._audited(prepare, watch=[PROPOSALS])

    def _drop_proposals(self, now_ms: int) -> None:
        """Those that are older than they may be; their files go by themselves."""
        with refusals_translated():
            found = cast(dict[str, str], self._redis.hgetall(PROPOSALS))
            old = [one.id for one in _decoded(found) if self._is_old(one, now_ms)]
            if old:
                self._redis.hdel(PROPOSALS, *old)

    @property
    def _kept_s(self) -> int:
        return self._settings.proposal_retention_days * DAY_S

    def _is_old(self, proposal: Proposal, now_ms: int) -> bool:
        return proposal.proposed_ms < now_ms - self._kept_s * 1000

    def _to_drop(self, kept: list[Proposal], now_ms: int) -> list[str]:
        """The old ones, and of too many the decided ones that were touched longest ago."""
        old = [one.id for one in kept if self._is_old(one, now_ms)]
        closed = sorted((one for one in kept if one.state is not ProposalState.OPEN), key=lambda one: one.touched_ms)
        spare = max(0, len(kept) + 1 - MOST_KEPT)
        return list(dict.fromkeys([*old, *(one.id for one in closed[:spare])]))


def stored_proposal(pipe: Pipeline, proposal_id: str) -> Proposal:
    """What stands in the ledger now. Raises ProposalNotFound."""
    text: Any = pipe.hget(PROPOSALS, proposal_id)
    if text is None:
        raise ProposalNotFound
    return proposals.decode(proposal_id, text)


def _decoded(found: Mapping[str, str]) -> list[Proposal]:
    return [proposals.decode(one, text) for one, text in found.items()]
