"""What Prometheus is told: counted here per process, and asked of the store at each scrape."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from triage_rules.evaluation.result import ENGINE_DISAGREEMENT
from triage_rules.foundation.errors import StoreUnavailable
from triage_rules.records.consumer_groups import Groups
from triage_rules.records.reports import Lane
from triage_rules.store.consumer_groups import ConsumerGroups
from triage_rules.store.health import Health
from triage_rules.store.rulesets import RulesetStore

FLAG = "flag:"
_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class MetricsStore(Protocol):
    """The parts of the store whose numbers are shown; `RedisStore` has them."""

    @property
    def health(self) -> Health: ...

    @property
    def rulesets(self) -> RulesetStore: ...

    @property
    def consumer_groups(self) -> ConsumerGroups: ...


class Metrics:
    """One registry for one app. No label ever holds anything from a body."""

    def __init__(self, store: MetricsStore, now_ms: Callable[[], int], worker_within_ms: int) -> None:
        self._registry = CollectorRegistry()
        self._accepted = Counter(
            "triage_reports_accepted", "Reports accepted.", ["ruleset", "lane"], registry=self._registry
        )
        self._refused = Counter(
            "triage_reports_refused", "Reports refused, by the problem's code.", ["reason"], registry=self._registry
        )
        self._evaluated = Counter(
            "triage_evaluations",
            "What-if evaluations over HTTP, by level.",
            ["ruleset", "level"],
            registry=self._registry,
        )
        self._disagreements = Counter(
            "triage_evaluation_disagreements", "What-if evaluations on which they differed.", registry=self._registry
        )
        self._latency = Histogram(
            "triage_http_request_seconds",
            "Time to answer.",
            ["method", "route", "status"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._registry.register(_StoreCollector(store, now_ms, worker_within_ms))

    def accepted(self, ruleset: str, lane: Lane) -> None:
        """One more report was accepted."""
        self._accepted.labels(ruleset, lane.value).inc()

    def refused(self, reason: str) -> None:
        """One more report was refused; `reason`: a problem's code."""
        self._refused.labels(reason).inc()

    def evaluated(self, ruleset: str, level: str) -> None:
        """One more what-if was answered."""
        self._evaluated.labels(ruleset, level).inc()

    def disagreed(self) -> None:
        """The evaluators differed on a what-if."""
        self._disagreements.inc()

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request was answered; `route` is the pattern, not the path."""
        self._latency.labels(method, route, str(status)).observe(seconds)

    def text(self) -> bytes:
        """All of it in the Prometheus text format."""
        return generate_latest(self._registry)


class _StoreCollector(Collector):
    """The store's own numbers, the same whichever process is asked."""

    def __init__(self, store: MetricsStore, now_ms: Callable[[], int], worker_within_ms: int) -> None:
        self._store = store
        self._now_ms = now_ms
        self._worker_within_ms = worker_within_ms

    def describe(self) -> Iterable[Metric]:
        """Nothing: so that registering doesn't ask the store."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """The store's numbers; without a store only that it is away."""
        now = self._now_ms()
        try:
            backlog = self._store.health.get_backlog(now)
            workers = self._store.health.get_workers(now, self._worker_within_ms)
            stalled = self._store.health.get_stalled_workers(now, self._worker_within_ms)
            live = self._store.rulesets.get_live()
            counts = self._store.health.get_counts()
            groups = self._store.consumer_groups.get_all()
        except StoreUnavailable:
            yield _gauge("triage_ledger_up", "Whether the store can be reached.", 0)
            return
        yield _gauge("triage_ledger_up", "Whether the store can be reached.", 1)
        yield _gauge("triage_reports_pending", "Reports that wait for a result.", backlog.pending)
        yield _gauge("triage_queue_age_seconds", "How long the oldest of them has waited.", backlog.oldest_ms / 1000)
        yield _gauge("triage_urgent_age_seconds", "The same in the urgent lane.", backlog.oldest_urgent_ms / 1000)
        yield _gauge("triage_reports_dead", "Dead letters.", backlog.dead)
        yield _gauge("triage_results", "Results in the stream.", backlog.results)
        yield _gauge("triage_workers", "Workers heard from lately.", len(workers))
        yield _gauge("triage_workers_stalled", "Of those, not counted there: they get nothing done.", len(stalled))
        rulesets = GaugeMetricFamily("triage_ruleset_live", "Live rulesets.", labels=["ruleset", "version", "digest"])
        for one in live.values():
            rulesets.add_metric([one.name, one.version, one.digest], 1)
        yield rulesets
        yield from _settled(counts)
        yield from _of_groups(groups)


def _settled(counts: dict[str, int]) -> Iterable[Metric]:
    """What was published since the beginning. Disagreements are there from the start, for an alarm to be set on."""
    levels = CounterMetricFamily(
        "triage_settled", "Reports settled, by level; `dead`: a human must look.", labels=["level"]
    )
    flags = CounterMetricFamily("triage_flags", "Results that carry a flag.", labels=["flag"])
    for word, count in counts.items():
        if word.startswith(FLAG):
            flags.add_metric([word.removeprefix(FLAG)], count)
        else:
            levels.add_metric([word], count)
    yield levels
    yield flags
    disagreements = counts.get(FLAG + ENGINE_DISAGREEMENT, 0)
    yield CounterMetricFamily("triage_engine_disagreements", "Results on which the evaluators differed.", disagreements)


def _of_groups(groups: Groups) -> Iterable[Metric]:
    """How far consumer groups are. A lag that the store doesn't know is NaN: 0 would say that all is well."""
    lag = GaugeMetricFamily(
        "triage_group_lag", "Results that a group wasn't given yet; NaN: unknown.", labels=["group"]
    )
    pending = GaugeMetricFamily("triage_group_pending", "Results given to it, not acknowledged.", labels=["group"])
    dead = GaugeMetricFamily("triage_group_dead", "Results that it gave up.", labels=["group"])
    for one in groups.shown:
        lag.add_metric([one.name], math.nan if one.lag is None else one.lag)
        pending.add_metric([one.name], one.pending)
        dead.add_metric([one.name], one.dead)
    yield from (lag, pending, dead)
    yield _gauge("triage_groups_left_out", "Groups that are not told of, as there are so many.", groups.left_out)


def _gauge(name: str, says: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, says, value=value)
