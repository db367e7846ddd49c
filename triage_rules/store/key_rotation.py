"""Stored reports sealed anew, after the encryption keys were changed, switched on or switched off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import redis
from redis.client import Pipeline

from triage_rules.foundation.encryption import Seals
from triage_rules.foundation.errors import SealError
from triage_rules.records.audit import Act, Action, Actor
from triage_rules.records.events import SEALED_AS
from triage_rules.store import Rekeyed
from triage_rules.store.audit import Audited, AuditedStep
from triage_rules.store.base import DAY_S, SEALED_TEXT
from triage_rules.store.connection import refusals_translated
from triage_rules.store.deliveries import opened
from triage_rules.store.keyspace import DEAD_OF, REPORT, RESULTS, SEALED, of_client, subject_key

PAGE = 500
FIELDS = ("findings", "subject", "reported_at", "result", "client", "ruleset", "levels")


class Rekeying(Audited):
    """See `triage_rules.store.Ledger` for what each method promises."""

    def rekey(self, now_ms: int, *, by: Actor, plain: bool = False) -> Rekeyed:
        """Seal all stored reports under the first key, or open them for good. May be repeated and interrupted."""
        self.check_seals()
        to = Seals((), self._settings.index_secret) if plain else self._seals
        resealed = unopened = 0
        with refusals_translated():
            for key in self._redis.scan_iter(match=REPORT + "*", count=PAGE):
                try:
                    resealed += self._until_done(str(key), to)
                except (SealError, UnicodeDecodeError):
                    unopened += 1
            others = [name for stream in self._streams() for name in self._under_others(stream, to)]
        newest = max((int(entry_id.partition("-")[0]) for entry_id in others), default=None)
        rekeyed = Rekeyed(resealed, unopened, len(others), newest)
        details = {"reports": resealed, "unopened": unopened, "encrypted": bool(to)}

        def commands(pipe: Pipeline) -> None:
            if to:
                pipe.set(SEALED, to.seal(SEALED_TEXT, "", SEALED))
            else:
                pipe.delete(SEALED)

        return self._audited(
            lambda _: AuditedStep(rekeyed, Act(by, Action.REKEY, now_ms, details), commands), watch=[SEALED]
        )

    def _until_done(self, key: str, to: Seals) -> bool:
        while True:
            try:
                return self._reseal(key, to)
            except redis.WatchError:
                continue  # it, or another of its subject, was settled just now

    def _reseal(self, key: str, to: Seals) -> bool:
        """Whether there was something to do. Raises SealError, WatchError."""
        report_id = key.removeprefix(REPORT)
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.watch(key)  # type: ignore[no-untyped-call]
            found: Any = pipe.hmget(key, FIELDS)
            report: dict[str, str | None] = dict(zip(FIELDS, found, strict=True))
            changed = self._changed(report_id, report, to)
            moved = self._moved(report_id, report)
            if not changed and not moved:
                return False
            left_ms: Any = pipe.pttl(key)
            if moved:
                pipe.watch(str(report["levels"]), moved)  # type: ignore[no-untyped-call]  # others settle meanwhile
            old: Any = pipe.hgetall(str(report["levels"])) if moved else {}
            new: Any = pipe.hgetall(moved) if moved else {}
            pipe.multi()
            if changed:
                pipe.hset(key, mapping=changed)
            if moved:
                levels = {level: max(int(old.get(level, 0)), int(new.get(level, 0))) for level in {*old, *new}}
                self._move(pipe, key, str(report["levels"]), moved, levels)
            if left_ms > 0:  # should it have expired meanwhile, it must not come back for good
                pipe.pexpire(key, left_ms)
            pipe.execute()
        return True

    def _changed(self, report_id: str, report: dict[str, str | None], to: Seals) -> dict[Any, Any]:
        answers, result = report["findings"], report["result"]
        changed = {}
        if answers and not to.is_current(answers):
            changed["findings"] = to.seal(self._seals.open(answers, report_id, "findings"), report_id, "findings")
            for field in ("subject", "reported_at"):
                text = opened(self._seals, answers, report[field], report_id, field)
                changed[field] = to.seal(text, report_id, field) if text else ""
        if result and not to.is_current(result):
            changed["result"] = to.seal(self._seals.open(result, report_id, SEALED_AS), report_id, SEALED_AS)
        return changed

    def _moved(self, report_id: str, report: dict[str, str | None]) -> str:
        """The key that the subject's levels should have, if it is another than they have; else ''."""
        subject = opened(self._seals, report["findings"] or "", report["subject"], report_id, "subject")
        if not subject or not report["levels"]:
            return ""
        name = self._seals.named(of_client(report["client"] or "", subject))
        wanted = subject_key("levels", str(report["ruleset"]), name)
        return "" if wanted == report["levels"] else wanted

    def _move(self, pipe: Pipeline, report: str, old: str, new: str, levels: dict[Any, Any]) -> None:
        """Queue what lets the subject's history go on under its new name."""
        ids, new_ids = old.replace("levels", "subject", 1), new.replace("levels", "subject", 1)
        pipe.hset(report, "levels", new)
        pipe.zunionstore(new_ids, [ids, new_ids], aggregate="MAX")
        pipe.expire(new_ids, max(self._settings.retention_days, 2 * self._settings.event_retention_days) * DAY_S)
        if levels:
            pipe.hset(new, mapping=levels)
            pipe.expire(new, self._settings.history_hours * 3600)
        pipe.delete(old, ids)

    def _streams(self) -> list[str]:
        return [RESULTS, *map(str, self._redis.scan_iter(match=DEAD_OF + "*", count=PAGE))]

    def _under_others(self, stream: str, to: Seals) -> Iterator[str]:
        """Ids of entries that the first key alone doesn't open: no entry of a stream can be changed."""
        start = "-"
        while True:
            page: Any = self._redis.xrange(stream, start, "+", count=PAGE)
            for entry_id, fields in page:
                if not to.is_current(fields.get("data", "")):
                    yield entry_id
            if len(page) < PAGE:
                return
            start = f"({page[-1][0]}"
