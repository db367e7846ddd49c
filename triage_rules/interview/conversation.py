"""An interview of a person whose answers are known: screen after screen, until it is complete."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from triage_rules.evaluation.answers import UNKNOWN
from triage_rules.evaluation.decision import Decision
from triage_rules.interview.plan import NextScreen, Planner
from triage_rules.language.model import Answers, Audience, Level, Value
from triage_rules.records.reports import History


@dataclass(frozen=True, slots=True)
class Exchange:
    """A screen that was shown, and the answers to it. seconds: to plan it. decision: before these answers."""

    shown: NextScreen
    answers: Answers
    ticked: tuple[str, ...]
    taps: int
    seconds: float
    decision: Decision


@dataclass(slots=True)
class Conversation:
    """A whole interview. `decision`: the last one, within the audience's reach.

    repeated: a screen that asks only what is answered already; the interview would never end, so it was broken off.
    """

    exchanges: list[Exchange] = field(default_factory=list)
    answers: Answers = field(default_factory=dict)
    decision: Decision | None = None
    repeated: NextScreen | None = None

    @property
    def screens(self) -> int:
        """Return the number of screens shown."""
        return len(self.exchanges)

    @property
    def taps(self) -> int:
        """Return the number of taps: one for each question and each ticked line, one for "none of these"."""
        return sum(exchange.taps for exchange in self.exchanges)

    def screens_until_level(self, level: Level) -> int | None:
        """Return the number of screens after which the level could not fall below this one; None if it always could."""
        decisions = [exchange.decision for exchange in self.exchanges]
        decisions += [] if self.decision is None else [self.decision]
        return next((n for n, decision in enumerate(decisions) if decision.lowest >= level), None)


def interview(
    planner: Planner,
    truth: Mapping[str, Value],
    *,
    audience: Audience = Audience.PATIENT,
    history: History | None = None,
    given: Answers | None = None,
) -> Conversation:
    """Interview a person. truth: an answer for each input; UNKNOWN, and what is missing, is answered "unknown".

    given: answers from before the interview.
    """
    conversation, history = Conversation(answers=dict(given or {})), history or History()
    ticked: tuple[str, ...] = ()
    while True:
        started = time.perf_counter()
        shown = planner.next_screen(conversation.answers, history, audience, ticked)
        seconds = time.perf_counter() - started
        conversation.decision = planner.standing(conversation.answers, history, audience).decision
        if shown is None:
            return conversation
        answers, now_ticked, taps = _answer(shown, truth)
        if not answers.keys() - conversation.answers.keys() and not set(now_ticked) - set(ticked):
            conversation.repeated = shown
            return conversation
        conversation.exchanges.append(Exchange(shown, answers, now_ticked, taps, seconds, conversation.decision))
        conversation.answers |= answers
        ticked = tuple(name for name in (*ticked, *now_ticked) if name not in conversation.answers)


def _answer(shown: NextScreen, truth: Mapping[str, Value]) -> tuple[Answers, tuple[str, ...], int]:
    """Return the answers to a screen, the choices ticked on it, and the taps."""
    answers = {name: truth.get(name, UNKNOWN) for name in shown.inputs}
    panel = shown.screen.panel
    if panel is None:
        return answers, (), len(answers)
    none_means = {line.input: line.none_means for line in panel.lines}
    marked = [name for name, answer in answers.items() if answer == UNKNOWN or answer != none_means[name]]
    ticked = tuple(name for name in marked if none_means[name] is not False and answers[name] != UNKNOWN)
    for name in ticked:
        del answers[name]
    return answers, ticked, max(1, len(marked))
