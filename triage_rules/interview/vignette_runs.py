"""Runs of vignettes, each as a full form and as an interview, compared with the disposition that is wanted."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.interview.conversation import Conversation, interview
from triage_rules.interview.persona_runs import evaluate, evaluate_form
from triage_rules.interview.plan import Planner
from triage_rules.interview.vignettes import Vignette
from triage_rules.language.model import Audience, Ruleset


class VignetteVerdict(enum.StrEnum):
    """Comparison of an outcome with the one that is wanted; each outcome has exactly one verdict."""

    EXACT = "exact"
    WITHIN = "acceptable"
    TOO_MILD = "too mild"
    TOO_GRAVE = "too grave"


def judge(ruleset: Ruleset, vignette: Vignette, disposition: str) -> VignetteVerdict:
    """Return the verdict on a disposition, by the order in which the ruleset lists them."""
    urgency = ruleset.urgency
    if disposition == vignette.wanted:
        return VignetteVerdict.EXACT
    if urgency(disposition) < urgency(vignette.mildest):
        return VignetteVerdict.TOO_MILD
    if urgency(disposition) > urgency(vignette.gravest):
        return VignetteVerdict.TOO_GRAVE
    return VignetteVerdict.WITHIN


@dataclass(frozen=True, slots=True)
class VignetteRun:
    """Run of a vignette. `form`, `interview`: the results, as they would be published.

    verdict: on the result of the form.
    """

    vignette: Vignette
    form: Mapping[str, Any]
    interview: Mapping[str, Any]
    conversation: Conversation
    verdict: VignetteVerdict

    @property
    def deciding(self) -> tuple[str, ...]:
        """Return the ids of the rules and floors that lead to the disposition; none if only the default does."""
        fired = [*self.form["rules"], *self.form["safety_net"]]
        return tuple(rule["id"] for rule in fired if rule.get("disposition") in {self.form["disposition"], None})

    @property
    def differences(self) -> tuple[str, ...]:
        """Return what is wrong with the interview, a line each; none if it ends with the outcome of the form."""
        lines = []
        form, interviewed = self.form["disposition"], self.interview["disposition"]
        if form != interviewed:
            lines.append(f"the interview ends with {interviewed}, the form with {form}")
        if self.conversation.repeated is not None:
            lines.append(
                f"the interview does not end; it asks again for {', '.join(self.conversation.repeated.inputs)}"
            )
        elif not self.interview["interview"]["complete"]:
            lines.append("the interview is not complete, although no screen is left")
        return tuple(lines)

    @property
    def passed(self) -> bool:
        """Return whether the outcome is not too mild, and the same by form and by interview."""
        return self.verdict is not VignetteVerdict.TOO_MILD and not self.differences

    @property
    def miss(self) -> str | None:
        """Return what was wanted, what came out and why, in one line; None if it is acceptable."""
        parts = list(self.differences)
        if self.verdict in {VignetteVerdict.TOO_MILD, VignetteVerdict.TOO_GRAVE}:
            by = f"by {', '.join(self.deciding)}" if self.deciding else "no rule fits"
            parts.insert(0, f"{self.verdict}: wanted {_range(self.vignette)}, got {self.form['disposition']} ({by})")
        return "; ".join(parts) or None


def run_vignettes(evaluator: Evaluator, vignettes: Iterable[Vignette]) -> Iterator[VignetteRun]:
    """Yield the run of each vignette: of a patient, or of a person beside them. Raises EngineError."""
    planner = Planner(evaluator)
    for vignette in vignettes:
        form = evaluate_form(evaluator, vignette.truth, Audience.PATIENT)
        conversation = interview(planner, vignette.truth, audience=Audience.PATIENT)
        interviewed = evaluate(evaluator, conversation.answers, Audience.PATIENT, vignette.name)
        verdict = judge(evaluator.ruleset, vignette, form["disposition"])
        yield VignetteRun(vignette, form, interviewed, conversation, verdict)


def _range(vignette: Vignette) -> str:
    """Return the wanted disposition, with the limits of what is acceptable."""
    limits = dict.fromkeys((vignette.mildest, vignette.gravest))
    others = " to ".join(limits) if set(limits) != {vignette.wanted} else ""
    return f"{vignette.wanted} (acceptable: {others})" if others else vignette.wanted
