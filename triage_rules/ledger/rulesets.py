"""Rulesets in the ledger: their bundles, which of them is live, and which was before."""

from __future__ import annotations

import base64
import json
from typing import cast

from triage_rules.errors import (
    RulesetNotFound,
)
from triage_rules.ledger import LiveRuleset
from triage_rules.ledger.connecting import refusals_translated
from triage_rules.ledger.keyspace import (
    BUNDLE,
    DEPLOYMENTS,
    LIVE,
)
from triage_rules.ledger.store import Store
from triage_rules.settings import Settings

DEPLOYMENTS_KEPT = 50


class Rulesets(Store):
    """See `triage_rules.ledger.Ledger` for what each method promises."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._deploy = self._script("deploy")
        self._rollback = self._script("rollback")

    def deploy(self, name: str, version: str, digest: str, bundle: bytes, now_ms: int) -> LiveRuleset:
        """Store the bundle and make it live, in one step. Nothing changes if it is live already."""
        keys = [LIVE, BUNDLE + digest, DEPLOYMENTS + name]
        text = base64.b64encode(bundle).decode("ascii")
        with refusals_translated():
            reply = self._deploy(keys, [name, digest, version, text, now_ms, DEPLOYMENTS_KEPT])
        return _live(name, reply)

    def rollback(self, name: str, now_ms: int) -> LiveRuleset:
        """Make the one before live again, in one step. Raises RulesetNotFound if there is none."""
        now_live = self.live().get(name)
        if now_live is None:
            raise RulesetNotFound(f"no ruleset `{name}` is live")
        with refusals_translated():
            reply = self._rollback([LIVE, DEPLOYMENTS + name], [name, now_live.digest, now_ms])
        if reply is None:
            raise RulesetNotFound(f"`{name}` has no earlier deployment to return to")
        return _live(name, reply)

    def live(self) -> dict[str, LiveRuleset]:
        """What decides now, by name."""
        with refusals_translated():
            found = cast(dict[str, str], self._redis.hgetall(LIVE))
        return {name: _live(name, text) for name, text in sorted(found.items())}

    def bundle(self, digest: str) -> bytes:
        """Raises RulesetNotFound."""
        with refusals_translated():
            text = self._redis.get(BUNDLE + digest)
        if text is None:
            raise RulesetNotFound(f"no bundle {digest} is stored")
        return base64.b64decode(text)


def _live(name: str, text: str) -> LiveRuleset:
    said = json.loads(text)
    return LiveRuleset(
        name=name,
        digest=said["digest"],
        version=said["version"],
        activated_ms=int(said["activated_ms"]),
        previous=said["previous"],
    )
