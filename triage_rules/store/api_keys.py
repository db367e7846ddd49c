"""API keys: their stored form, and who made and revoked them."""

from __future__ import annotations

from typing import Any, cast

from redis.client import Pipeline

from triage_rules.foundation.errors import KeyNotFound
from triage_rules.records import api_keys
from triage_rules.records.api_keys import Key
from triage_rules.records.audit import Act, Action, Actor
from triage_rules.store.audit import AuditedStep, AuditLog
from triage_rules.store.connection import Connection, refusals_translated
from triage_rules.store.keyspace import KEYS


class ApiKeys:
    """The stored API keys."""

    def __init__(self, connection: Connection) -> None:
        self._redis = connection.client
        self._audit = AuditLog(connection)

    def get_all(self) -> dict[str, Key]:
        """Return all readable keys by id, including revoked and expired ones."""
        with refusals_translated():
            stored = cast(dict[str, str], self._redis.hgetall(KEYS))
        return {key.id: key for key in map(api_keys.decode, stored, stored.values()) if key is not None}

    def add(self, key: Key, *, by: Actor) -> None:
        """Store a new key, with its audit entry."""
        details = {"id": key.id, "client": key.client, "scopes": sorted(key.scopes), "rate": key.rate}

        def prepare(pipe: Pipeline) -> AuditedStep[None]:
            pipe.hexists(KEYS, key.id)
            act = Act(by, Action.KEY_MAKE, key.made_ms, details)
            return AuditedStep(None, act, lambda pipe: pipe.hset(KEYS, key.id, api_keys.encode(key)))

        self._audit.run_step(prepare, watch=[KEYS])

    def revoke(self, key_id: str, now_ms: int, *, by: Actor) -> Key:
        """Revoke a key, with its audit entry; change nothing if it was revoked before. Raises KeyNotFound."""

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

        return self._audit.run_step(prepare, watch=[KEYS])
