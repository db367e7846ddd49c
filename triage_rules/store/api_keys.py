"""API keys in the ledger: what is stored of them, and who made and revoked them."""

from __future__ import annotations

from typing import Any, cast

from redis.client import Pipeline

from triage_rules.foundation.errors import KeyNotFound
from triage_rules.records import api_keys
from triage_rules.records.api_keys import Key
from triage_rules.records.audit import Act, Action, Actor
from triage_rules.store.audit import Audited, AuditedStep
from triage_rules.store.connection import refusals_translated
from triage_rules.store.keyspace import KEYS


class Keys(Audited):
    """See `triage_rules.store.Ledger` for what each method promises."""

    def keys(self) -> dict[str, Key]:
        """All keys by id, also those that open nothing any more; but for what can't be read."""
        with refusals_translated():
            found = cast(dict[str, str], self._redis.hgetall(KEYS))
        return {key.id: key for key in map(api_keys.decode, found, found.values()) if key is not None}

    def add_key(self, key: Key, *, by: Actor) -> None:
        """Keep a new key."""
        details = {"id": key.id, "client": key.client, "scopes": sorted(key.scopes), "rate": key.rate}

        def prepare(pipe: Pipeline) -> AuditedStep[None]:
            pipe.hexists(KEYS, key.id)
            act = Act(by, Action.KEY_MAKE, key.made_ms, details)
            return AuditedStep(None, act, lambda pipe: pipe.hset(KEYS, key.id, api_keys.encode(key)))

        self._audited(prepare, watch=[KEYS])

    def revoke_key(self, key_id: str, now_ms: int, *, by: Actor) -> Key:
        """Have a key open nothing from now on; nothing is done if it was revoked before. Raises KeyNotFound."""

        def prepare(pipe: Pipeline) -> AuditedStep[Key]:
            text: Any = pipe.hget(KEYS, key_id)
            before = None if text is None else api_keys.decode(key_id, text)
            if before is None:
                raise KeyNotFound(f"there is no key with the id `{key_id}`; `triage key list` shows all")
            after = api_keys.revoked(before, now_ms)
            if after == before:
                return AuditedStep(before)
            act = Act(by, Action.KEY_REVOKE, now_ms, {"id": key_id, "client": after.client})
            return AuditedStep(after, act, lambda pipe: pipe.hset(KEYS, key_id, api_keys.encode(after)))

        return self._audited(prepare, watch=[KEYS])
