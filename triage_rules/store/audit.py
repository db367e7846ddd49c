"""The audit log, and steps that write their entry to it: the change and its entry, both or neither."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

import redis
from redis.client import Pipeline

from triage_rules.foundation.errors import AuditError, StoreUnavailable
from triage_rules.records import audit
from triage_rules.records.audit import Act, Head
from triage_rules.store.connection import Connection, refusals_translated
from triage_rules.store.keyspace import AUDIT

TRIES = 100
"""Each try that fails means that another process has written its entry."""

PAGE = 1000

T = TypeVar("T")


def _nothing(_: Pipeline) -> None:
    pass


@dataclass(frozen=True, slots=True)
class AuditedStep(Generic[T]):
    """A change to make: `commands` queues it, `act` is its audit entry, `answer` goes to the caller.

    Without an act there is nothing to do, and nothing is written.
    """

    answer: T
    act: Act | None = None
    commands: Callable[[Pipeline], object] = _nothing


class AuditLog:
    """The log of who did what, chained by hashes."""

    def __init__(self, connection: Connection) -> None:
        self._redis = connection.client

    def run_step(self, prepare: Callable[[Pipeline], AuditedStep[T]], *, watch: Sequence[str]) -> T:
        """Run the step that `prepare` returns together with its audit entry, or not at all; return its answer.

        `prepare` reads (its pipeline replies at once); it is called again if a key of `watch` changes meanwhile.
        watch: every key that it reads or that its commands write. `prepare` must read each key that could be of another
        type than its commands expect: Redis doesn't undo a transaction in which one command fails.

        Raises:
            StoreUnavailable: Redis is away, or too many others write at the same time.
            AuditError: The log's last entry was changed.
            Exception: `prepare` raised it.
        """
        tried: tuple[AuditedStep[T], dict[str, str]] | None = None
        for _ in range(TRIES):
            with refusals_translated(), self._redis.pipeline(transaction=True) as pipe:
                try:
                    pipe.watch(AUDIT, *watch)  # type: ignore[no-untyped-call]
                    head = audit.head_of(_last_entry(pipe))
                    if tried and _is_written(pipe, tried[1], head):
                        return tried[0].answer
                    step = prepare(pipe)
                    if step.act is None:
                        return step.answer
                    entry = audit.record(step.act, head)
                    tried = step, entry
                    pipe.multi()
                    step.commands(pipe)
                    pipe.xadd(AUDIT, cast(dict[Any, Any], entry))
                    pipe.execute()
                    return step.answer
                except redis.WatchError:
                    continue
        raise StoreUnavailable(f"{TRIES} others wrote to the audit log at the same time")

    def read_entries(self) -> Iterator[audit.Record]:
        """Yield all entries as they are stored, oldest first; `records.audit.verify` judges them.

        Bytes that are not UTF-8 become lone surrogates.
        """
        after = "-"
        while True:
            with refusals_translated(), _replacement_detected():
                # As bytes: an entry that was tampered with must be shown, whatever it holds.
                page = self._redis.execute_command(  # type: ignore[no-untyped-call]
                    "XRANGE", AUDIT, after, "+", "COUNT", PAGE, NEVER_DECODE=True
                )
            for _, fields in page:
                yield _decoded(fields)
            if len(page) < PAGE:
                return
            after = f"({_text(page[-1][0])}"


@contextmanager
def _replacement_detected() -> Iterator[None]:
    """Raise AuditError if the log's key holds another type than a stream."""
    try:
        yield
    except redis.ResponseError as error:
        if str(error).startswith("WRONGTYPE"):
            raise AuditError(f"the data under {AUDIT} is not a log: it was replaced; nothing was done") from error
        raise


def _last_entry(pipe: Pipeline) -> audit.Record | None:
    with _replacement_detected():
        entries: Any = pipe.execute_command(  # type: ignore[no-untyped-call]
            "XREVRANGE", AUDIT, "+", "-", "COUNT", 1, NEVER_DECODE=True
        )
    return _decoded(entries[0][1]) if entries else None


def _is_written(pipe: Pipeline, entry: audit.Record, head: Head) -> bool:
    """Return whether the log has the entry: then its step was run, and only the reply was lost with the connection."""
    behind = head.number - int(entry["number"])
    entries: Any = pipe.xrevrange(AUDIT, count=behind + 1) if behind >= 0 else []
    return bool(entries) and entries[-1][1].get("hash") == entry["hash"]


def _decoded(fields: dict[bytes, bytes]) -> audit.Record:
    return {_text(name): _text(value) for name, value in fields.items()}


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
