"""The laws of interviews as searches for exceptions: for the tests and for the campaign. Each yields what breaks a law."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from tests.support.oracles.reach import ByDefinition, Reach
from tests.support.rulesets.generated import DIGEST
from tests.support.rulesets.interviewed import make_interviewed, make_partial, with_another_order
from triage_rules.assurance.solver.encoding import Encoding
from triage_rules.assurance.solver.solver import GaveUp, Model, NoReport, Solver
from triage_rules.evaluation.answers import UNKNOWN
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.interview.conversation import Conversation, interview
from triage_rules.interview.persona_runs import expected_of_form
from triage_rules.interview.plan import Planner
from triage_rules.interview.random_people import random_person, usual_answer
from triage_rules.interview.wire import add_next
from triage_rules.language.model import Answers, AskedOf, Audience, Ruleset, ScreenPlan, Value
from triage_rules.records.reports import History

Json = dict[str, Any]
WALKS = 4
"""Ways to go on that are tried from each report, each with all its steps."""

USUAL_SHARES = (1.0, 0.95, 0.8, 0.3)


@dataclass
class Subject:
    """A ruleset under test, with what evaluates it, and counts of what was seen."""

    evaluator: Evaluator
    seen: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.ruleset = self.evaluator.ruleset
        self.planner = Planner(self.evaluator)
        inputs = self.ruleset.inputs.values()
        self.usual = {read.name: usual for read in inputs if (usual := usual_answer(read)) not in (None, UNKNOWN)}

    def result(self, answers: Answers, history: History, audience: Audience) -> Json:
        """The result as `/v1/evaluate` returns it."""
        result = evaluate(self.evaluator, answers, history, audience)
        add_next(result, self.planner, answers, history=history, audience=audience)
        return result


def evaluate(evaluator: Evaluator, answers: Answers, history: History, audience: Audience) -> Json:
    return evaluator.evaluate(answers, history, report_id="r", received_ms=0, evaluated_ms=0, audience=audience)


def made(random: Random, **sizes: int) -> Subject:
    """A ruleset made at random."""
    return Subject(Evaluator(make_interviewed(random, **sizes), DIGEST))


# --- one report ---


@dataclass
class Case:
    """A partial report, and its result."""

    subject: Subject
    answers: Answers
    history: History
    audience: Audience
    reach: Reach
    random: Random

    def __post_init__(self) -> None:
        self.result = self.subject.result(self.answers, self.history, self.audience)
        self.facts = self.reach.judge.facts(self.answers)
        self.open = self.reach.open_to(self.answers, self.audience)

    def some_ways_on(self, audience: Audience | None) -> Iterator[Answers]:
        """Reports to which further answers may lead."""
        for _ in range(WALKS):
            share = self.random.choice(USUAL_SHARES)
            yield from self.reach.some_way(self.answers, audience, self.random, self.subject.usual, share)

    def changed(self, ways: Iterator[Answers]) -> Iterator[Answers]:
        """Those of the reports that have another outcome."""
        for answers in ways:
            self.subject.seen["completions"] += 1
            if self.reach.judge.disposition(self.reach.judge.facts(answers)) != self.result["disposition"]:
                yield answers


Law = Callable[[Case], Iterator[str]]


def determined_is_sound(case: Case) -> Iterator[str]:
    """No answers to what is open change a determined outcome, whoever gives them."""
    if case.result["determined"]:
        case.subject.seen["determined"] += 1
        case.subject.seen["determined, with inputs open"] += bool(case.reach.open_to(case.answers, None))
        for answers in case.changed(case.some_ways_on(None)):
            yield f"determined, and another outcome with {_more(case, answers)}"


def complete_is_sound(case: Case) -> Iterator[str]:
    """No answers within the audience's reach change the outcome of a complete interview."""
    if case.result["interview"]["complete"]:
        case.subject.seen["complete"] += 1
        case.subject.seen["complete, not determined"] += not case.result["determined"]
        case.subject.seen["complete, with inputs in reach"] += bool(case.open)
        for answers in case.changed(case.some_ways_on(case.audience)):
            yield f"complete, and another outcome with {_more(case, answers)}"
    elif case.result["determined"]:
        yield "determined, but not complete"


def every_completion_is_sound(case: Case) -> Iterator[str]:
    """The same two laws, with every way to go on."""
    for said, audience in (("determined", None), ("complete", case.audience)):
        if case.result["determined"] if audience is None else case.result["interview"]["complete"]:
            case.subject.seen[f"every way from {said}"] += 1
            for answers in case.changed(case.reach.every_way(case.answers, audience)):
                yield f"{said}, and another outcome with {_more(case, answers)}"


def a_question_is_left_until_complete(case: Case) -> Iterator[str]:
    """An interview that isn't complete has a question to ask and a screen to show; one that is complete has neither."""
    ask, shown = [entry["finding"] for entry in case.result["ask"]], case.result["interview"]["next"]
    if case.result["interview"]["complete"]:
        if ask or shown is not None:
            yield f"complete, and still asks {ask}, {shown}"
        return
    case.subject.seen["not complete"] += 1
    if not ask:
        yield "not complete, and nothing in `ask`"
    if set(ask) - set(case.open):
        yield f"`ask` has what can't be asked: {set(ask) - set(case.open)}"
    if shown is None:
        yield "not complete, and no next screen"
    else:
        yield from _faults_of_screen(case, shown)


def _faults_of_screen(case: Case, shown: Json) -> Iterator[str]:
    if "panel" not in shown:
        names = [question["finding"] for question in shown["questions"]]
        if not 1 <= len(names) <= 3 or set(names) - set(case.open):
            yield f"the next screen asks {names}, and open are {case.open}"
        return
    case.subject.seen["panels next"] += 1
    names = [line["finding"] for line in shown["lines"]]
    if not set(names) & set(case.open):
        yield f"no line of the next panel is new: {names}, and open are {case.open}"
    panel = case.subject.ruleset.panels[shown["panel"]]
    for name in panel.inputs:
        is_given = case.answers.get(name, UNKNOWN) != UNKNOWN
        if name in names and not is_given and case.reach.is_irrelevant(name, case.facts):
            yield f"the next panel has a line that is ruled out: {name}"
        if name not in names and (is_given or name in case.open):
            yield f"the next panel lacks the line {name}"


def what_others_can_answer_is_listed(case: Case) -> Iterator[str]:
    """`open_elsewhere` has what could change the outcome by one answer and is out of reach, and nothing of `ask`."""
    ask = {entry["finding"] for entry in case.result["ask"]}
    elsewhere = {entry["finding"] for entry in case.result["open_elsewhere"]}
    unanswered = set(case.reach.unanswered(case.facts))
    case.subject.seen["open elsewhere"] += bool(elsewhere)
    if ask & elsewhere:
        yield f"in `ask` and in `open_elsewhere`: {ask & elsewhere}"
    if elsewhere - unanswered or elsewhere & set(case.open):
        yield f"`open_elsewhere` has what is answered or in reach: {elsewhere - unanswered | elsewhere & set(case.open)}"
    for name in sorted(unanswered - ask - elsewhere):
        if case.reach.is_irrelevant(name, case.facts) or case.reach.is_asked_later(name, case.answers, case.audience):
            continue
        for after in case.reach.single_answers(case.answers, name):
            if after != case.result["disposition"]:
                yield f"an answer to {name} changes the outcome, and neither `ask` nor `open_elsewhere` has it"
                break


def less_is_never_milder(case: Case) -> Iterator[str]:
    """Answers left out may make the picture vaguer: nothing that was possible becomes impossible."""
    rank = case.subject.ruleset.urgency
    kept = {name: value for name, value in case.answers.items() if case.random.random() < 0.6}
    facts = case.reach.judge.facts(kept)
    # An explicit answer against its relevance can't be left out: the implied one would take its place.
    kept |= {name: v for name, v in case.answers.items() if name in facts and name not in kept and v != UNKNOWN}
    less = evaluate(case.subject.evaluator, kept, case.history, case.audience)
    if rank(less["could_be_disposition"]) < rank(case.result["could_be_disposition"]):
        yield f"could_be is milder with only {kept}"
    if less["determined"] and less["disposition"] != case.result["disposition"]:
        yield f"determined, with another outcome, with only {kept}"


def a_replay_is_the_original(case: Case) -> Iterator[str]:
    """The same answers in another order, by another evaluator, give the same result."""
    names = list(case.answers)
    case.random.shuffle(names)
    again = Subject(Evaluator(case.subject.ruleset, DIGEST))
    replayed = again.result({name: case.answers[name] for name in names}, case.history, case.audience)
    if replayed != case.result:
        yield f"a replay has another result: {_differing(replayed, case.result)}"


def what_is_irrelevant_counts_as_its_declared_value(case: Case) -> Iterator[str]:
    """The outcome with an irrelevant input left out is the outcome with the declared value given."""
    entries = case.result["irrelevant"]
    if not entries:
        return
    case.subject.seen["irrelevant"] += 1
    implied = {entry["finding"]: entry["taken_as"] for entry in entries}
    left_out = {name: value for name, value in case.answers.items() if name not in implied}
    given = evaluate(case.subject.evaluator, left_out | implied, case.history, case.audience)
    for key in ("level", "disposition", "could_be_disposition", "determined", "rules", "by_rules"):
        if given[key] != case.result[key]:
            yield f"{key} differs with {implied} given"
    if given["irrelevant"]:
        yield "what is given is shown as irrelevant"


def an_explicit_answer_beats_relevance(case: Case) -> Iterator[str]:
    """What is answered counts as answered: the outcome is that of a ruleset without gates."""
    inputs = case.subject.ruleset.inputs
    facts = case.reach.judge.facts(case.answers)
    against = [n for n in case.answers if case.answers[n] != UNKNOWN and case.reach.is_irrelevant(n, facts)]
    if not against:
        return
    case.subject.seen["answers against their relevance"] += 1
    free = {name: replace(read, relevant=None, available_if=None) for name, read in inputs.items()}
    implied = {entry["finding"]: entry["taken_as"] for entry in case.result["irrelevant"]}
    answers = {**case.answers, **implied}
    other = evaluate(
        Evaluator(replace(case.subject.ruleset, inputs=free), DIGEST), answers, case.history, case.audience
    )
    for key in ("level", "disposition", "rules"):
        if other[key] != case.result[key]:
            yield f"{key} differs from a ruleset without gates, with {against} answered"
    if implied.keys() & set(against):
        yield f"an implied answer took the place of a given one: {implied.keys() & set(against)}"


def only_the_order_rests_on_expected_and_screens(case: Case) -> Iterator[str]:
    """Other expected answers and screens, or none, change no outcome and nothing of a result but the next screen."""
    ruleset = case.subject.ruleset
    without = {name: replace(read, expected=None) for name, read in ruleset.inputs.items()}
    for other in (
        with_another_order(case.random, ruleset),
        replace(ruleset, inputs=without, screens=ScreenPlan()),
    ):
        result = Subject(Evaluator(other, DIGEST)).result(case.answers, case.history, case.audience)
        shown = result["interview"].pop("next")
        expected = {**case.result, "interview": {**case.result["interview"]}}
        case.subject.seen["another next screen"] += expected["interview"].pop("next") != shown
        if result != expected:
            yield f"with another order, {_differing(result, expected)} differ"


LAWS: tuple[Law, ...] = (
    determined_is_sound,
    complete_is_sound,
    a_question_is_left_until_complete,
    what_others_can_answer_is_listed,
    less_is_never_milder,
    what_is_irrelevant_counts_as_its_declared_value,
)
"""The laws that need only the report's own ruleset and are quick."""

LAWS_OF_COPIES: tuple[Law, ...] = (
    a_replay_is_the_original,
    an_explicit_answer_beats_relevance,
    only_the_order_rests_on_expected_and_screens,
)
"""The laws that compare with a changed copy of the ruleset."""


def exceptions(case: Case, laws: tuple[Law, ...]) -> Iterator[str]:
    """What breaks one of the laws, with the report."""
    for law in laws:
        for fault in law(case):
            yield f"{law.__name__}: {fault}; {case.audience.value} has answered {case.answers}, {case.history}"


def cases_of(subject: Subject, random: Random, count: int) -> Iterator[Case]:
    """Partial reports by a ruleset made at random: any, and as an interview leaves them."""
    for number in range(count):
        answers, history = make_partial(random, subject.ruleset)
        audience = random.choice(list(Audience))
        if number % 2:
            truth = random_person(subject.ruleset, random, unknown=random.choice([0, 0.3]), usual=random.random())
            answers = _stopped(interview(subject.planner, truth, audience=audience, history=history), random)
        reach = Reach(ByDefinition(subject.ruleset, history))
        yield Case(subject, answers, history, audience, reach, Random(random.random()))


def cases_of_large(subject: Subject, reach: Reach, random: Random, count: int) -> Iterator[Case]:
    """The same by a large ruleset. Some of any report's answers are drawn again, so that they go against relevance."""
    for number in range(count):
        audience = random.choice([Audience.PATIENT, Audience.PATIENT, Audience.CLINICIAN])
        truth = random_person(
            subject.ruleset, random, unknown=random.choice([0.02, 1 / 3]), usual=random.choice([None, None, 0.5])
        )
        if number % 2:
            answers = _stopped(interview(subject.planner, truth, audience=audience), random)
        else:
            share, odd = random.choice([0.1, 0.4, 0.8, 0.97, 1]), random.choice([0, 0, 0.02])
            answers = {
                name: random.choice(reach.ways(name)) if random.random() < odd else value
                for name, value in truth.items()
                if random.random() < share
            }
        yield Case(subject, answers, History(), audience, reach, Random(random.random()))


def _stopped(talk: Conversation, random: Random) -> Answers:
    """The answers of an interview up to some screen, the end among them."""
    answers: Answers = {}
    for exchange in talk.exchanges[: random.choice([len(talk.exchanges), random.randint(0, len(talk.exchanges))])]:
        answers |= exchange.answers
    return answers


def _more(case: Case, answers: Answers) -> Answers:
    return {name: answer for name, answer in answers.items() if case.answers.get(name) != answer}


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    return [key for key in {**one, **other} if one.get(key) != other.get(key)]


# --- whole interviews ---


def interview_exceptions(
    subject: Subject, truth: Mapping[str, Value], audience: Audience
) -> tuple[Conversation, list[str]]:
    """An interview by the plan, and what breaks a law: it ends, complete, after new questions only, as the full form."""
    talk = interview(subject.planner, truth, audience=audience)
    faults = []
    if talk.repeated is not None:
        faults.append(f"does not end: asks {talk.repeated.inputs} again")
    result = evaluate(subject.evaluator, talk.answers, History(), audience)
    if not result["interview"]["complete"]:
        faults.append("ends before it is complete")
    level, disposition = expected_of_form(subject.evaluator, truth, audience)
    if (result["level"], result["disposition"]) != (level.word, disposition):
        faults.append(f"{result['disposition']}, and {disposition} by the full form")
    if talk.decision is None or talk.decision.disposition != disposition:
        faults.append("the interview's own decision differs from the result")
    answered: set[str] = set()
    for exchange in talk.exchanges:
        asked = set(exchange.shown.inputs)
        if not asked - answered or (exchange.shown.screen.panel is None and asked & answered):
            faults.append(f"asks again: {sorted(asked & answered)}")
        answered |= exchange.answers.keys()
    subject.seen["interviews"] += 1
    subject.seen["screens"] += talk.screens
    return talk, [f"{fault}; {audience.value}, truth {dict(truth)}" for fault in faults]


def most_screens(subject: Subject, talk: Conversation) -> int:
    """The most screens that an interview may take: each once, and one for each choice that was ticked in a panel."""
    return len(subject.planner.screens) + len({name for exchange in talk.exchanges for name in exchange.ticked})


# --- by the solver ---


class OtherOutcomes:
    """Searches with the solver for answers that lead to another outcome; exact, for a large ruleset."""

    def __init__(self, ruleset: Ruleset) -> None:
        self._encoding = Encoding(ruleset)
        self._solver = Solver(self._encoding)

    def find(self, case: Case) -> Model | NoReport | GaveUp:
        """Search within the audience's reach. Answers to what may be asked now are reached in any order.

        An input whose relevance is open may be asked before it is ruled out; one that isn't available yet may be asked
        once it is.
        """
        encoding, logic = self._encoding, self._encoding.logic
        formulas = [encoding.counts(case.history), logic.opposite(encoding.disposition_is(case.result["disposition"]))]
        for name, read in encoding.ruleset.inputs.items():
            if read.asked_of is AskedOf.SERVICE:
                continue
            not_given = logic.opposite(encoding.given(name))
            if case.answers.get(name, UNKNOWN) != UNKNOWN:
                formulas.append(encoding.answer(name, case.answers[name]))
            elif name in case.open:
                pass
            elif case.reach.is_asked_later(name, case.answers, case.audience) and read.available_if is not None:
                formulas.append(logic.any_of([not_given, encoding.true(read.available_if)]))
            else:
                formulas.append(not_given)
        return self._solver.find(*formulas)
