"""The ledger's contract: what is accepted, settled, live and remembered.

`ledger.redis.RedisLedger` keeps it. Every step that must not be seen half done is one Lua script.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from triage_rules.messages import Accepted, Delivery, History, Idempotency, NewReport, StoredReport


@dataclass(frozen=True, slots=True)
class LiveRuleset:
    """What decides now. `activated_ms`: when it became so; `previous`: the digest that `rollback` returns to."""

    name: str
    digest: str
    version: str
    activated_ms: int
    previous: str | None


@dataclass(frozen=True, slots=True)
class Backlog:
    """Counts of reports and the age of the oldest pending one, in milliseconds (0 if none)."""

    pending: int
    oldest_ms: int
    dead: int
    results: int


class Ledger(Protocol):
    """All methods raise LedgerUnavailable if the store can't be reached or refuses to write."""

    def accept(self, report: NewReport, idempotency: Idempotency | None = None) -> Accepted:
        """Store, count into the subject's history and index as pending, in one step.

        Raises StaleRuleset if `report.digest` is not live for its ruleset, QueueTooOld, IdempotencyMismatch.
        """
        ...

    def accept_many(self, reports: list[NewReport]) -> list[Accepted | Exception]:
        """As `accept` for each, in one round trip; a refusal stands in its report's place."""
        ...

    def find_idempotent(self, idempotency: Idempotency) -> str | None:
        """The report an earlier request with this key made. Raises IdempotencyMismatch if its body was another."""
        ...

    def get(self, report_id: str) -> StoredReport:
        """Raises ReportNotFound."""
        ...

    def wait(self, report_id: str, seconds: float) -> StoredReport:
        """As `get`, but up to `seconds` later, as soon as the report is settled."""
        ...

    def begin(self, report_id: str, now_ms: int) -> Delivery | None:
        """Count one more attempt; None if there is nothing to do (settled or erased)."""
        ...

    def settle(self, report_id: str, result: dict[str, Any], now_ms: int, history: History | None = None) -> bool:
        """Store the result, publish its event, drop it from pending, in one step. False if settled already.

        `history`: what the result was made in; it is kept with the report, so that a replay gives the same.
        """
        ...

    def bury(self, report_id: str, result: dict[str, Any], reason: str, now_ms: int) -> bool:
        """As `settle`, but as a dead letter: the event has no level, and `triage:dead` has an entry with the reason."""
        ...

    def history(self, ruleset: str, subject: str, now_ms: int) -> History:
        """What the subject's history is now, nothing counted."""
        ...

    def overdue(self, now_ms: int, older_than_ms: int, limit: int) -> list[tuple[str, str]]:
        """(id, lane) of pending reports not enqueued for that long; takes them off the list until then again."""
        ...

    def backlog(self, now_ms: int) -> Backlog: ...

    def counts(self) -> dict[str, int]:
        """Reports settled since the beginning: by level, `dead`, and for each flag `flag:` and its name."""
        ...

    def trim(self, now_ms: int) -> int:
        """Drop events and dead letters that are older than the retention time; how many."""
        ...

    def heartbeat(self, worker: str, now_ms: int) -> None: ...

    def workers(self, now_ms: int, within_ms: int) -> list[str]:
        """Workers heard from within that time."""
        ...

    def deploy(self, name: str, version: str, digest: str, bundle: bytes, now_ms: int) -> LiveRuleset:
        """Store the bundle and make it live, in one step."""
        ...

    def rollback(self, name: str, now_ms: int) -> LiveRuleset:
        """Make the one before live again, in one step. Raises RulesetNotFound if there is none."""
        ...

    def live(self) -> dict[str, LiveRuleset]: ...

    def bundle(self, digest: str) -> bytes:
        """Raises RulesetNotFound."""
        ...

    def ping(self) -> None: ...

    def check_writes(self) -> None:
        """Write a little that passes: raises LedgerUnavailable also if the store can be read but takes nothing."""
        ...
