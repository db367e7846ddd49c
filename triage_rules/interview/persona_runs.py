"""Interviews of personas, each beside a small certificate and compared with the outcome that its author expects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from triage_rules.evaluation.answers import UNKNOWN
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.evaluation.reference import Reference
from triage_rules.interview.conversation import Conversation, interview
from triage_rules.interview.personas import Persona
from triage_rules.interview.plan import NextScreen, Planner
from triage_rules.language.gates import gated_in_order
from triage_rules.language.model import Answers, Audience, Level, Value
from triage_rules.records.reports import History


@dataclass(frozen=True, slots=True)
class PersonaRun:
    """Interview of a persona. `result`: of the answers that it asked for, as it would be published.

    certificate: screens whose truthful answers settle the outcome; few, though not always the fewest.
    """

    persona: Persona
    conversation: Conversation
    result: Mapping[str, Any]
    certificate: tuple[NextScreen, ...]

    @property
    def is_complete(self) -> bool:
        """Return whether the interview ended because nothing else could change the outcome."""
        return self.conversation.repeated is None and bool(self.result["interview"]["complete"])

    @property
    def differences(self) -> tuple[str, ...]:
        """Return the differences from the expected outcome, a line each; none if the persona passes."""
        wanted = {"level": self.persona.expect_level.word, "disposition": self.persona.expect_disposition}
        lines = [f"{k}: wanted {v}, got {self.result[k]}" for k, v in wanted.items() if self.result[k] != v]
        repeated = self.conversation.repeated
        if repeated is not None:
            lines.append(f"interview: does not end; it asks again for {', '.join(repeated.inputs)}")
        elif not self.is_complete:
            lines.append("interview: not complete, although no screen is left")
        return tuple(lines)

    @property
    def passed(self) -> bool:
        """Return whether the interview is complete, with the expected outcome."""
        return not self.differences

    @property
    def ratio(self) -> float:
        """Return the screens of the interview by those of the certificate."""
        return self.conversation.screens / len(self.certificate) if self.certificate else 1.0

    @property
    def screens_until_urgent(self) -> int | None:
        """Return the number of screens after which the level was sure to be urgent; None if it isn't urgent."""
        return self.conversation.screens_until_level(Level.URGENT)


def run_persona(evaluator: Evaluator, planner: Planner, persona: Persona) -> PersonaRun:
    """Interview a persona, and evaluate the answers. Raises EngineError if the engine fails."""
    conversation = interview(planner, persona.truth, audience=persona.audience)
    certificate = planner.certificate({}, History(), persona.audience, persona.truth)
    result = evaluate(evaluator, conversation.answers, persona.audience, persona.name)
    return PersonaRun(persona, conversation, result, tuple(certificate))


def expected_of_form(evaluator: Evaluator, truth: Mapping[str, Value], audience: Audience) -> tuple[Level, str]:
    """Return the level and disposition of the full form."""
    result = evaluate_form(evaluator, truth, audience)
    return Level.of(result["level"]), result["disposition"]


def evaluate_form(evaluator: Evaluator, truth: Mapping[str, Value], audience: Audience) -> dict[str, Any]:
    """Return the result of the full form: of all that this audience can answer, is asked and knows."""
    inputs, gone = evaluator.ruleset.inputs, evaluator.ruleset.not_asked(truth)
    reached = {
        n: value
        for n, value in truth.items()
        if inputs[n].asked_of in audience.answers and value != UNKNOWN and n not in gone
    }
    for read in gated_in_order(evaluator.ruleset):
        if read.available_if is not None and read.name in reached:
            facts = evaluator.facts({n: value for n, value in reached.items() if n != read.name}, History())
            if Reference(evaluator.ruleset, facts).value(read.available_if) is not True:
                del reached[read.name]
    return evaluate(evaluator, reached, audience, "form")


def median_screens(runs: Iterable[PersonaRun]) -> float:
    """Return the median number of screens. Raises StatisticsError if there are no runs."""
    return median(run.conversation.screens for run in runs)


def evaluate(evaluator: Evaluator, answers: Answers, audience: Audience, name: str) -> dict[str, Any]:
    """Return the result of these answers, as it would be published. `name`: the report's id."""
    return evaluator.evaluate(answers, History(), report_id=name, received_ms=0, evaluated_ms=0, audience=audience)
