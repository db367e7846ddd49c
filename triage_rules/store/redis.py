"""The whole store: its parts over one connection."""

from __future__ import annotations

from typing import Self

from triage_rules.foundation.settings import Settings
from triage_rules.store.api_keys import ApiKeys
from triage_rules.store.audit import AuditLog
from triage_rules.store.board import Board
from triage_rules.store.bundle_cleanup import BundleCleanup
from triage_rules.store.connection import Connection
from triage_rules.store.consumer_groups import ConsumerGroups
from triage_rules.store.dead_letters import DeadLetters
from triage_rules.store.erasure import Erasure
from triage_rules.store.health import Health
from triage_rules.store.key_rotation import KeyRotation
from triage_rules.store.proposals import Proposals
from triage_rules.store.reports import Reports
from triage_rules.store.rulesets import RulesetStore
from triage_rules.store.stream_trim import StreamTrim
from triage_rules.store.work import Work


class RedisStore:
    """The parts of the store. Connects at the first call; safe for threads and over a fork.

    Every method of every part raises StoreUnavailable if Redis can't be reached or refuses to serve.
    """

    def __init__(self, settings: Settings) -> None:
        self.connection = connection = Connection(settings)
        self.reports = Reports(connection)
        self.work = Work(connection)
        self.dead_letters = DeadLetters(connection)
        self.board = Board(connection)
        self.rulesets = RulesetStore(connection)
        self.proposals = Proposals(connection)
        self.consumer_groups = ConsumerGroups(connection)
        self.api_keys = ApiKeys(connection)
        self.audit = AuditLog(connection)
        self.erasure = Erasure(connection)
        self.key_rotation = KeyRotation(connection)
        self.health = Health(connection)
        self._streams = StreamTrim(connection)
        self._bundles = BundleCleanup(connection)

    def now_ms(self) -> int:
        """Return the time by the store's clock: UTC, milliseconds since the epoch. Raises nothing."""
        return self.connection.clock.now_ms()

    def trim(self, now_ms: int) -> int:
        """Drop whatever is past its retention time; return how many events and dead letters went."""
        dropped = self._streams.trim(now_ms)
        self.board.drop_expired(now_ms)
        self._bundles.run()
        self.proposals.drop_expired(now_ms)
        return dropped

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
