"""Erasing all that is stored of a person, wherever a copy is."""

from __future__ import annotations

import enum
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import redis
from redis.client import Pipeline

from triage_rules.foundation.errors import SealError, SubjectOfSeveral
from triage_rules.foundation.settings import Settings
from triage_rules.records import board
from triage_rules.records.audit import Act, Action, Actor
from triage_rules.store import Erased
from triage_rules.store.audit import Audited, AuditedStep
from triage_rules.store.connection import refusals_translated
from triage_rules.store.deliveries import opened
from triage_rules.store.follow_up import forget, noted_as
from triage_rules.store.keyspace import (
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
    of_client,
    subject_key,
)

PAGE = 1000
POLL_SECONDS = 0.1
FIELDS = ("findings", "subject", "client", "levels", "idempotency", "ruleset")


class LogRewrite(enum.StrEnum):
    """What became of the append-only file, in which erased values stand until it is written anew."""

    DONE = "done"
    RUNNING = "running"
    NONE = "none"
    """There is no append-only file."""
    REFUSED = "refused"
    """This user may not ask for it, or Redis can't do it."""


@dataclass(slots=True)
class _Found:
    """What is to go: report ids, and the keys that lead to them."""

    ids: set[str] = field(default_factory=set)
    indexes: set[str] = field(default_factory=set)
    idempotency: set[str] = field(default_factory=set)
    clients: set[str] = field(default_factory=set)
    """Clients that have reports of that subject."""
    unopened: int = 0


class Erasing(Audited):
    """See `triage_rules.store.Ledger` for what each method promises."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._matching = self._script("matching")

    def erase(self, subject: str, now_ms: int, *, by: Actor, client: str | None = None) -> Erased:
        """Erase all that is stored of the subject, also while its reports are queued or being evaluated."""
        self.check_seals()
        with refusals_translated():
            found = self._find(subject, client)
        if client is None and len(found.clients) > 1:
            raise SubjectOfSeveral(tuple(sorted(found.clients)))
        return self._audited(lambda pipe: self._deed(pipe, found, Act(by, Action.ERASE, now_ms, {})), watch=[])

    def rewrite_log(self, wait_s: float) -> LogRewrite:
        """Have Redis write its append-only file anew, and wait for it at most so long. Raises LedgerUnavailable."""
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
                    if not busy:  # one that was running before we came may hold what was erased
                        self._redis.bgrewriteaof()
                        asked = True
                except redis.ResponseError:
                    return LogRewrite.REFUSED
                if time.monotonic() >= until:
                    return LogRewrite.RUNNING
                time.sleep(POLL_SECONDS)

    def _find(self, subject: str, client: str | None) -> _Found:
        """Looks at every report: the index may be gone, or made with another secret."""
        found, seen = _Found(), {"" if client is None else client}
        for report_id, report in self._reports():
            whose = report["client"] or ""
            seen.add(whose)
            try:
                known = opened(self._seals, report["findings"] or "", report["subject"], report_id, "subject")
            except SealError:
                found.unopened += 1
                continue
            if known == subject and client in (None, whose):
                found.clients.add(whose)
                found.ids.add(report_id)
                _note_keys(found, report["levels"] or "", report["idempotency"] or "")
        for whose in [client] if client is not None else seen:
            ids = self._indexed(subject, whose, found)
            if ids:
                found.clients.add(whose)
                found.ids |= ids
        return found

    def _indexed(self, subject: str, client: str, found: _Found) -> set[str]:
        """The ids that the subject's index knows: also of reports that are gone while their events are still there."""
        hashed, ids = self._seals.named(of_client(client, subject)), set()
        for ruleset in self._redis.hkeys(LIVE):
            key = subject_key("subject", str(ruleset), hashed)
            members: Any = self._redis.zrange(key, 0, -1)
            if members:
                ids |= set(members)
                found.indexes |= {key, subject_key("levels", str(ruleset), hashed)}
        return ids

    def _reports(self) -> Iterator[tuple[str, dict[str, str | None]]]:
        """Every stored report: its id and FIELDS. Bytes that are no text come as lone surrogates."""
        for keys in _pages(self._redis.scan_iter(match=REPORT + "*", count=PAGE)):
            with self._redis.pipeline(transaction=False) as pipe:
                for key in keys:
                    pipe.execute_command("HMGET", key, *FIELDS, NEVER_DECODE=True)  # type: ignore[no-untyped-call]
                for key, values in zip(keys, pipe.execute(), strict=True):
                    yield key.removeprefix(REPORT), dict(zip(FIELDS, map(_text, values), strict=True))

    def _add_new(self, pipe: Pipeline, found: _Found) -> None:
        """What was accepted since we looked."""
        for index in sorted(key for key in found.indexes if key.startswith("triage:subject:")):
            pipe.watch(index)  # type: ignore[no-untyped-call]
            members: Any = pipe.zrange(index, 0, -1)
            for report_id in set(members) - found.ids:
                found.ids.add(report_id)
                _note_keys(found, "", str(pipe.hget(REPORT + report_id, "idempotency") or ""))

    def _deed(self, pipe: Pipeline, found: _Found, act: Act) -> AuditedStep[Erased]:
        self._add_new(pipe, found)
        ids, reports = sorted(found.ids), [REPORT + report_id for report_id in sorted(found.ids)]
        groups: Any = [group["name"] for group in pipe.xinfo_groups(RESULTS)] if pipe.exists(RESULTS) else []
        if reports:
            pipe.watch(*reports)  # type: ignore[no-untyped-call]  # one that is settled just now has an event more
        noted = [noted_as(report_id, cast(str | None, pipe.hget(REPORT + report_id, "noted"))) for report_id in ids]
        keys = [*reports, *sorted(found.indexes)]
        keys += [key for key in sorted(found.idempotency) if pipe.hget(key, "id") in found.ids]
        there = sum(int(pipe.exists(key)) for key in reports)
        gone = sum(int(pipe.exists(key)) for key in keys) - there
        entries = {stream: list(self._entries(stream, ids)) for stream in [RESULTS, DEAD, *self._letters_of_groups()]}
        letters = sum(len(found) for stream, found in entries.items() if stream != RESULTS)
        erased = Erased(there, len(entries[RESULTS]), letters, gone, found.unopened)

        def commands(pipe: Pipeline) -> None:
            if keys:
                pipe.delete(*keys)
            if ids:
                for index in (PENDING, PENDING_URGENT, DUE):
                    pipe.zrem(index, *ids)
            for one in noted:
                if one is not None:
                    forget(pipe, one)
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
        """Also of groups that are gone."""
        return [str(key) for key in self._redis.scan_iter(match=DEAD_OF + "*", count=PAGE)]

    def _entries(self, stream: str, ids: list[str]) -> Iterator[str]:
        start, name = "-", "report" if stream == DEAD else "ce_subject"
        while ids:
            last, *found = self._matching([stream], [start, PAGE, name, *ids])
            yield from found
            if not last:
                return
            start = f"({last}"


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else raw.decode("utf-8", "surrogateescape")


def _event_ids(report_id: str) -> list[str]:
    """What its events may be called: one that was tried anew has had more than one."""
    first = f"{report_id}:result"
    return [first, *(f"{first}:{number}" for number in range(2, board.MOST_REDRIVES + 2))]


def _note_keys(found: _Found, levels: str, idempotency: str) -> None:
    """What the report says, but no other kind of key, whatever it says."""
    if levels.startswith("triage:levels:"):
        found.indexes |= {levels, levels.replace("levels", "subject", 1)}
    if idempotency.startswith(idempotency_key("")):
        found.idempotency.add(idempotency)


def _pages(keys: Iterable[str]) -> Iterator[list[str]]:
    page: list[str] = []
    for key in keys:
        page.append(key)
        if len(page) == PAGE:
            yield page
            page = []
    if page:
        yield page
