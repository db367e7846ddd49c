"""Figures over many vignettes: shares, confusions, and what misses a budget; as values and as plain data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from triage_rules.interview.summary import Spread
from triage_rules.interview.vignette_runs import VignetteRun, VignetteVerdict
from triage_rules.interview.vignettes import EXACT, KINDS, OVERCALLED, WITHIN, VignetteBudget
from triage_rules.language.model import Level, Ruleset

Json = dict[str, Any]

HARMLESS = "harmless"
LEVELS = [level.word for level in sorted(Level, reverse=True)]
"""Words of the levels, the most urgent first."""


@dataclass(frozen=True, slots=True)
class VignetteFigures:
    """Figures of some vignettes. `acceptable` counts the exact ones, too; with too mild and too grave it makes all.

    differ: those whose interview ends otherwise than the form. differ, screens, taps: None if only forms were run.
    """

    vignettes: int
    exact: int
    acceptable: int
    too_mild: int
    too_grave: int
    differ: int | None
    harmless: int
    harmless_called_urgent: int
    screens: Spread | None
    taps: Spread | None


@dataclass(frozen=True, slots=True)
class VignetteSuite:
    """Runs of vignettes, and the budget that they must keep."""

    runs: tuple[VignetteRun, ...] = ()
    budget: VignetteBudget = field(default_factory=VignetteBudget)

    @property
    def figures(self) -> VignetteFigures:
        """Return the figures over all runs."""
        return figures_of(self.runs)

    @property
    def misses(self) -> dict[str, str]:
        """Return a line for each vignette whose outcome is not acceptable, or differs by interview; by name."""
        return {run.vignette.name: run.miss for run in self.runs if run.miss is not None}

    @property
    def failures(self) -> list[str]:
        """Return each reason to fail: one is too mild, form and interview differ, or the budget is not kept."""
        figures = self.figures
        lines = [f"{figures.too_mild} of {figures.vignettes} are too mild"] if figures.too_mild else []
        if figures.differ:
            lines.append(f"{figures.differ} of {figures.vignettes} have another outcome by interview than by form")
        return [*lines, *self.shortfalls]

    @property
    def shortfalls(self) -> list[str]:
        """Return each limit of the budget that is not kept, with the share."""
        return budget_shortfalls(self.figures, self.budget)


def figures_of(runs: Sequence[VignetteRun]) -> VignetteFigures:
    """Return the figures of these runs."""
    verdicts = Counter(run.verdict for run in runs)
    interviews = [run.interview.conversation for run in runs if run.interview is not None]
    harmless = [run for run in runs if run.vignette.kind == HARMLESS]
    return VignetteFigures(
        vignettes=len(runs),
        exact=verdicts[VignetteVerdict.EXACT],
        acceptable=verdicts[VignetteVerdict.EXACT] + verdicts[VignetteVerdict.WITHIN],
        too_mild=verdicts[VignetteVerdict.TOO_MILD],
        too_grave=verdicts[VignetteVerdict.TOO_GRAVE],
        differ=sum(bool(run.differences) for run in runs) if interviews else None,
        harmless=len(harmless),
        harmless_called_urgent=sum(run.form["level"] == Level.URGENT.word for run in harmless),
        screens=_spread([conversation.screens for conversation in interviews]),
        taps=_spread([conversation.taps for conversation in interviews]),
    )


def confusion(pairs: Iterable[tuple[str, str]], labels: Sequence[str]) -> list[list[int]]:
    """Return how often each label was wanted (rows) and came out (columns). `pairs`: wanted, and came out."""
    counts = Counter(pairs)
    return [[counts[wanted, got] for got in labels] for wanted in labels]


def percent(part: int, whole: int) -> float:
    """Return a share in percent, to one decimal; 0 of nothing."""
    return round(100 * part / whole, 1) if whole else 0.0


def budget_shortfalls(figures: VignetteFigures, budget: VignetteBudget) -> list[str]:
    """Return each limit of the budget that is not kept, with the share."""
    limits, lines = budget.limits, []
    for key, name, part in ((EXACT, "exact", figures.exact), (WITHIN, "acceptable", figures.acceptable)):
        if key in limits and 100 * part < limits[key] * figures.vignettes:
            share = _share(part, figures.vignettes)
            lines.append(f"{share} are {name}, and the budget is at least {limits[key]:g} %")
    if OVERCALLED in limits and 100 * figures.harmless_called_urgent > limits[OVERCALLED] * figures.harmless:
        share = _share(figures.harmless_called_urgent, figures.harmless)
        lines.append(f"{share} harmless are called urgent, and the budget is at most {limits[OVERCALLED]:g} %")
    return lines


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({percent(part, whole):g} %)"


def describe_figures(ruleset: Ruleset, runs: Sequence[VignetteRun]) -> Json:
    """Return the figures and confusions of these runs as counts, without a name of a vignette."""
    by_group = {group: [run for run in runs if run.vignette.group == group] for group in _sorted_groups(runs)}
    by_kind = {kind: [run for run in runs if run.vignette.kind == kind] for kind in KINDS}
    dispositions = list(ruleset.dispositions)
    return {
        "all": describe_counts(figures_of(runs)),
        "groups": {
            name: {**describe_counts(figures_of(some)), "levels": _confuse_levels(ruleset, some)}
            for name, some in by_group.items()
        },
        "kinds": {name: describe_counts(figures_of(some)) for name, some in by_kind.items() if some},
        "levels": {"labels": LEVELS, "rows": _confuse_levels(ruleset, runs)},
        "dispositions": {
            "labels": dispositions,
            "rows": confusion(((run.vignette.wanted, run.form["disposition"]) for run in runs), dispositions),
        },
    }


def _sorted_groups(runs: Iterable[VignetteRun]) -> list[str]:
    return sorted({run.vignette.group for run in runs})


def _confuse_levels(ruleset: Ruleset, runs: Iterable[VignetteRun]) -> list[list[int]]:
    return confusion(
        ((ruleset.dispositions[run.vignette.wanted].level.word, run.form["level"]) for run in runs), LEVELS
    )


def describe_vignette(run: VignetteRun) -> Json:
    """Return a run as plain data."""
    vignette = run.vignette
    return {
        "name": vignette.name,
        "story": vignette.story,
        "group": vignette.group,
        "kind": vignette.kind,
        "wanted": vignette.wanted,
        "mildest": vignette.mildest,
        "gravest": vignette.gravest,
        "why": vignette.why,
        "marks": list(vignette.source.marks),
        "form": run.form["disposition"],
        "interview": None if run.interview is None else run.interview.result["disposition"],
        "verdict": run.verdict.value,
        "rules": list(run.deciding),
        "by_default": run.form["basis"] == "default",
        "screens": None if run.interview is None else run.interview.conversation.screens,
        "taps": None if run.interview is None else run.interview.conversation.taps,
        "passed": run.passed,
        "miss": run.miss,
    }


def _spread(values: Sequence[float]) -> Spread | None:
    return Spread(median(values), max(values)) if values else None


def describe_counts(figures: VignetteFigures) -> Json:
    """Return figures as plain data."""
    return {
        "vignettes": figures.vignettes,
        "exact": figures.exact,
        "acceptable": figures.acceptable,
        "too_mild": figures.too_mild,
        "too_grave": figures.too_grave,
        "form_and_interview_differ": figures.differ,
        "harmless": figures.harmless,
        "harmless_called_urgent": figures.harmless_called_urgent,
        "screens": _describe_spread(figures.screens),
        "taps": _describe_spread(figures.taps),
    }


def _describe_spread(measure: Spread | None) -> Json | None:
    return None if measure is None else {"median": measure.middle, "most": measure.most}
