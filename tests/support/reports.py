"""Small reports, results and deployments for the integration tests."""

from __future__ import annotations

import time
import uuid
from typing import Any

from tests.support.actors import TESTER
from tests.support.paths import GLASS_TEST
from tests.support.rulesets import repository
from triage_rules.evaluation.result import Identity, failed_result
from triage_rules.language.bundle import Bundle, digest_of
from triage_rules.language.model import Answers
from triage_rules.records.reports import Lane, NewReport
from triage_rules.store.redis import RedisStore

NOW_MS = 1_795_000_000_000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

URGENT: Answers = {"age_years": 4, "blanches_on_pressure": "does_not_blanch", "temperature_c": 38.9}
ROUTINE: Answers = {"blanches_on_pressure": "blanches", "itchy": True, "fever_reported": False, "temperature_c": 36.8}


def deployed(store: RedisStore, name: str = "spots", digest: str = "sha256:one") -> None:
    """Make a ruleset of that name live; its bundle says nothing."""
    store.rulesets.deploy(name, "1.0.0", digest, b"one", NOW_MS, by=TESTER)


def a_report(
    *,
    ruleset: str = "spots",
    digest: str = "sha256:one",
    answers: Answers | None = None,
    lane: Lane = Lane.NORMAL,
    received_ms: int = NOW_MS,
    subject: str | None = None,
    reported_at: str | None = None,
    amends: str | None = None,
) -> NewReport:
    """A report with an id of its own."""
    chosen: Answers = {"fever": True} if answers is None else answers
    return NewReport(str(uuid.uuid4()), ruleset, digest, chosen, lane, received_ms, subject, reported_at, amends=amends)


def a_result(report: NewReport, level: str | None) -> dict[str, Any]:
    """A result of that level; without one it is a failure's."""
    identity = Identity(report.id, report.ruleset, "1.0.0", report.digest, report.received_ms, report.received_ms)
    result = failed_result(identity, "worker_lost")
    if level is not None:
        result |= {
            "status": "done",
            "level": level,
            "could_be": level,
            "disposition": "X1_example",
            "flags": [],
            "basis": "rules",
        }
        del result["failure"]
    return result


def glass_test(version: str = "1.0.0") -> Bundle:
    """The small ruleset of the tests, in that version."""
    made = repository.bundle(GLASS_TEST)
    data = made.data.replace(b'"version":"1.0.0"', f'"version":"{version}"'.encode())
    return Bundle(made.name, version, digest_of(data), data)


def glass_test_live(store: RedisStore, version: str = "1.0.0") -> Bundle:
    """Make it live."""
    bundle = glass_test(version)
    store.rulesets.deploy(bundle.name, bundle.version, bundle.digest, bundle.data, now_ms(), by=TESTER)
    return bundle


def posted(
    bundle: Bundle,
    findings: Answers,
    lane: Lane = Lane.NORMAL,
    subject: str | None = None,
    amends: str | None = None,
) -> NewReport:
    """A report as intake would make it now."""
    return NewReport(str(uuid.uuid4()), bundle.name, bundle.digest, findings, lane, now_ms(), subject, amends=amends)


def now_ms() -> int:
    """The time."""
    return time.time_ns() // 1_000_000
