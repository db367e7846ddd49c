"""Use cases of intake, without HTTP: accept reports, and evaluate a report without storing it."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import rfc8785

from service.use.dispatch import Dispatch
from triage_rules.deployment.live import Loaded
from triage_rules.foundation import strict_json
from triage_rules.foundation.errors import (
    BundleError,
    EngineLimitError,
    RulesetError,
    RulesetNotFound,
    StaleRuleset,
    StoreUnavailable,
    TriageError,
)
from triage_rules.foundation.timestamps import now_ms
from triage_rules.intake.report import Posted, RulesetLookup, read_report
from triage_rules.interview.wire import add_next
from triage_rules.records.chains import ChainResult, ChainView, find_lowered
from triage_rules.records.reports import Accepted, Delivery, History, Idempotency, Lane, NewReport

TRIES = 3
"""Attempts to read a report whose ruleset changes meanwhile, before the caller is asked to retry."""


class IntakeRulesets(RulesetLookup[Loaded], Protocol):
    """The live rulesets, as intake needs them."""

    def refresh(self) -> None:
        """Read the live versions from the store now."""
        ...

    def of_result(self, digest: str, result: Mapping[str, Any]) -> Loaded:
        """Return the ruleset that made a result."""
        ...

    def refused(self) -> dict[str, str]:
        """Return live rulesets that can't be opened; their last good version replaces them."""
        ...


@dataclass(frozen=True, slots=True)
class _OneRuleset:
    """A lookup that knows one ruleset."""

    loaded: Loaded

    def names(self) -> list[str]:
        return [self.loaded.ruleset.name]

    def get(self, name: str) -> Loaded:
        if name != self.loaded.ruleset.name:
            raise RulesetNotFound(f"no ruleset `{name}` is live")
        return self.loaded


class IntakeStore(Protocol):
    """The reports of the store, as intake needs them; `store.reports.Reports` has them."""

    def accept(self, report: NewReport, idempotency: Idempotency | None = None, task: str = "") -> Accepted:
        """Store a report, and with a task enqueue it, in one step."""
        ...

    def accept_many(self, reports: list[NewReport]) -> list[Accepted | Exception]:
        """Accept each report in one round trip; return a refusal in its report's place."""
        ...

    def find_idempotent(self, idempotency: Idempotency) -> str | None:
        """Return the report that an earlier request with this key made."""
        ...

    def claim_requeue(self, report_id: str, now_ms: int) -> Lane | None:
        """Return the lane to enqueue the report into again, if there is need."""
        ...

    def get_delivery(self, report_id: str) -> Delivery | None:
        """Return the accepted report and the history its result was made in; None if it can't be read."""
        ...

    def get_history(
        self, ruleset: str, subject: str | None, now_ms: int, client: str = "", amends: str | None = None
    ) -> History:
        """Return the present history of a client's subject for a report that amends that one. Raises ReportError."""
        ...

    def get_chain_result(self, report_id: str) -> ChainResult | None:
        """Return the outcome of a settled report; None if it has none yet."""
        ...


class IntakeMetrics(Protocol):
    """The counters of intake."""

    def accepted(self, ruleset: str, lane: Lane) -> None: ...

    def evaluated(self, ruleset: str, level: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Request:
    """A report to accept: its decoded JSON, its idempotency key, if any, and its client."""

    raw: object
    key: str | None = None
    client: str = ""


IntakeOutcome = Accepted | TriageError
"""The outcome of accepting a report of a batch."""


class Intake:
    """The use cases of intake. Time and new ids are passed in, so tests control them."""

    def __init__(  # noqa: PLR0913  # its parts, all with different types
        self,
        store: IntakeStore,
        live: IntakeRulesets,
        dispatch: Dispatch,
        counts: IntakeMetrics,
        *,
        now_ms: Callable[[], int],
        new_id: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self._store = store
        self._live = live
        self._dispatch = dispatch
        self._counts = counts
        self._now_ms = now_ms
        self._new_id = new_id

    def accept(self, request: Request) -> Accepted:
        """Accept a report, or return the report that an earlier request with the same key made.

        Accepts nothing if it raises.

        Raises:
            ReportError: If the report has faults, or amends one that it can't amend.
            NoRulesetLive, BundleError, StaleRuleset: If no ruleset can decide it.
            IdempotencyMismatch: If its key was used for another report.
            QueueTooOld, StoreUnavailable: If the service can't accept it now.

        """
        accepted, lane = self._accept(request, enqueue=True)
        if lane is not None:
            self._dispatch([accepted.id], lane)
        return accepted

    def accept_many(self, requests: Sequence[Request]) -> list[IntakeOutcome]:
        """Accept each report like `accept`; return an error in the place of a rejected request.

        Requests without a key are accepted in one round trip. Once the store is away, the rest is not tried.
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
        """Return the result that the report would get now, in its subject's history, with the next screen to show.

        Nothing is stored.

        Raises:
            ReportError: If the report has faults, or amends one that it can't amend.
            NoRulesetLive, EngineError, StoreUnavailable: If it can't be evaluated.

        """
        now = self._now_ms()
        posted = read_report(raw, self._live, now)
        result = self._evaluate(posted, self._history(posted, now, client), now)
        if posted.amends is not None:
            view = ChainView(self._store.get_chain_result(posted.amends))
            result["lowers"] = find_lowered(result, view, posted.loaded.ruleset)
        return result

    def evaluate_offline(self, raw: object, loaded: Loaded) -> dict[str, Any]:
        """Return the same by a given ruleset, without the store: as if the subject had sent no earlier report.

        Raises ReportError, EngineError.
        """
        now = now_ms()
        return self._evaluate(read_report(raw, _OneRuleset(loaded), now), History(), now)

    def _evaluate(self, posted: Posted[Loaded], history: History, now: int) -> dict[str, Any]:
        result = posted.loaded.evaluator.evaluate(
            posted.answers,
            history,
            report_id=self._new_id(),
            received_ms=now,
            evaluated_ms=now,
            audience=posted.audience,
            amends=posted.amends,
        )
        add_next(
            result,
            posted.loaded.planner,
            posted.answers,
            history=history,
            audience=posted.audience,
            ticked=posted.ticked,
        )
        self._counts.evaluated(posted.loaded.ruleset.name, str(result["level"]))
        return result

    def add_next_screen(self, result: dict[str, Any], digest: str) -> None:
        """Add the next screen to a stored result, by its answers and the version that decided; null if either is gone.

        Raises StoreUnavailable, DecryptionError.
        """
        delivery = self._store.get_delivery(result["id"])
        try:
            loaded = self._live.of_result(digest, result)
        except (RulesetNotFound, BundleError, RulesetError, EngineLimitError):
            delivery = None
        if delivery is None:
            result["interview"] = {**(result.get("interview") or {}), "next": None}
        else:
            report = delivery.report
            add_next(result, loaded.planner, report.answers, history=delivery.history, audience=report.audience)

    def _accept(self, request: Request, *, enqueue: bool) -> tuple[Accepted, Lane | None]:
        """Return the report, and the lane if it must still be enqueued. `enqueue`: in the step that stores it."""
        idempotency = _idempotency(request)
        known = self._store.find_idempotent(idempotency) if idempotency is not None else None
        if known is not None:
            return Accepted(known, created=False), self._again(known)
        for tried in range(1, TRIES + 1):
            report = self._new_report(request)
            try:
                task = self._dispatch.written(report.id, report.lane) if enqueue else ""
                accepted = self._store.accept(report, idempotency, task)
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
        """Try each index in `todo` once; yield its outcome and lane, in any order."""
        together: dict[int, NewReport] = {}
        away: StoreUnavailable | None = None
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
                away = error if isinstance(error, StoreUnavailable) else away
                yield index, error, None
        for index, outcome in zip(together, self._accept_together(list(together.values())), strict=True):
            yield index, outcome, together[index].lane

    def _again(self, report_id: str) -> Lane | None:
        """Return the lane if the report must be enqueued again, because an earlier request may have failed to do it."""
        try:
            return self._store.claim_requeue(report_id, self._now_ms())
        except StoreUnavailable:
            return None

    def _accept_together(self, reports: list[NewReport]) -> list[IntakeOutcome]:
        try:
            replies = self._store.accept_many(reports)
        except StoreUnavailable as error:
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
        """Return why the live version differs from the loaded one: it can't be opened, or it keeps changing."""
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
            audience=posted.audience,
            amends=posted.amends,
        )

    def _history(self, posted: Posted[Loaded], now_ms: int, client: str) -> History:
        if posted.subject is None and posted.amends is None:
            return History()
        ruleset = posted.loaded.ruleset.name
        return self._store.get_history(ruleset, posted.subject, now_ms, client, posted.amends)


def _idempotency(request: Request) -> Idempotency | None:
    """Return key and fingerprint; bodies with equal values have equal fingerprints, however they are formatted."""
    if request.key is None:
        return None
    try:
        canonical = rfc8785.dumps(request.raw)  # type: ignore[arg-type]  # plain JSON data
    except rfc8785.CanonicalizationError:  # an integer beyond 2**53, which reading the report will reject
        canonical = strict_json.dumps(request.raw).encode()
    return Idempotency(request.key, hashlib.sha256(canonical).hexdigest(), request.client)
