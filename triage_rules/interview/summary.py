"""Figures over many interviews: of each group, and of all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from triage_rules.interview.persona_runs import PersonaRun


@dataclass(frozen=True, slots=True)
class Spread:
    """Median or mean of a measure, and its most."""

    middle: float
    most: float


@dataclass(frozen=True, slots=True)
class InterviewFigures:
    """Figures of a group. `ratio`: screens by those of the certificate.

    until_urgent: mean and most of the screens until the level was sure to be urgent; None if nobody's is.
    """

    group: str
    people: int
    complete: int
    passed: int
    screens: Spread
    taps: Spread
    ratio: Spread
    until_urgent: Spread | None


@dataclass(frozen=True, slots=True)
class PlanningTime:
    """Milliseconds to plan a screen: mean and most."""

    mean: float
    most: float


def figures_by_group(runs: Sequence[PersonaRun]) -> list[InterviewFigures]:
    """Return the figures of each group in the order of its first person, then those of all if there are several."""
    groups = list(dict.fromkeys(run.persona.group for run in runs))
    figures = [_figures(group, [run for run in runs if run.persona.group == group]) for group in groups]
    return [*figures, _figures("all", runs)] if len(groups) > 1 else figures


def planning_time(runs: Iterable[PersonaRun]) -> PlanningTime | None:
    """Return the time to plan a screen; None if no screen was shown."""
    times = [1000 * exchange.seconds for run in runs for exchange in run.conversation.exchanges]
    return PlanningTime(fmean(times), max(times)) if times else None


def _figures(group: str, runs: Sequence[PersonaRun]) -> InterviewFigures:
    def spread(measure: Callable[[PersonaRun], float]) -> Spread:
        values = [measure(run) for run in runs]
        return Spread(median(values), max(values))

    urgent = [run.screens_until_urgent for run in runs if run.screens_until_urgent is not None]
    return InterviewFigures(
        group,
        len(runs),
        sum(run.is_complete for run in runs),
        sum(run.passed for run in runs),
        screens=spread(lambda run: run.conversation.screens),
        taps=spread(lambda run: run.conversation.taps),
        ratio=spread(lambda run: run.ratio),
        until_urgent=Spread(fmean(urgent), max(urgent)) if urgent else None,
    )
