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
class VignetteInterview:
    """Interview of a vignette. `result`: of the answers that it asked for, as it would be published."""

    conversation: Conversation
    result: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class VignetteRun:
    """Run of a vignette. `form`: the result of the full form, as it would be published; `verdict`: on that.

    interview: None if only the form was run.
    """

    vignette: Vignette
    form: Mapping[str, Any]
    verdict: VignetteVerdict
    interview: VignetteInterview | None = None

    @property
    def deciding(self) -> tuple[str, ...]:
        """Return the ids of the rules and floors that lead to the disposition; none if only the default does."""
        fired = [*self.form["rules"], *self.form["safety_net"]]
        return tuple(rule["id"] for rule in fired if rule.get("disposition") in {self.form["disposition"], None})

    @property
    def differences(self) -> tuple[str, ...]:
        """Return what is wrong with the interview, a line each; none if it ends with the outcome of the form."""
        if self.interview is None:
            return ()
        form, result = self.form["disposition"], self.interview.result
        lines = []
        if form != result["disposition"]:
            lines.append(f"the interview ends with {result['disposition']}, the form with {form}")
        repeated = self.interview.conversation.repeated
        if repeated is not None:
            lines.append(f"the interview does not end; it asks again for {', '.join(repeated.inputs)}")
        elif not result["interview"]["complete"]:
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


def run_vignettes(
    evaluator: Evaluator, vignettes: Iterable[Vignette], *, forms_only: bool = False
) -> Iterator[VignetteRun]:
    """Yield the run of each vignette: of a patient, or of a person beside them. Raises EngineError.

    forms_only: leave out the interviews, which take most of the time.
    """
    planner = Planner(evaluator)
    for vignette in vignettes:
        form = evaluate_form(evaluator, vignette.truth, Audience.PATIENT)
        verdict = judge(evaluator.ruleset, vignette, form["disposition"])
        interviewed = None if forms_only else _interview(evaluator, planner, vignette)
        yield VignetteRun(vignette, form, verdict, interviewed)


def _interview(evaluator: Evaluator, planner: Planner, vignette: Vignette) -> VignetteInterview:
    conversation = interview(planner, vignette.truth, audience=Audience.PATIENT)
    result = evaluate(evaluator, conversation.answers, Audience.PATIENT, vignette.name)
    return VignetteInterview(conversation, result)


def _range(vignette: Vignette) -> str:
    """Return the wanted disposition, with the limits of what is acceptable."""
    limits = dict.fromkeys((vignette.mildest, vignette.gravest))
    others = " to ".join(limits) if set(limits) != {vignette.wanted} else ""
    return f"{vignette.wanted} (acceptable: {others})" if others else vignette.wanted
