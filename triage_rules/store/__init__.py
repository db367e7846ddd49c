"""The ledger's contract: what is accepted, settled, live and remembered.

`ledger.redis.RedisLedger` keeps it. Every step that must not be seen half done is one Lua script.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from triage_rules.records.api_keys import Key
from triage_rules.records.audit import Actor, Record
from triage_rules.records.board import Acknowledged, Bar, BoardPage, BoardTally, Letter, Queues, Wanted
from triage_rules.records.consumer_groups import GroupLetter, Groups, PutBack
from triage_rules.records.proposals import Approval, Proposal, ProposalState
from triage_rules.records.reports import (
    Accepted,
    DecidedReport,
    Delivery,
    History,
    Idempotency,
    Lane,
    NewReport,
    StoredReport,
    TakenBatch,
)


@dataclass(frozen=True, slots=True)
class LiveRuleset:
    """What decides now. `activated_ms`: when it became so; `previous`: the digest that `rollback` returns to.

    `approved_by`: the clinician who approved it. Versions before 0.4 stored none: then `is_approval_stored` is false.
    """

    name: str
    digest: str
    version: str
    activated_ms: int
    previous: str | None
    approved_by: str | None = None
    is_approval_stored: bool = True


@dataclass(frozen=True, slots=True)
class Backlog:
    """Counts of reports and the age of the oldest pending one, of all and of the urgent lane, in ms (0 if none)."""

    pending: int
    oldest_ms: int
    oldest_urgent_ms: int
    dead: int
    results: int


@dataclass(frozen=True, slots=True)
class Erased:
    """How much went. `keys`: beside those of the reports. `unopened`: reports that nobody can read, and were kept."""

    reports: int
    events: int
    dead_letters: int
    keys: int
    unopened: int


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """Reports that were sealed anew, those that no key opens; events that stay as they are, and the newest's time."""

    reports: int
    unopened: int
    events: int
    newest_event_ms: int | None


class Ledger(Protocol):
    """All methods raise LedgerUnavailable if the store can't be reached or refuses to write."""

    def close(self) -> None:
        """Give the connections back; the next call makes new ones."""
        ...

    def accept(self, report: NewReport, idempotency: Idempotency | None = None, task: str = "") -> Accepted:
        """Store, count into the subject's history and index as pending, in one step.

        `task`: the message to Celery that brings the report to a worker, put into the queue of its lane in that same
        step if the report is created; without one the caller enqueues it.
        Raises StaleRuleset if `report.digest` is not live for its ruleset, QueueTooOld, IdempotencyMismatch, SealError.
        """
        ...

    def accept_many(self, reports: list[NewReport]) -> list[Accepted | Exception]:
        """As `accept` for each, in one round trip; a refusal stands in its report's place."""
        ...

    def find_idempotent(self, idempotency: Idempotency) -> str | None:
        """The report an earlier request with this key made. Raises IdempotencyMismatch if its body was another."""
        ...

    def get(self, report_id: str) -> StoredReport:
        """Raises ReportNotFound, SealError."""
        ...

    def accepted(self, report_id: str) -> Delivery | None:
        """What was accepted, and the history its result was made in, for a replay; None if that can't be read.

        Raises ReportNotFound, SealError.
        """
        ...

    def wait(self, report_id: str, seconds: float) -> StoredReport:
        """As `get`, but up to `seconds` later, as soon as the report is settled."""
        ...

    def again(self, report_id: str, now_ms: int) -> Lane | None:
        """The lane to enqueue a report into once more; None if it was begun, or enqueued a moment ago."""
        ...

    def begin(self, report_id: str, now_ms: int) -> Delivery | None:
        """Count one more attempt; None if there is nothing to do (settled or erased).

        Raises SealError, and counts nothing, if the store is encrypted under other keys.
        """
        ...

    def excuse(self, ids: Sequence[str]) -> None:
        """Take one attempt back of each: it was not at fault."""
        ...

    def turn(  # noqa: PLR0913 - all but three by name
        self,
        done: Sequence[DecidedReport],
        ids: Sequence[str],
        now_ms: int,
        *,
        holder: str,
        lane: Lane,
        most: int = 0,
        hold: bool = True,
    ) -> TakenBatch:
        """In one round trip: settle `done`, begin `ids`, take up to `most` messages off the lane's queue.

        With `hold`, what is begun is noted under `holder`, the Celery task's id, until its next turn: if its process
        dies, `release` undoes that. Raises SealError as `begin`; UnicodeDecodeError if a stored one is no text.
        """
        ...

    def release(self, holder: str, lane: Lane) -> list[str]:
        """Let go of what a task had in hand when its process died: messages go back, attempts are taken back.

        The ids of those that it had begun together: each must now be evaluated alone.
        """
        ...

    def settle(self, report_id: str, result: dict[str, Any], now_ms: int, history: History | None = None) -> bool:
        """Store the result, publish its event, drop it from pending, in one step. False if settled already.

        `history`: what the result was made in; it is kept with the report, so that a replay gives the same.
        """
        ...

    def bury(self, report_id: str, result: dict[str, Any], reason: str, now_ms: int) -> bool:
        """As `settle`, but as a dead letter: the event has no level, and `triage:dead` has an entry with the reason."""
        ...

    def history(self, ruleset: str, subject: str, now_ms: int, client: str = "") -> History:
        """What the history of that client's subject is now, nothing counted."""
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

    def tasks_waiting(self) -> int:
        """Tasks that no worker has taken yet."""
        ...

    def heartbeat(self, worker: str, now_ms: int, *, stalled: bool = False) -> None:
        """A worker was heard from. `stalled`: it gets nothing done although work waits."""
        ...

    def workers(self, now_ms: int, within_ms: int) -> list[str]:
        """Workers heard from within that time that are not stalled."""
        ...

    def stalled(self, now_ms: int, within_ms: int) -> list[str]:
        """Workers heard from within that time that are."""
        ...

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
        """Store the bundle, make it live and write it down, in one step. Nothing changes if it is live already.

        approved_by: the clinician who approved the ruleset, if any.
        files: the texts it was made from and checked with, kept beside it. approving: a proposal, approved with it.
        Raises ProposalNotFound, ProposalRefused.
        """
        ...

    def source(self, digest: str) -> dict[str, str]:
        """The files that a bundle was made from and checked with, by name; none if they weren't kept."""
        ...

    def proposals(self, now_ms: int) -> list[Proposal]:
        """All that are kept, the newest first."""
        ...

    def proposal(self, proposal_id: str) -> tuple[Proposal, dict[str, str]]:
        """One of them and its files. Raises ProposalNotFound."""
        ...

    def propose(self, proposal: Proposal, files: Mapping[str, str], *, by: Actor) -> None:
        """Keep a new one and write it down, in one step. Raises ProposalRefused."""
        ...

    def close_proposal(self, proposal_id: str, state: ProposalState, now_ms: int, *, by: Actor) -> Proposal:
        """Decline or withdraw it and write that down, in one step. Raises ProposalNotFound, ProposalRefused."""
        ...

    def rollback(self, name: str, now_ms: int, *, by: Actor) -> LiveRuleset:
        """Make the one before live again and write it down, in one step. Raises RulesetNotFound if there is none."""
        ...

    def audit_log(self) -> Iterator[Record]:
        """All entries as they stand, oldest first; `triage_rules.records.audit.verify` judges them."""
        ...

    def withdraw(self, name: str, now_ms: int, *, by: Actor) -> LiveRuleset:
        """Make the ruleset live no more, in one step. Raises RulesetNotFound if it is not live."""
        ...

    def live(self) -> dict[str, LiveRuleset]: ...

    def digests(self, name: str, version: str) -> list[str]:
        """What was deployed under that version, as far as is remembered, the latest first, each once."""
        ...

    def bundle(self, digest: str) -> bytes:
        """Raises RulesetNotFound."""
        ...

    def now_ms(self) -> int:
        """What time it is by the store's clock, UTC, milliseconds since the epoch. Raises nothing."""
        ...

    def keys(self) -> dict[str, Key]:
        """All API keys by id, also those that open nothing any more; but for what can't be read."""
        ...

    def add_key(self, key: Key, *, by: Actor) -> None:
        """Keep a new key and write it down, in one step."""
        ...

    def revoke_key(self, key_id: str, now_ms: int, *, by: Actor) -> Key:
        """Have a key open nothing from now on, and write it down, in one step. Raises KeyNotFound."""
        ...

    def dead_letters(self, limit: int) -> list[dict[str, str]]:
        """The newest dead letters, the newest first: report, reason, attempts, ruleset, digest, lane, buried_at."""
        ...

    def board(self, wanted: Wanted, now_ms: int, limit: int, after: str | None = None) -> BoardPage:
        """Up to `limit` settled reports that come after that place; in as many steps however many there are.

        Raises NoPlace.
        """
        ...

    def tally(self, now_ms: int) -> BoardTally:
        """How many settled reports are open, overdue, acknowledged."""
        ...

    def mix(self, starts: Sequence[int], end_ms: int) -> list[Bar]:
        """How many reports of those that are settled were received between those times and the next, or `end_ms`."""
        ...

    def queues(self, now_ms: int) -> Queues:
        """What waits."""
        ...

    def heard(self) -> dict[str, int]:
        """When each worker that is remembered was last heard from, but for stalled ones."""
        ...

    def letters(self, limit: int, before: str | None = None) -> list[Letter]:
        """The newest dead letters, older than that entry, the newest first."""
        ...

    def acknowledge(self, report_id: str, now_ms: int, *, by: Actor) -> Acknowledged:
        """Note who takes care of a settled report, and write it down, in one step. Who did before, stays.

        Raises ReportNotFound, NotSettled.
        """
        ...

    def unacknowledge(self, report_id: str, now_ms: int, *, by: Actor) -> None:
        """Take that back, whoever said it, and write it down, in one step. Raises ReportNotFound, NotSettled."""
        ...

    def redrive(self, report_id: str, now_ms: int, *, by: Actor) -> Lane:
        """Have a dead letter's report tried anew, and write it down, in one step; the lane to enqueue it into.

        It has all its attempts again, and ends in one more event. Raises ReportNotFound, NotRedrivable.
        """
        ...

    def groups(self) -> Groups:
        """How far each consumer group is; of very many, the first by name."""
        ...

    def group_letters(self, group: str) -> Iterator[list[GroupLetter]]:
        """The dead letters that a consumer group has when this begins, the oldest first, a page at a time."""
        ...

    def put_back(self, group: str, letters: Sequence[GroupLetter], now_ms: int, *, by: Actor) -> list[PutBack]:
        """Have a group's dead letters handed out again, to this group alone, and write it down, in one step.

        What became of each. Raises GroupNotFound.
        """
        ...

    def ping(self) -> None: ...

    def erase(self, subject: str, now_ms: int, *, by: Actor, client: str | None = None) -> Erased:
        """Erase all that is stored of the subject and write that down, in one step; nothing more of it is published.

        Looks at every stored report. `client`: whose subject it is. Then see to the append-only file by rewrite_log.
        Raises SubjectOfSeveral if several clients have that subject and none is given, SealError.
        """
        ...

    def rewrite_log(self, wait_s: float) -> str:
        """Have Redis write its append-only file anew, and wait so long at most: done, running, none or refused."""
        ...

    def check_seals(self) -> None:
        """Raises SealError if the store is encrypted under other keys than those that are set, or if none is set."""
        ...

    def check_writes(self) -> None:
        """Write a little that passes: raises LedgerUnavailable also if the store can be read but takes nothing."""
        ...
