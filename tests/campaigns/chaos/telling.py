"""The tables of a campaign: a line for each seed, and how often each fault struck."""

from __future__ import annotations

from collections import Counter

from tests.campaigns.chaos.running import Outcome

HEAD = (
    "| seed | ruleset | reports | poison | faults | gave up | errors met | restarts | s | drained s | violations |\n"
    + "|---" * 11
    + "|"
)


def line(outcome: Outcome) -> str:
    """Return a run as a row of a Markdown table."""
    errors = sum(times for answer, times in outcome.answers.items() if answer not in ("200", "202"))
    cells = [
        outcome.seed, outcome.ruleset, outcome.reports, outcome.poison, outcome.struck.total(), outcome.given_up,
        errors, outcome.restarts, f"{outcome.seconds:.0f}", f"{outcome.drained:.1f}", len(outcome.violations),
    ]  # fmt: skip
    return "| " + " | ".join(map(str, cells)) + " |"


def faults(outcomes: list[Outcome]) -> str:
    """Return the counts of each fault over all runs, as a Markdown table."""
    struck: Counter[str] = Counter()
    for outcome in outcomes:
        struck += outcome.struck
    rows = [f"| {fault} | {times} |" for fault, times in sorted(struck.items())]
    return "\n".join(["| fault | struck |", "|---|---|", *rows])


def summary(outcomes: list[Outcome]) -> str:
    """Return a summary of all runs in a line."""
    reports, struck = sum(o.reports for o in outcomes), sum(o.struck.total() for o in outcomes)
    broken = sum(bool(o.violations) for o in outcomes)
    return f"{len(outcomes)} schedules, {reports:,} reports, {struck} faults, {broken} schedules with violations"
