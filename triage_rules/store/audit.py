"""Deeds that are written down: what is done and its entry in the audit log, both in one step or neither."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

import redis
from redis.client import Pipeline

from triage_rules.foundation.errors import AuditError, LedgerUnavailable
from triage_rules.records import audit
from triage_rules.records.audit import Act, Head
from triage_rules.store.base import Store
from triage_rules.store.connection import refusals_translated
from triage_rules.store.keyspace import AUDIT

TRIES = 100
"""Each try that fails means that somebody else's has succeeded."""

PAGE = 1000

T = TypeVar("T")


def _nothing(_: Pipeline) -> None:
    pass


@dataclass(frozen=True, slots=True)
class AuditedStep(Generic[T]):
    """What is to be done: `commands` are queued, `act` is written down, `answer` is what the caller gets.

    Without an act there turned out to be nothing to do, and nothing is written.
    """

    answer: T
    act: Act | None = None
    commands: Callable[[Pipeline], object] = _nothing


class Audited(Store):
    """What a part of the ledger stands on whose deeds are written down."""

    def _audited(self, prepare: Callable[[Pipeline], AuditedStep[T]], *, watch: Sequence[str]) -> T:
        """Do what `prepare` says, together with its entry, or not at all.

        `prepare` reads (its pipeline answers at once); it is called again if a key of `watch` changes meanwhile.
        `watch`: every key that it reads or that its commands write. It must read each key that could be of another type
        than its commands expect: what a command meets only when it is run, Redis doesn't undo.
        Raises LedgerUnavailable, AuditError if the log's last entry was changed, and what `prepare` raises.
        """
        tried: tuple[AuditedStep[T], dict[str, str]] | None = None
        for _ in range(TRIES):
            with refusals_translated(), self._redis.pipeline(transaction=True) as pipe:
                try:
                    pipe.watch(AUDIT, *watch)  # type: ignore[no-untyped-call]
                    head = audit.head_of(_last(pipe))
                    if tried and _stands(pipe, tried[1], head):
                        return tried[0].answer
                    deed = prepare(pipe)
                    if deed.act is None:
                        return deed.answer
                    entry = audit.record(deed.act, head)
                    tried = deed, entry
                    pipe.multi()
                    deed.commands(pipe)
                    pipe.xadd(AUDIT, cast(dict[Any, Any], entry))
                    pipe.execute()
                    return deed.answer
                except redis.WatchError:
                    continue
        raise LedgerUnavailable(f"{TRIES} others wrote to the audit log at the same time")

    def audit_log(self) -> Iterator[audit.Record]:
        """All entries of the audit log as they stand, oldest first. Bytes that are no UTF-8 become lone surrogates."""
        after = "-"
        while True:
            with refusals_translated(), _tampering_told():
                # As bytes: an entry that was tampered with must come out whatever it holds.
                page = self._redis.execute_command(  # type: ignore[no-untyped-call]
                    "XRANGE", AUDIT, after, "+", "COUNT", PAGE, NEVER_DECODE=True
                )
            for _, fields in page:
                yield {_text(name): _text(value) for name, value in fields.items()}
            if len(page) < PAGE:
                return
            after = f"({_text(page[-1][0])}"


@contextmanager
def _tampering_told() -> Iterator[None]:
    """Turn what Redis says of a log that is no stream any more into AuditError."""
    try:
        yield
    except redis.ResponseError as error:
        if str(error).startswith("WRONGTYPE"):
            raise AuditError(f"what stands under {AUDIT} is no log: it was replaced; nothing was done") from error
        raise


def _last(pipe: Pipeline) -> audit.Record | None:
    with _tampering_told():
        found: Any = pipe.execute_command(  # type: ignore[no-untyped-call]
            "XREVRANGE", AUDIT, "+", "-", "COUNT", 1, NEVER_DECODE=True
        )
    return {_text(name): _text(value) for name, value in found[0][1].items()} if found else None


def _stands(pipe: Pipeline, entry: audit.Record, head: Head) -> bool:
    """Whether an entry is in the log: its commands were run, and only the answer was lost with the connection."""
    behind = head.number - int(entry["number"])
    found: Any = pipe.xrevrange(AUDIT, count=behind + 1) if behind >= 0 else []
    return bool(found) and found[-1][1].get("hash") == entry["hash"]


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
