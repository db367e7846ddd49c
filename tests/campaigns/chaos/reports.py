"""The ruleset of a run, and reports for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from tests.support.rulesets import repository
from triage_rules.language.bundle import Bundle, digest_of

ROOT = Path(__file__).resolve().parents[3]
GLASS_TEST = ROOT / "tests" / "acceptance" / "rulesets" / "glass-test"
RED_DOTS = ROOT / "rulesets" / "red-dots"
POISON_TEXT = "crash the process"
"""Texts that tests.support.services.faulty_worker reacts to."""


SLOW_TEXT = "be slow"
SLOW = 0.1
"""Share of reports that take 50 ms, so that faults hit them and two attempts overlap."""


@dataclass(frozen=True, slots=True)
class Posting:
    """The reports of a run. `pool`: reports to choose from; `poison`: a report that no worker process survives."""

    bundle: Bundle
    pool: list[dict[str, Any]]
    poison: dict[str, Any]


def next_version(bundle: Bundle) -> Bundle:
    """Return the same rules under another version and digest; each result must name the digest that decided."""
    data = bundle.data.replace(f'"version":"{bundle.version}"'.encode(), b'"version":"99.0.0"')
    return Bundle(bundle.name, "99.0.0", digest_of(data), data)


def glass_test() -> Posting:
    """Return the small ruleset of the tests, and forty random reports."""
    random = Random("glass-test")
    pool = [{"ruleset": "glass-test", "findings": _spots(random)} for _ in range(40)]
    poison = {"ruleset": "glass-test", "findings": {"free_text": POISON_TEXT}}
    return Posting(repository.bundle(GLASS_TEST), pool, poison)


def red_dots() -> Posting:
    """Return red-dots with the reports of its worked cases."""
    bundle = repository.bundle(RED_DOTS)
    cases = [case for case in repository.cases(RED_DOTS) if "refused" not in case.expect]
    pool = [{"ruleset": "red-dots", "findings": dict(case.answers)} for case in cases]
    return Posting(bundle, pool, {"ruleset": "red-dots", "findings": {"free_text": POISON_TEXT}})


def _spots(random: Random) -> dict[str, Any]:
    answers: dict[str, Any] = {
        "age_years": random.randrange(90),
        "temperature_c": random.choice([36.6, 37.9, 38.0, 39.4]),
        "fever_reported": random.random() < 0.5,
        "blanches_on_pressure": random.choice(["blanches", "does_not_blanch"]),
        "itchy": random.random() < 0.5,
        "free_text": random.choice(["nothing", "a stiff neck"]),
    }
    found = {name: value for name, value in answers.items() if random.random() < 0.7}
    return found | {"free_text": SLOW_TEXT} if random.random() < SLOW else found
