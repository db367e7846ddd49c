"""Rulesets in the ledger: their bundles, which of them is live, and which was before."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any, cast

from redis.client import Pipeline

from triage_rules.foundation import strict_json
from triage_rules.foundation.errors import ProposalRefused, RulesetNotFound
from triage_rules.records import proposals
from triage_rules.records.audit import Act, Action, Actor
from triage_rules.records.proposals import Approval, Proposal, ProposalState
from triage_rules.store import LiveRuleset
from triage_rules.store.audit import Audited, AuditedStep
from triage_rules.store.connection import refusals_translated
from triage_rules.store.keyspace import (
    BUNDLE,
    DEPLOYMENTS,
    LEAVING,
    LIVE,
    PROPOSALS,
    SOURCE,
)
from triage_rules.store.proposals import stored_proposal

DEPLOYMENTS_KEPT = 50


class RulesetStore(Audited):
    """See `triage_rules.store.Ledger` for what each method promises."""

    def deploy(  # noqa: PLR0913 - what is deployed, when, and by whom
        self,
        name: str,
        version: str,
        digest: str,
        bundle: bytes,
        now_ms: int,
        *,
        by: Actor,
        approved_by: str | None = None,
        files: Mapping[str, str] | None = None,
        approving: Approval | None = None,
    ) -> LiveRuleset:
        """Store the bundle and make it live, in one step. Nothing changes if it is live already, with those files.

        files: the texts that it was made from and checked with. approving: a proposal, which is approved with it.
        Raises ProposalNotFound, ProposalRefused.
        """
        stored, remembered, source = BUNDLE + digest, DEPLOYMENTS + name, SOURCE + digest
        texts = strict_json.dumps(dict(files)) if files else None

        def prepare(pipe: Pipeline) -> AuditedStep[LiveRuleset]:
            before = _live_of(pipe, name)
            kept: Any = pipe.get(source)
            approved = None if approving is None else _approved(pipe, approving, before, digest, by, now_ms)
            details: dict[str, Any] = {"ruleset": name, "version": version, "digest": digest}
            told = {} if texts is None else {"files": _hash(texts)}
            told |= {} if approved is None else {"proposal": approved.id, "proposed_by": approved.proposed_by}

            def keep(pipe: Pipeline) -> None:
                if texts is not None:
                    pipe.set(source, texts)
                if approved is not None:
                    pipe.hset(PROPOSALS, approved.id, proposals.encode(approved))

            if before is not None and before.digest == digest:
                if approved is None and texts in (None, kept):
                    return AuditedStep(before)
                return AuditedStep(before, Act(by, Action.FILES, now_ms, details | told), keep)
            earlier = _deployments(pipe, name)  # the live one first; without one, what was before it was withdrawn
            previous = earlier[0]["digest"] if earlier else None
            live = LiveRuleset(name, digest, version, now_ms, previous, approved_by)

            def commands(pipe: Pipeline) -> None:
                pipe.srem(LEAVING, digest)
                pipe.set(stored, base64.b64encode(bundle).decode("ascii"))
                entry = {"digest": digest, "version": version, "approved_by": approved_by}
                pipe.lpush(remembered, strict_json.dumps(entry))
                pipe.ltrim(remembered, 0, DEPLOYMENTS_KEPT - 1)
                pipe.hset(LIVE, name, _told(live))
                keep(pipe)

            details["previous"] = live.previous
            return AuditedStep(live, Act(by, Action.DEPLOY, now_ms, details | told), commands)

        return self._audited(prepare, watch=[LIVE, stored, remembered, source, PROPOSALS])

    def rollback(self, name: str, now_ms: int, *, by: Actor) -> LiveRuleset:
        """Make the one before live again, in one step. Raises RulesetNotFound if there is none.

        Two people who roll back the same deployment go back once.
        """
        leaving = self.live().get(name)
        if leaving is None:
            raise RulesetNotFound(f"no ruleset `{name}` is live")

        def prepare(pipe: Pipeline) -> AuditedStep[LiveRuleset]:
            now_live = _live_of(pipe, name)
            if now_live is not None and now_live.digest != leaving.digest:
                return AuditedStep(now_live)
            earlier = _deployments(pipe, name)[1:]
            if not earlier:
                raise RulesetNotFound(f"`{name}` has no earlier deployment to return to")
            target, further = earlier[0], earlier[1]["digest"] if len(earlier) > 1 else None
            live = LiveRuleset(name, target["digest"], target["version"], now_ms, further, *_approval(target))
            details = {"ruleset": name, "version": live.version, "digest": live.digest, "left": leaving.digest}

            def commands(pipe: Pipeline) -> None:
                pipe.lpop(DEPLOYMENTS + name)
                pipe.hset(LIVE, name, _told(live))

            return AuditedStep(live, Act(by, Action.ROLLBACK, now_ms, details), commands)

        return self._audited(prepare, watch=[LIVE, DEPLOYMENTS + name])

    def withdraw(self, name: str, now_ms: int, *, by: Actor) -> LiveRuleset:
        """Make the ruleset live no more; which it was. What was accepted under it is still decided by it.

        Raises RulesetNotFound if it is not live.
        """

        def prepare(pipe: Pipeline) -> AuditedStep[LiveRuleset]:
            left = _live_of(pipe, name)
            if left is None:
                raise RulesetNotFound(f"no ruleset `{name}` is live")
            details = {"ruleset": name, "version": left.version, "digest": left.digest}

            def commands(pipe: Pipeline) -> None:
                pipe.lpop(DEPLOYMENTS + name)
                pipe.hdel(LIVE, name)

            return AuditedStep(left, Act(by, Action.WITHDRAW, now_ms, details), commands)

        return self._audited(prepare, watch=[LIVE, DEPLOYMENTS + name])

    def live(self) -> dict[str, LiveRuleset]:
        """What decides now, by name."""
        with refusals_translated():
            found = cast(dict[str, str], self._redis.hgetall(LIVE))
        return {name: _live(name, text) for name, text in sorted(found.items())}

    def digests(self, name: str, version: str) -> list[str]:
        """What was deployed under that version, as far as is remembered, the latest first, each once."""
        with refusals_translated():
            found = [json.loads(text) for text in self._redis.lrange(DEPLOYMENTS + name, 0, -1)]
        return list(dict.fromkeys(one["digest"] for one in found if one["version"] == version))

    def source(self, digest: str) -> dict[str, str]:
        """The files that a bundle was made from and checked with, by name; none if they weren't kept."""
        with refusals_translated():
            text = self._redis.get(SOURCE + digest)
        return {} if text is None else json.loads(cast(str, text))

    def bundle(self, digest: str) -> bytes:
        """Raises RulesetNotFound."""
        with refusals_translated():
            text = self._redis.get(BUNDLE + digest)
        if text is None:
            raise RulesetNotFound(f"no bundle {digest} is stored")
        return base64.b64decode(text)


def _live_of(pipe: Pipeline, name: str) -> LiveRuleset | None:
    text: Any = pipe.hget(LIVE, name)
    return None if text is None else _live(name, text)


def _approved(  # noqa: PLR0913, PLR0917 - what there is to hold it against
    pipe: Pipeline, approving: Approval, before: LiveRuleset | None, digest: str, by: Actor, now_ms: int
) -> Proposal:
    """The proposal as it is once it is live. Raises ProposalNotFound, ProposalRefused."""
    proposal = stored_proposal(pipe, approving.proposal)
    if proposal.digest != digest:
        raise ProposalRefused("its files give other rules than those that were proposed")
    if (before.digest if before else None) != approving.live:
        raise ProposalRefused("what is live has changed since you looked; compare again")
    return proposals.decided(proposal, ProposalState.APPROVED, by.name, now_ms)


def _hash(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _deployments(pipe: Pipeline, name: str) -> list[dict[str, Any]]:
    """Up to three of what is remembered, the live one first."""
    found: Any = pipe.lrange(DEPLOYMENTS + name, 0, 2)
    return [json.loads(text) for text in found]


def _told(live: LiveRuleset) -> str:
    record: dict[str, Any] = {
        "digest": live.digest,
        "version": live.version,
        "activated_ms": live.activated_ms,
        "previous": live.previous,
    }
    return strict_json.dumps(record | ({"approved_by": live.approved_by} if live.is_approval_stored else {}))


def _approval(record: dict[str, Any]) -> tuple[str | None, bool]:
    """Return who approved it, and whether the record has that at all."""
    return record.get("approved_by"), "approved_by" in record


def _live(name: str, text: str) -> LiveRuleset:
    said = json.loads(text)
    return LiveRuleset(
        name=name,
        digest=said["digest"],
        version=said["version"],
        activated_ms=int(said["activated_ms"]),
        previous=said["previous"],
        approved_by=said.get("approved_by"),
        is_approval_stored="approved_by" in said,
    )
