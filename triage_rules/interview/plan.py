"""The plan of an interview: the fewest screens whose expected answers settle the outcome, and the screen to show next.

It is found again after each screen: everything that still matters gets its expected answer; then screen by screen,
and question by question, is dropped while the outcome stays settled. What is left is a small certificate.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import compress
from typing import NamedTuple

from triage_rules.evaluation.answers import UNKNOWN
from triage_rules.evaluation.decision import Decider, Decision
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.evaluation.generated.program import ReachEvaluator
from triage_rules.evaluation.reference import Reference
from triage_rules.evaluation.signals import flags, input_bits
from triage_rules.interview.screens import Screen, screens_of
from triage_rules.language.gates import InputsBehind, gates_of
from triage_rules.language.model import Answers, Audience, Input, InputKind, Level, Ruleset, Value
from triage_rules.records.reports import History

_COST = {InputKind.YES_NO: 1.0, InputKind.CHOICE: 1.5, InputKind.NUMBER: 2.0, InputKind.INTEGER: 2.0}
_COST_OF_TEXT = 5.0


MOST_TICKED = 3
"""The most ticked choices that are asked on one screen."""


class NextScreen(NamedTuple):
    """A screen to show: the inputs to ask on it. Of a panel: all lines that make sense, answered ones too."""

    screen: Screen
    inputs: tuple[str, ...]


class Standing(NamedTuple):
    """Where an interview stands: the decision as far as its audience can change it, and the inputs that may matter.

    matters: the askable inputs that an undecided outcome depends on, though a graver one may make it irrelevant.
    """

    decision: Decision
    matters: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Given:
    """Answers so far, UNKNOWN among them, with what does not change during an interview."""

    answers: Answers
    history: History
    audience: Audience


class Planner:
    """Plans the interviews of one ruleset. May be shared by threads."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self.ruleset: Ruleset = evaluator.ruleset
        self._decider = Decider(self.ruleset)
        self._reach = ReachEvaluator(self.ruleset)
        self._names = list(input_bits(self.ruleset))
        self.screens = screens_of(self.ruleset)
        self._screen_of = {name: screen for screen in self.screens for name in screen.inputs}
        self._behind = InputsBehind(self.ruleset.inferences)
        self._unsure = [name for name, read in self.ruleset.inputs.items() if read.available_if is not None]
        self._expected = {name: _expected(read) for name, read in self.ruleset.inputs.items()}
        self._cost = {name: _COST.get(read.kind, _COST_OF_TEXT) for name, read in self.ruleset.inputs.items()}

    def standing(self, answers: Answers, history: History, audience: Audience) -> Standing:
        """Return the decision within the audience's reach, and the inputs to ask that could change it."""
        return self._stand(_Given(answers, history, audience))

    def next_screen(
        self, answers: Answers, history: History, audience: Audience, ticked: Iterable[str] = ()
    ) -> NextScreen | None:
        """Return the screen to show now; None once the interview is complete.

        ticked: choices that were ticked as lines of a panel, and are still to be asked.
        """
        given = _Given(answers, history, audience)
        standing = self._stand(given)
        if standing.decision.determined:
            return None
        waiting = [name for name in ticked if answers.get(name) is None]
        if waiting:
            return NextScreen(Screen(tuple(waiting), None, place=0), tuple(waiting[:MOST_TICKED]))
        for screen in self.screens:
            if screen.is_first and standing.matters.intersection(screen.inputs):
                return self._show(screen, given, standing.matters)
        plan = self._plan(given, standing, self._expected)
        undecided = self._undecided_gates(plan | standing.matters, given)
        reference = self._reference(given.answers, given.history)
        wanted = frozenset(
            name for name in plan if not undecided.get(name, frozenset()) & plan and self._is_available(name, reference)
        )
        screen = min((s for s in self.screens if wanted.intersection(s.inputs)), key=lambda s: s.place)
        return self._show(screen, given, wanted | (standing.matters - undecided.keys()))

    def certificate(
        self, answers: Answers, history: History, audience: Audience, truth: Mapping[str, Value]
    ) -> list[NextScreen]:
        """Return a small set of screens whose truthful answers settle the outcome (not always the smallest)."""
        given = _Given(answers, history, audience)
        standing = self._stand(given)
        if standing.decision.determined:
            return []
        plan = self._plan(given, standing, truth, level_first=False)
        shown = [(screen, tuple(name for name in screen.inputs if name in plan)) for screen in self.screens]
        return [NextScreen(screen, inputs) for screen, inputs in shown if inputs]

    def _stand(self, given: _Given) -> Standing:
        facts = self._evaluator.facts(given.answers, given.history)
        rails, steps = self._reach.of(facts, self._evaluator.reach(given.answers, facts, given.audience))
        decision = self._decider.decide(rails)
        mask = 0 if decision.determined else functools.reduce(operator.or_, next(steps), 0)
        return Standing(decision, frozenset(compress(self._names, flags(mask))))

    def _decide(self, given: _Given, further: Answers) -> Decision:
        """Decide with further answers, as far as their inputs are then available."""
        unsure = [name for name in self._unsure if name in further]
        if unsure:
            reference = self._reference({**given.answers, **further}, given.history)
            unavailable = {name for name in unsure if not self._is_available(name, reference)}
            if unavailable:
                return self._decide(given, {name: v for name, v in further.items() if name not in unavailable})
        answers = {**given.answers, **further}
        facts = self._evaluator.facts(answers, given.history)
        rails, _ = self._reach.of(facts, self._evaluator.reach(answers, facts, given.audience))
        return self._decider.decide(rails)

    def _plan(
        self, given: _Given, standing: Standing, truth: Mapping[str, Value], *, level_first: bool = True
    ) -> frozenset[str]:
        """Return inputs whose answers in `truth` settle the outcome, or first that the level is urgent."""
        reference = self._reference(given.answers, given.history)
        askable = [name for name in self._names if self._may_be_asked(name, given, reference)]
        everything = {name: truth.get(name, UNKNOWN) for name in askable}
        goal = self._decide(given, everything)
        urgent_first = level_first and goal.level is Level.URGENT and standing.decision.lowest is not Level.URGENT

        def settles(names: Iterable[str]) -> bool:
            decision = self._decide(given, {name: everything[name] for name in names})
            if urgent_first:
                return decision.lowest is Level.URGENT
            return decision.determined and decision.disposition == goal.disposition

        kept = {name for name in askable if name in standing.matters}
        if not settles(kept):
            kept = set(askable)
            if not settles(kept):
                return standing.matters
        return self._drop(kept, settles)

    def _drop(self, kept: set[str], settles: Callable[[Iterable[str]], bool]) -> frozenset[str]:
        """Drop screens, then inputs, the least useful first, while the rest settles the outcome."""
        for screen in sorted(self.screens, key=lambda screen: len(kept.intersection(screen.inputs))):
            fewer = kept.difference(screen.inputs)
            if len(fewer) < len(kept) and settles(fewer):
                kept = fewer
        for name in sorted(kept, key=lambda name: -self._cost[name]):
            if settles(kept - {name}):
                kept = kept - {name}
        return frozenset(kept)

    def _undecided_gates(self, names: Iterable[str], given: _Given) -> dict[str, frozenset[str]]:
        """Return, for each input with an undecided gate, the inputs on other screens that its gates read."""
        reference = self._reference(given.answers, given.history)
        undecided = {}
        for name in names:
            gates = [when for when in gates_of(self.ruleset.inputs[name]) if reference.value(when) is None]
            if gates:
                needs = {self.ruleset.input_behind(need).name for when in gates for need in self._behind.of(when)}
                undecided[name] = frozenset(needs.difference(self._screen_of[name].inputs))
        return undecided

    def _reference(self, answers: Answers, history: History) -> Reference:
        return Reference(self.ruleset, self._evaluator.facts(answers, history))

    def _may_be_asked(self, name: str, given: _Given, reference: Reference) -> bool:
        """Return whether an answer may come: it is the audience's to give, still open and not ruled out."""
        is_theirs = self.ruleset.inputs[name].asked_of in given.audience.answers
        return is_theirs and name not in given.answers and self._makes_sense(name, reference)

    def _makes_sense(self, name: str, reference: Reference) -> bool:
        relevant = self.ruleset.inputs[name].relevant
        if name in self.ruleset.not_asked(reference.answers):
            return False
        return relevant is None or reference.value(relevant.when) is not False

    def _is_available(self, name: str, reference: Reference) -> bool:
        available_if = self.ruleset.inputs[name].available_if
        return available_if is None or reference.value(available_if) is True

    def _show(self, screen: Screen, given: _Given, wanted: frozenset[str]) -> NextScreen:
        if screen.panel is not None:
            reference = self._reference(given.answers, given.history)
            sensible = [
                name
                for name in screen.inputs
                if given.answers.get(name, UNKNOWN) != UNKNOWN
                or (self._makes_sense(name, reference) and self._is_available(name, reference))
            ]
            new = [name for name in sensible if name not in given.answers]
            ticked = {line.input for line in screen.panel.lines if line.none_means is not False}
            if len(new) < len(sensible) and ticked.issuperset(
                new
            ):  # the other lines were answered, so these were ticked
                return NextScreen(Screen(tuple(new), None, place=0), tuple(new[:MOST_TICKED]))
            return NextScreen(screen, tuple(sensible))
        return NextScreen(screen, tuple(name for name in screen.inputs if name in wanted))


def _expected(read: Input) -> Value:
    if read.expected is not None:
        return read.expected
    match read.kind:
        case InputKind.YES_NO:
            return False
        case InputKind.TEXT:
            return ""
        case _:
            return UNKNOWN
