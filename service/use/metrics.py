"""Metrics for Prometheus: counted per process, and read from the store at each scrape."""

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
    """The metrics of an app. No label ever holds anything from a body."""

    def __init__(self, store: MetricsStore, now_ms: Callable[[], int], worker_within_ms: int) -> None:
        self._registry = CollectorRegistry()
        self._accepted = Counter(
            "triage_reports_accepted", "Reports accepted.", ["ruleset", "lane"], registry=self._registry
        )
        self._refused = Counter(
            "triage_reports_refused", "Reports rejected, by problem code.", ["reason"], registry=self._registry
        )
        self._evaluated = Counter(
            "triage_evaluations",
            "What-if evaluations over HTTP, by level.",
            ["ruleset", "level"],
            registry=self._registry,
        )
        self._disagreements = Counter(
            "triage_evaluation_disagreements",
            "What-if evaluations on which the evaluators disagreed.",
            registry=self._registry,
        )
        self._latency = Histogram(
            "triage_http_request_seconds",
            "Time to respond.",
            ["method", "route", "status"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._registry.register(_StoreCollector(store, now_ms, worker_within_ms))

    def accepted(self, ruleset: str, lane: Lane) -> None:
        """Count an accepted report."""
        self._accepted.labels(ruleset, lane.value).inc()

    def refused(self, reason: str) -> None:
        """Count a rejected report; `reason`: a problem code."""
        self._refused.labels(reason).inc()

    def evaluated(self, ruleset: str, level: str) -> None:
        """Count a what-if evaluation."""
        self._evaluated.labels(ruleset, level).inc()

    def disagreed(self) -> None:
        """Count a what-if evaluation on which the evaluators disagreed."""
        self._disagreements.inc()

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Record the time of a response; `route` is the pattern, not the path."""
        self._latency.labels(method, route, str(status)).observe(seconds)

    def text(self) -> bytes:
        """Return all metrics in the Prometheus text format."""
        return generate_latest(self._registry)


class _StoreCollector(Collector):
    """The numbers of the store, the same in every process."""

    def __init__(self, store: MetricsStore, now_ms: Callable[[], int], worker_within_ms: int) -> None:
        self._store = store
        self._now_ms = now_ms
        self._worker_within_ms = worker_within_ms

    def describe(self) -> Iterable[Metric]:
        """Return nothing, or registering would query the store."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Yield the numbers of the store, or only that it is away."""
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
        yield _gauge("triage_reports_pending", "Reports waiting for a result.", backlog.pending)
        yield _gauge("triage_queue_age_seconds", "Age of the oldest waiting report.", backlog.oldest_ms / 1000)
        yield _gauge(
            "triage_urgent_age_seconds",
            "Age of the oldest waiting report in the urgent lane.",
            backlog.oldest_urgent_ms / 1000,
        )
        yield _gauge("triage_reports_dead", "Dead letters.", backlog.dead)
        yield _gauge("triage_results", "Results in the stream.", backlog.results)
        yield _gauge("triage_workers", "Workers with a recent heartbeat that make progress.", len(workers))
        yield _gauge("triage_workers_stalled", "Workers with a recent heartbeat that make no progress.", len(stalled))
        rulesets = GaugeMetricFamily("triage_ruleset_live", "Live rulesets.", labels=["ruleset", "version", "digest"])
        for ruleset in live.values():
            rulesets.add_metric([ruleset.name, ruleset.version, ruleset.digest], 1)
        yield rulesets
        yield from _settled(counts)
        yield from _of_groups(groups)


def _settled(counts: dict[str, int]) -> Iterable[Metric]:
    """Yield the counts of all published results. Disagreements start at 0, so an alarm can be set on them."""
    levels = CounterMetricFamily(
        "triage_settled", "Reports settled, by level; `dead`: a human must look at them.", labels=["level"]
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
    yield CounterMetricFamily(
        "triage_engine_disagreements", "Results on which the evaluators disagreed.", disagreements
    )


def _of_groups(groups: Groups) -> Iterable[Metric]:
    """Yield the progress of consumer groups. An unknown lag is NaN, because 0 would mean that all is well."""
    lag = GaugeMetricFamily(
        "triage_group_lag", "Results not delivered to the group yet; NaN: unknown.", labels=["group"]
    )
    pending = GaugeMetricFamily(
        "triage_group_pending", "Results delivered to the group but not acknowledged.", labels=["group"]
    )
    dead = GaugeMetricFamily("triage_group_dead", "Results that the group gave up on.", labels=["group"])
    for group in groups.shown:
        lag.add_metric([group.name], math.nan if group.lag is None else group.lag)
        pending.add_metric([group.name], group.pending)
        dead.add_metric([group.name], group.dead)
    yield from (lag, pending, dead)
    yield _gauge("triage_groups_left_out", "Groups without metrics, because there are too many.", groups.left_out)


def _gauge(name: str, says: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, says, value=value)
