"""Erasure of all that is stored of a person, wherever a copy is."""

from __future__ import annotations

import enum
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import redis
from redis.client import Pipeline

from triage_rules.foundation.errors import DecryptionError, SubjectOfSeveral
from triage_rules.records import board
from triage_rules.records.audit import Act, Action, Actor
from triage_rules.store.audit import AuditedStep, AuditLog
from triage_rules.store.connection import Connection, refusals_translated
from triage_rules.store.deliveries import decrypt_field
from triage_rules.store.keyspace import (
    CHAIN,
    DEAD,
    DEAD_OF,
    DUE,
    LIVE,
    PENDING,
    PENDING_URGENT,
    REPORT,
    RESULTS,
    SEEN,
    idempotency_key,
    level_keys,
    of_client,
    subject_key,
)
from triage_rules.store.settled_reports import queue_removal, read_noted

PAGE = 1000
POLL_SECONDS = 0.1
FIELDS = ("findings", "subject", "client", "levels", "idempotency", "chain")


_INDEXES = ("subject", "amendments")
_INDEX_PREFIXES = tuple(f"triage:{kind}:" for kind in _INDEXES)
"""Keys with the ids of a subject's reports."""


class LogRewrite(enum.StrEnum):
    """The state of the append-only file, in which erased values stand until Redis rewrites it."""

    DONE = "done"
    RUNNING = "running"
    NONE = "none"
    """There is no append-only file."""
    REFUSED = "refused"
    """This user may not rewrite it, or Redis can't."""


@dataclass(frozen=True, slots=True)
class Erased:
    """Counts of what was erased. `keys`: except the reports' own. `unopened`: reports kept, as no key opens them."""

    reports: int
    events: int
    dead_letters: int
    keys: int
    unopened: int


@dataclass(slots=True)
class _Selection:
    """The reports to erase, and the keys that lead to them."""

    ids: set[str] = field(default_factory=set)
    indexes: set[str] = field(default_factory=set)
    idempotency: set[str] = field(default_factory=set)
    chains: set[str] = field(default_factory=set)
    """Ids of the first reports of chains."""
    clients: set[str] = field(default_factory=set)
    """Clients that have reports of that subject."""
    unopened: int = 0


class Erasure:
    """Erases subjects."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._redis = connection.client
        self._encryption = connection.encryption
        self._audit = AuditLog(connection)
        self._matching = connection.script("matching")

    def erase(self, subject: str, now_ms: int, *, by: Actor, client: str | None = None) -> Erased:
        """Erase all that is stored of the subject, with its audit entry; nothing more of it is published.

        Its reports may be queued or being evaluated. Every stored report is read. client: whose subject it is.
        Then call rewrite_log: the append-only file still holds the erased values.

        Raises:
            SubjectOfSeveral: Several clients have that subject, and none is given.
            DecryptionError: The store is encrypted under other keys.
        """
        self._connection.check_encryption()
        with refusals_translated():
            selection = self._select(subject, client)
        if client is None and len(selection.clients) > 1:
            raise SubjectOfSeveral(tuple(sorted(selection.clients)))
        act = Act(by, Action.ERASE, now_ms, {})
        return self._audit.run_step(lambda pipe: self._prepare(pipe, selection, act), watch=[])

    def rewrite_log(self, wait_s: float) -> LogRewrite:
        """Have Redis rewrite its append-only file, and wait for at most so many seconds."""
        until = time.monotonic() + wait_s
        asked = False
        with refusals_translated():
            while True:
                try:
                    state: Any = self._redis.info("persistence")
                    if not int(state["aof_enabled"]):
                        return LogRewrite.NONE
                    busy = int(state["aof_rewrite_in_progress"]) or int(state["aof_rewrite_scheduled"])
                    if not busy and asked:
                        return LogRewrite.DONE if state["aof_last_bgrewrite_status"] == "ok" else LogRewrite.REFUSED
                    if not busy:  # a rewrite that was running before may hold what was erased
                        self._redis.bgrewriteaof()
                        asked = True
                except redis.ResponseError:
                    return LogRewrite.REFUSED
                if time.monotonic() >= until:
                    return LogRewrite.RUNNING
                time.sleep(POLL_SECONDS)

    def _select(self, subject: str, client: str | None) -> _Selection:
        """Read every report: the index may be gone, or made with another secret."""
        selection, seen = _Selection(), {"" if client is None else client}
        for report_id, report in self._reports():
            whose = report["client"] or ""
            seen.add(whose)
            try:
                answers, stored = report["findings"] or "", report["subject"]
                known = decrypt_field(self._encryption, answers, stored, report_id, "subject")
            except DecryptionError:
                selection.unopened += 1
                continue
            if known == subject and client in (None, whose):
                selection.clients.add(whose)
                selection.ids.add(report_id)
                _note_keys(selection, report["levels"] or "", report["idempotency"] or "")
                selection.chains.add(report["chain"] or report_id)
        for whose in [client] if client is not None else seen:
            ids = self._indexed(subject, whose, selection)
            if ids:
                selection.clients.add(whose)
                selection.ids |= ids
        return selection

    def _indexed(self, subject: str, client: str, selection: _Selection) -> set[str]:
        """Return the ids in the subject's index, including reports that are gone while their events are kept."""
        hashed, ids = self._encryption.hash_name(of_client(client, subject)), set()
        for ruleset in self._redis.hkeys(LIVE):
            indexes = [subject_key(kind, str(ruleset), hashed) for kind in _INDEXES]
            members: set[Any] = set().union(*(self._redis.zrange(index, 0, -1) for index in indexes))
            if members:
                ids |= members
                selection.indexes |= {*indexes, *_level_keys(subject_key("levels", str(ruleset), hashed))}
        return ids

    def _reports(self) -> Iterator[tuple[str, dict[str, str | None]]]:
        """Yield the id and FIELDS of every stored report. Bytes that are not UTF-8 become lone surrogates."""
        for keys in _pages(self._redis.scan_iter(match=REPORT + "*", count=PAGE)):
            with self._redis.pipeline(transaction=False) as pipe:
                for key in keys:
                    pipe.execute_command("HMGET", key, *FIELDS, NEVER_DECODE=True)  # type: ignore[no-untyped-call]
                for key, values in zip(keys, pipe.execute(), strict=True):
                    yield key.removeprefix(REPORT), dict(zip(FIELDS, map(_text, values), strict=True))

    def _add_new(self, pipe: Pipeline, selection: _Selection) -> None:
        """Add the reports that were accepted since the selection was made."""
        for index in sorted(key for key in selection.indexes if key.startswith(_INDEX_PREFIXES)):
            pipe.watch(index)  # type: ignore[no-untyped-call]
            members: Any = pipe.zrange(index, 0, -1)
            for report_id in set(members) - selection.ids:
                selection.ids.add(report_id)
                _note_keys(selection, "", str(pipe.hget(REPORT + report_id, "idempotency") or ""))

    def _prepare(self, pipe: Pipeline, selection: _Selection, act: Act) -> AuditedStep[Erased]:
        self._add_new(pipe, selection)
        ids, reports = sorted(selection.ids), [REPORT + report_id for report_id in sorted(selection.ids)]
        groups: Any = [group["name"] for group in pipe.xinfo_groups(RESULTS)] if pipe.exists(RESULTS) else []
        if reports:
            pipe.watch(*reports)  # type: ignore[no-untyped-call]  # a report that is settled meanwhile has one more event
        noted = [read_noted(report_id, cast(str | None, pipe.hget(REPORT + report_id, "noted"))) for report_id in ids]
        keys = [*reports, *sorted(selection.indexes), *(CHAIN + chain for chain in sorted(selection.chains | {*ids}))]
        keys += [key for key in sorted(selection.idempotency) if pipe.hget(key, "id") in selection.ids]
        there = sum(int(pipe.exists(key)) for key in reports)
        gone = sum(int(pipe.exists(key)) for key in keys) - there
        entries = {stream: list(self._entries(stream, ids)) for stream in [RESULTS, DEAD, *self._letters_of_groups()]}
        letters = sum(len(matching) for stream, matching in entries.items() if stream != RESULTS)
        erased = Erased(there, len(entries[RESULTS]), letters, gone, selection.unopened)

        def commands(pipe: Pipeline) -> None:
            if keys:
                pipe.delete(*keys)
            if ids:
                for index in (PENDING, PENDING_URGENT, DUE):
                    pipe.zrem(index, *ids)
            for entry in noted:
                if entry is not None:
                    queue_removal(pipe, entry)
            for stream, at in entries.items():
                if at:
                    pipe.xdel(stream, *at)
            for group in groups:
                if entries[RESULTS]:
                    pipe.xack(RESULTS, group, *entries[RESULTS])
                if ids:
                    pipe.zrem(SEEN + str(group), *(event for report_id in ids for event in _event_ids(report_id)))

        counted = {"reports": there, "events": erased.events, "dead_letters": letters, "keys": gone}
        return AuditedStep(erased, Act(act.actor, act.action, act.at_ms, counted), commands)

    def _letters_of_groups(self) -> list[str]:
        """Return the streams of dead letters of all groups, including groups that are gone."""
        return [str(key) for key in self._redis.scan_iter(match=DEAD_OF + "*", count=PAGE)]

    def _entries(self, stream: str, ids: list[str]) -> Iterator[str]:
        start, name = "-", "report" if stream == DEAD else "ce_subject"
        while ids:
            last, *matching = self._matching([stream], [start, PAGE, name, *ids])
            yield from matching
            if not last:
                return
            start = f"({last}"


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else raw.decode("utf-8", "surrogateescape")


def _level_keys(levels: str) -> list[str]:
    return [levels, *level_keys(levels)]


def _event_ids(report_id: str) -> list[str]:
    """Return the ids that a report's events may have: each requeue adds one more event."""
    first = f"{report_id}:result"
    return [first, *(f"{first}:{number}" for number in range(2, board.MOST_REDRIVES + 2))]


def _note_keys(selection: _Selection, levels: str, idempotency: str) -> None:
    """Add the keys that a report names, if they are of these kinds."""
    if levels.startswith("triage:levels:"):
        selection.indexes |= {*_level_keys(levels), *(levels.replace("levels", kind, 1) for kind in _INDEXES)}
    if idempotency.startswith(idempotency_key("")):
        selection.idempotency.add(idempotency)


def _pages(keys: Iterable[str]) -> Iterator[list[str]]:
    page: list[str] = []
    for key in keys:
        page.append(key)
        if len(page) == PAGE:
            yield page
            page = []
    if page:
        yield page
