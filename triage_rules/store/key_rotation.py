"""Encryption of stored reports under other keys: after a rotation, or when encryption is switched on or off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import redis
from redis.client import Pipeline

from triage_rules.foundation.encryption import Encryption
from triage_rules.foundation.errors import DecryptionError
from triage_rules.records.audit import Act, Action, Actor
from triage_rules.records.events import RESULT_FIELD
from triage_rules.store.audit import AuditedStep, AuditLog
from triage_rules.store.clock import DAY_S
from triage_rules.store.connection import ENCRYPTION_CHECK_TEXT, Connection, refusals_translated
from triage_rules.store.deliveries import decrypt_field
from triage_rules.store.keyspace import (
    DEAD_OF,
    ENCRYPTION_CHECK,
    REPORT,
    RESULTS,
    level_keys,
    of_client,
    subject_key,
)

PAGE = 500
FIELDS = ("findings", "subject", "reported_at", "result", "client", "ruleset", "levels")


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """Counts of reports that were encrypted again and that no key opens.

    `events`: those that stay encrypted under other keys; `newest_event_ms`: the time of the newest of them.
    """

    reports: int
    unopened: int
    events: int
    newest_event_ms: int | None


class KeyRotation:
    """Encrypts stored reports under the first key."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._redis = connection.client
        self._encryption = connection.encryption
        self._settings = connection.settings
        self._audit = AuditLog(connection)

    def rekey(self, now_ms: int, *, by: Actor, plain: bool = False) -> Rekeyed:
        """Encrypt all stored reports under the first key, or store them as plain text, and write an audit entry.

        May be interrupted and repeated.
        """
        self._connection.check_encryption()
        to = Encryption((), self._settings.index_secret) if plain else self._encryption
        rekeyed = unopened = 0
        with refusals_translated():
            for key in self._redis.scan_iter(match=REPORT + "*", count=PAGE):
                try:
                    rekeyed += self._rekey_report(str(key), to)
                except (DecryptionError, UnicodeDecodeError):
                    unopened += 1
            others = [entry for stream in self._streams() for entry in self._entries_under_others(stream, to)]
        newest = max((int(entry_id.partition("-")[0]) for entry_id in others), default=None)
        answer = Rekeyed(rekeyed, unopened, len(others), newest)
        details = {"reports": rekeyed, "unopened": unopened, "encrypted": bool(to)}

        def commands(pipe: Pipeline) -> None:
            if to:
                pipe.set(ENCRYPTION_CHECK, to.encrypt(ENCRYPTION_CHECK_TEXT, "", ENCRYPTION_CHECK))
            else:
                pipe.delete(ENCRYPTION_CHECK)

        step = AuditedStep(answer, Act(by, Action.REKEY, now_ms, details), commands)
        return self._audit.run_step(lambda _: step, watch=[ENCRYPTION_CHECK])

    def _rekey_report(self, key: str, to: Encryption) -> bool:
        """Rekey a report; return whether it had to be. Raises DecryptionError."""
        while True:
            try:
                return self._try_to_rekey(key, to)
            except redis.WatchError:
                continue  # this report, or another of its subject, was settled just now

    def _try_to_rekey(self, key: str, to: Encryption) -> bool:
        """Rekey a report; return whether it had to be. Raises DecryptionError, WatchError."""
        report_id = key.removeprefix(REPORT)
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.watch(key)  # type: ignore[no-untyped-call]
            values: Any = pipe.hmget(key, FIELDS)
            report: dict[str, str | None] = dict(zip(FIELDS, values, strict=True))
            changed = self._changed(report_id, report, to)
            moved = self._moved(report_id, report)
            if not changed and not moved:
                return False
            left_ms: Any = pipe.pttl(key)
            if moved:
                watched = [str(report["levels"]), moved]  # others settle meanwhile, and each changes one of these two
                pipe.watch(*watched)  # type: ignore[no-untyped-call]
            old: Any = pipe.hgetall(str(report["levels"])) if moved else {}
            new: Any = pipe.hgetall(moved) if moved else {}
            pipe.multi()
            if changed:
                pipe.hset(key, mapping=changed)
            if moved:
                levels = {level: max(int(old.get(level, 0)), int(new.get(level, 0))) for level in {*old, *new}}
                self._move(pipe, key, str(report["levels"]), moved, levels)
            if left_ms > 0:  # a report that expired meanwhile must not come back for good
                pipe.pexpire(key, left_ms)
            pipe.execute()
        return True

    def _changed(self, report_id: str, report: dict[str, str | None], to: Encryption) -> dict[Any, Any]:
        answers, result = report["findings"], report["result"]
        changed = {}
        if answers and not to.is_current(answers):
            plain = self._encryption.decrypt(answers, report_id, "findings")
            changed["findings"] = to.encrypt(plain, report_id, "findings")
            for field in ("subject", "reported_at"):
                text = decrypt_field(self._encryption, answers, report[field], report_id, field)
                changed[field] = to.encrypt(text, report_id, field) if text else ""
        if result and not to.is_current(result):
            plain = self._encryption.decrypt(result, report_id, RESULT_FIELD)
            changed["result"] = to.encrypt(plain, report_id, RESULT_FIELD)
        return changed

    def _moved(self, report_id: str, report: dict[str, str | None]) -> str:
        """Return the key that the subject's levels should have, if it is another than they have; else ''."""
        subject = decrypt_field(self._encryption, report["findings"] or "", report["subject"], report_id, "subject")
        if not subject or not report["levels"]:
            return ""
        name = self._encryption.hash_name(of_client(report["client"] or "", subject))
        wanted = subject_key("levels", str(report["ruleset"]), name)
        return "" if wanted == report["levels"] else wanted

    def _move(self, pipe: Pipeline, report: str, old: str, new: str, levels: dict[Any, Any]) -> None:
        """Queue the commands that continue the subject's history under its new name."""
        kept_s = max(self._settings.retention_days, 2 * self._settings.event_retention_days) * DAY_S
        moves = [
            (old.replace("levels", kind, 1), new.replace("levels", kind, 1), kept_s)
            for kind in ("subject", "amendments")
        ]
        moves += [
            (*keys, self._settings.history_hours * 3600) for keys in zip(level_keys(old), level_keys(new), strict=True)
        ]
        pipe.hset(report, "levels", new)
        for key, new_key, kept_s in moves:
            pipe.zunionstore(new_key, [key, new_key], aggregate="MAX")
            pipe.expire(new_key, kept_s)
            pipe.delete(key)
        if levels:
            pipe.hset(new, mapping=levels)
            pipe.expire(new, self._settings.history_hours * 3600)
        pipe.delete(old)

    def _streams(self) -> list[str]:
        return [RESULTS, *map(str, self._redis.scan_iter(match=DEAD_OF + "*", count=PAGE))]

    def _entries_under_others(self, stream: str, to: Encryption) -> Iterator[str]:
        """Yield the ids of entries that the first key doesn't open: no entry of a stream can be changed."""
        start = "-"
        while True:
            page: Any = self._redis.xrange(stream, start, "+", count=PAGE)
            for entry_id, fields in page:
                if not to.is_current(fields.get("data", "")):
                    yield entry_id
            if len(page) < PAGE:
                return
            start = f"({page[-1][0]}"
