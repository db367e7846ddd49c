"""Accepting a report, and asking what one would give: the use cases behind the calls, without any HTTP."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import rfc8785

from service.use.dispatch import Dispatch
from triage_rules.deployment.live import Loaded
from triage_rules.foundation import strict_json
from triage_rules.foundation.errors import BundleError, LedgerUnavailable, StaleRuleset, TriageError
from triage_rules.intake.report import Posted, RulesetLookup, read_report
from triage_rules.records.reports import Accepted, History, Idempotency, Lane, NewReport
from triage_rules.store import Ledger

TRIES = 3
"""How often a report is read anew because the live ruleset changed under it, before the caller is asked to retry."""


class IntakeRulesets(RulesetLookup[Loaded], Protocol):
    """The live rulesets, as intake needs them."""

    def refresh(self) -> None:
        """Ask the ledger now what is live."""
        ...

    def refused(self) -> dict[str, str]:
        """Live rulesets that can't be opened; the last good one stands in for them."""
        ...


class IntakeMetrics(Protocol):
    """Who is told what happened."""

    def accepted(self, ruleset: str, lane: Lane) -> None: ...

    def evaluated(self, ruleset: str, level: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Request:
    """One report to accept: its decoded JSON, the caller's idempotency key for it, if any, and whose it is."""

    raw: object
    key: str | None = None
    client: str = ""


IntakeOutcome = Accepted | TriageError
"""What became of one report of several."""


class Intake:
    """The use cases. `now_ms` and `new_id` are handed in, so that a test decides what time it is."""

    def __init__(  # noqa: PLR0913  # its parts, told apart by name
        self,
        ledger: Ledger,
        live: IntakeRulesets,
        dispatch: Dispatch,
        counts: IntakeMetrics,
        *,
        now_ms: Callable[[], int],
        new_id: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self._ledger = ledger
        self._live = live
        self._dispatch = dispatch
        self._counts = counts
        self._now_ms = now_ms
        self._new_id = new_id

    def accept(self, request: Request) -> Accepted:
        """Accept one report, or find the one that an earlier request with the same key made.

        Raises ReportError, NoRulesetLive, BundleError, StaleRuleset, IdempotencyMismatch, QueueTooOld and
        LedgerUnavailable; then nothing was accepted.
        """
        accepted, lane = self._accept(request, enqueue=True)
        if lane is not None:
            self._dispatch([accepted.id], lane)
        return accepted

    def accept_many(self, requests: Sequence[Request]) -> list[IntakeOutcome]:
        """As `accept` for each; a refusal stands in its request's place.

        Requests without a key are accepted in one round trip. Once the ledger is away, the rest is not tried.
        """
        outcomes: dict[int, IntakeOutcome] = {}
        lanes: dict[Lane, list[str]] = {}
        todo = list(range(len(requests)))
        for _ in range(TRIES):
            for index, outcome, lane in self._accept_each(requests, todo):
                outcomes[index] = outcome
                if isinstance(outcome, Accepted) and lane is not None:
                    lanes.setdefault(lane, []).append(outcome.id)
            todo = [index for index in todo if isinstance(outcomes[index], StaleRuleset)]
            if not todo:
                break
            self._live.refresh()
        outcomes |= {index: self._stale() for index in todo}
        for lane, ids in lanes.items():
            self._dispatch(ids, lane)
        return [outcomes[index] for index in range(len(requests))]

    def evaluate(self, raw: object, client: str = "") -> dict[str, Any]:
        """The result that the report would have now, in its subject's history. Nothing is stored, counted or published.

        Raises ReportError, NoRulesetLive, EngineError, LedgerUnavailable.
        """
        now = self._now_ms()
        posted = read_report(raw, self._live, now)
        result = posted.loaded.evaluator.evaluate(
            posted.answers,
            self._history(posted, now, client),
            report_id=self._new_id(),
            received_ms=now,
            evaluated_ms=self._now_ms(),
        )
        self._counts.evaluated(posted.loaded.ruleset.name, str(result["level"]))
        return result

    def _accept(self, request: Request, *, enqueue: bool) -> tuple[Accepted, Lane | None]:
        """The report, and the lane to enqueue it into, if it still must be. `enqueue`: in the step that stores it."""
        idempotency = _idempotency(request)
        known = self._ledger.find_idempotent(idempotency) if idempotency is not None else None
        if known is not None:
            return Accepted(known, created=False), self._again(known)
        for tried in range(1, TRIES + 1):
            report = self._new_report(request)
            try:
                task = self._dispatch.written(report.id, report.lane) if enqueue else ""
                accepted = self._ledger.accept(report, idempotency, task)
            except StaleRuleset:
                if tried == TRIES:
                    raise self._stale() from None
                self._live.refresh()
                continue
            self._count(report, accepted)
            if accepted.created:
                return accepted, None if enqueue else report.lane
            return accepted, self._again(accepted.id)
        raise AssertionError("the last try returns or raises")

    def _accept_each(
        self, requests: Sequence[Request], todo: Sequence[int]
    ) -> Iterator[tuple[int, IntakeOutcome, Lane | None]]:
        """One try: (place, outcome, lane) for each place in `todo`, in any order."""
        together: dict[int, NewReport] = {}
        away: LedgerUnavailable | None = None
        for index in todo:
            request = requests[index]
            try:
                if away is not None:
                    raise away
                if request.key is None:
                    together[index] = self._new_report(request)
                else:
                    yield index, *self._accept(request, enqueue=False)
            except TriageError as error:
                away = error if isinstance(error, LedgerUnavailable) else away
                yield index, error, None
        for index, outcome in zip(together, self._accept_together(list(together.values())), strict=True):
            yield index, outcome, together[index].lane

    def _again(self, report_id: str) -> Lane | None:
        """As an earlier answer was lost, the report may not have been enqueued; if this fails, the sweep brings it."""
        try:
            return self._ledger.again(report_id, self._now_ms())
        except LedgerUnavailable:
            return None

    def _accept_together(self, reports: list[NewReport]) -> list[IntakeOutcome]:
        try:
            replies = self._ledger.accept_many(reports)
        except LedgerUnavailable as error:
            return [error] * len(reports)
        outcomes: list[IntakeOutcome] = []
        for report, reply in zip(reports, replies, strict=True):
            if not isinstance(reply, Accepted | TriageError):
                raise reply
            if isinstance(reply, Accepted):
                self._count(report, reply)
            outcomes.append(reply)
        return outcomes

    def _stale(self) -> TriageError:
        """Why another ruleset is still live than the one here: it can't be opened, or changes again and again."""
        return BundleError() if self._live.refused() else StaleRuleset()

    def _count(self, report: NewReport, accepted: Accepted) -> None:
        if accepted.created:
            self._counts.accepted(report.ruleset, report.lane)

    def _new_report(self, request: Request) -> NewReport:
        now = self._now_ms()
        posted = read_report(request.raw, self._live, now)
        history = self._history(posted, now, request.client)
        urgent = posted.loaded.evaluator.looks_urgent(posted.answers, history)
        return NewReport(
            id=self._new_id(),
            ruleset=posted.loaded.ruleset.name,
            digest=posted.loaded.digest,
            answers=posted.answers,
            lane=Lane.URGENT if urgent else Lane.NORMAL,
            received_ms=now,
            subject=posted.subject,
            reported_at=posted.reported_at,
            client=request.client,
        )

    def _history(self, posted: Posted[Loaded], now_ms: int, client: str) -> History:
        if posted.subject is None:
            return History()
        return self._ledger.history(posted.loaded.ruleset.name, posted.subject, now_ms, client)


def _idempotency(request: Request) -> Idempotency | None:
    """Key and fingerprint: two bodies are the same if they hold the same values, however they are written."""
    if request.key is None:
        return None
    try:
        canonical = rfc8785.dumps(request.raw)  # type: ignore[arg-type]  # plain JSON data
    except rfc8785.CanonicalizationError:  # an integer beyond 2**53: no answer is that large, so reading will refuse it
        canonical = strict_json.dumps(request.raw).encode()
    return Idempotency(request.key, hashlib.sha256(canonical).hexdigest(), request.client)
