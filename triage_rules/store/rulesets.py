"""Rulesets: their bundles, the live version of each, and the deployments before it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from redis.client import Pipeline

from triage_rules.foundation import strict_json
from triage_rules.foundation.errors import NoEarlierDeployment, ProposalRefused, RulesetNotFound
from triage_rules.records import proposals
from triage_rules.records.audit import Act, Action, Actor
from triage_rules.records.proposals import Approval, Proposal, ProposalState
from triage_rules.store.audit import AuditedStep, AuditLog
from triage_rules.store.connection import Connection, refusals_translated
from triage_rules.store.keyspace import (
    BUNDLE,
    DEPLOYMENTS,
    LEAVING,
    LIVE,
    PROPOSALS,
    SOURCE,
)
from triage_rules.store.stored_proposals import read_proposal

DEPLOYMENTS_KEPT = 50


@dataclass(frozen=True, slots=True)
class LiveRuleset:
    """A live version. `activated_ms`: when it became live; `previous`: the digest that a rollback returns to.

    `approved_by`: the clinician who approved it. Versions before 0.4 stored none: then `is_approval_stored` is false.
    """

    name: str
    digest: str
    version: str
    activated_ms: int
    previous: str | None
    approved_by: str | None = None
    is_approval_stored: bool = True


class RulesetStore:
    """The deployed rulesets."""

    def __init__(self, connection: Connection) -> None:
        self._redis = connection.client
        self._audit = AuditLog(connection)

    def deploy(  # noqa: PLR0913 - the bundle and its files, the time, the actor
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
        """Store the bundle and make it live, with its audit entry; change nothing if it is live with those files.

        approved_by: the clinician who approved the ruleset, if any. files: the texts that it was made from and checked
        with. approving: a proposal to approve in the same step.
        Raises ProposalNotFound, ProposalRefused.
        """
        stored, remembered, source = BUNDLE + digest, DEPLOYMENTS + name, SOURCE + digest
        texts = strict_json.dumps(dict(files)) if files else None

        def prepare(pipe: Pipeline) -> AuditedStep[LiveRuleset]:
            before = _live_of(pipe, name)
            kept: Any = pipe.get(source)
            approved = None if approving is None else _approved(pipe, approving, before, digest, by, now_ms)
            details: dict[str, Any] = {"ruleset": name, "version": version, "digest": digest}
            extras = {} if texts is None else {"files": _hash(texts)}
            if approved is not None:
                extras |= {"proposal": approved.id, "proposed_by": approved.proposed_by}

            def keep(pipe: Pipeline) -> None:
                if texts is not None:
                    pipe.set(source, texts)
                if approved is not None:
                    pipe.hset(PROPOSALS, approved.id, proposals.encode(approved))

            if before is not None and before.digest == digest:
                if approved is None and texts in (None, kept):
                    return AuditedStep(before)
                return AuditedStep(before, Act(by, Action.FILES, now_ms, details | extras), keep)
            earlier = _deployments(pipe, name)  # the live one first; the last live one if it was withdrawn
            previous = earlier[0]["digest"] if earlier else None
            live = LiveRuleset(name, digest, version, now_ms, previous, approved_by)

            def commands(pipe: Pipeline) -> None:
                pipe.srem(LEAVING, digest)
                pipe.set(stored, base64.b64encode(bundle).decode("ascii"))
                entry = {"digest": digest, "version": version, "approved_by": approved_by}
                pipe.lpush(remembered, strict_json.dumps(entry))
                pipe.ltrim(remembered, 0, DEPLOYMENTS_KEPT - 1)
                pipe.hset(LIVE, name, _encode(live))
                keep(pipe)

            details["previous"] = live.previous
            return AuditedStep(live, Act(by, Action.DEPLOY, now_ms, details | extras), commands)

        return self._audit.run_step(prepare, watch=[LIVE, stored, remembered, source, PROPOSALS])

    def roll_back(self, name: str, now_ms: int, *, by: Actor) -> LiveRuleset:
        """Make the previous deployment live again, with its audit entry. Raises RulesetNotFound, NoEarlierDeployment.

        If two people roll back the same deployment, it is rolled back once.
        """
        leaving = self.get_live().get(name)
        if leaving is None:
            raise RulesetNotFound(f"no ruleset `{name}` is live")

        def prepare(pipe: Pipeline) -> AuditedStep[LiveRuleset]:
            now_live = _live_of(pipe, name)
            if now_live is not None and now_live.digest != leaving.digest:
                return AuditedStep(now_live)
            earlier = _deployments(pipe, name)[1:]
            if not earlier:
                raise NoEarlierDeployment(f"`{name}` has no earlier deployment to return to")
            target, further = earlier[0], earlier[1]["digest"] if len(earlier) > 1 else None
            live = LiveRuleset(name, target["digest"], target["version"], now_ms, further, *_approval(target))
            details = {"ruleset": name, "version": live.version, "digest": live.digest, "left": leaving.digest}

            def commands(pipe: Pipeline) -> None:
                pipe.lpop(DEPLOYMENTS + name)
                pipe.hset(LIVE, name, _encode(live))

            return AuditedStep(live, Act(by, Action.ROLLBACK, now_ms, details), commands)

        return self._audit.run_step(prepare, watch=[LIVE, DEPLOYMENTS + name])

    def withdraw(self, name: str, now_ms: int, *, by: Actor) -> LiveRuleset:
        """Withdraw the live version, with its audit entry, and return it; reports accepted under it are still decided.

        Raises RulesetNotFound if the ruleset is not live.
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

        return self._audit.run_step(prepare, watch=[LIVE, DEPLOYMENTS + name])

    def get_live(self) -> dict[str, LiveRuleset]:
        """Return the live versions by the rulesets' names."""
        with refusals_translated():
            texts = cast(dict[str, str], self._redis.hgetall(LIVE))
        return {name: _decode(name, text) for name, text in sorted(texts.items())}

    def get_digests(self, name: str, version: str) -> list[str]:
        """Return the remembered digests that were deployed under that version, the latest first, each once."""
        with refusals_translated():
            deployments = [json.loads(text) for text in self._redis.lrange(DEPLOYMENTS + name, 0, -1)]
        return list(dict.fromkeys(deployed["digest"] for deployed in deployments if deployed["version"] == version))

    def get_files(self, digest: str) -> dict[str, str]:
        """Return the files that a bundle was made from and checked with, by name; none if they weren't kept."""
        with refusals_translated():
            text = self._redis.get(SOURCE + digest)
        return {} if text is None else json.loads(cast(str, text))

    def get_bundle(self, digest: str) -> bytes:
        """Return a bundle. Raises RulesetNotFound."""
        with refusals_translated():
            text = self._redis.get(BUNDLE + digest)
        if text is None:
            raise RulesetNotFound(f"no bundle {digest} is stored")
        return base64.b64decode(text)


def _live_of(pipe: Pipeline, name: str) -> LiveRuleset | None:
    text: Any = pipe.hget(LIVE, name)
    return None if text is None else _decode(name, text)


def _approved(  # noqa: PLR0913, PLR0917 - all that the proposal is compared with
    pipe: Pipeline, approving: Approval, before: LiveRuleset | None, digest: str, by: Actor, now_ms: int
) -> Proposal:
    """Return the proposal as approved. Raises ProposalNotFound, ProposalRefused."""
    proposal = read_proposal(pipe, approving.proposal)
    if proposal.digest != digest:
        raise ProposalRefused("its files give other rules than those that were proposed")
    if (before.digest if before else None) != approving.live:
        raise ProposalRefused("what is live has changed since you looked; compare again")
    return proposals.decided(proposal, ProposalState.APPROVED, by.name, now_ms)


def _hash(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _deployments(pipe: Pipeline, name: str) -> list[dict[str, Any]]:
    """Return up to three remembered deployments, the latest first."""
    texts: Any = pipe.lrange(DEPLOYMENTS + name, 0, 2)
    return [json.loads(text) for text in texts]


def _encode(live: LiveRuleset) -> str:
    record: dict[str, Any] = {
        "digest": live.digest,
        "version": live.version,
        "activated_ms": live.activated_ms,
        "previous": live.previous,
    }
    return strict_json.dumps(record | ({"approved_by": live.approved_by} if live.is_approval_stored else {}))


def _approval(record: dict[str, Any]) -> tuple[str | None, bool]:
    """Return who approved a deployment, and whether its record has that at all."""
    return record.get("approved_by"), "approved_by" in record


def _decode(name: str, text: str) -> LiveRuleset:
    fields = json.loads(text)
    return LiveRuleset(
        name=name,
        digest=fields["digest"],
        version=fields["version"],
        activated_ms=int(fields["activated_ms"]),
        previous=fields["previous"],
        approved_by=fields.get("approved_by"),
        is_approval_stored="approved_by" in fields,
    )
