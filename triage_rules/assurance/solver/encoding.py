"""A ruleset's decision as formulas over a report's answers: level, disposition, outcomes still possible, advice.

A third reading of docs/reference/ruleset-language.md beside compiler and reference evaluator, which shares their types
and keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from triage_rules.assurance.solver.answers import AnswerVariables
from triage_rules.assurance.solver.conditions import ConditionFormulas
from triage_rules.assurance.solver.logic import Formula, Logic
from triage_rules.assurance.solver.phrases import folded, has_phrase
from triage_rules.evaluation.answers import UNKNOWN
from triage_rules.evaluation.signals import SOONER, outcome_key
from triage_rules.language.answer_floors import floors_on_answers
from triage_rules.language.model import (
    NOT_APPROVED,
    Answers,
    AskedOf,
    Basis,
    Floor,
    Input,
    InputKind,
    Level,
    Rule,
    Ruleset,
)
from triage_rules.records.reports import History

Rail = Callable[[str], Formula]
"""Formula for each statement's key: it is on this rail."""


class Encoding(ConditionFormulas):
    """One ruleset as formulas, each made at its first use. `sharing`: another ruleset, asked about the same report.

    Inputs of the same name and kind are then one answer of the report, to which each ruleset adds those that its own
    relevance implies. An input of only one ruleset is open to the other; a name with two kinds is two inputs. `but`:
    inputs whose answers may differ, so that two reports are asked about.
    """

    def __init__(self, ruleset: Ruleset, sharing: ConditionFormulas | None = None, *, but: Iterable[str] = ()) -> None:
        differing = frozenset(but)
        answers = AnswerVariables(Logic()) if sharing is None else sharing.answers
        super().__init__(ruleset, answers.but(differing) if differing else answers)
        self._known: dict[tuple[object, ...], Formula] = {}
        self._order = sorted(ruleset.dispositions, key=ruleset.urgency)
        for read in ruleset.inputs.values():
            self.answers.answered(read)

    def accepted(self) -> Formula:
        """Return the formula: the ruleset accepts the report, with answers within bounds and the counts present."""
        return self.logic.all_of(self.answers.accepted(read) for read in self.ruleset.inputs.values())

    # --- the decision ---

    def level_at_least(self, level: Level) -> Formula:
        """Return the formula: the published level is this one or a more urgent one."""
        return self._at_or_above(self._least_urgent_of(level))

    def level_is(self, level: Level) -> Formula:
        """Return the formula: this is the published level."""
        return self._level_exactly(self.level_at_least, level)

    def at_least_as_urgent(self, disposition: str) -> Formula:
        """Return the formula: the published disposition is this one or a more urgent one."""
        return self._at_or_above(self._order.index(disposition))

    def disposition_is(self, disposition: str) -> Formula:
        """Return the formula: this is the published disposition."""
        rank = self._order.index(disposition)
        return self._remember(
            ("is", rank),
            lambda: self.logic.all_of([self._at_or_above(rank), self.logic.opposite(self._at_or_above(rank + 1))]),
        )

    def could_be_at_least(self, level: Level) -> Formula:
        """Return the formula: `could_be` is this level or a more urgent one."""
        return self._remember(("could be", level), lambda: self._could_reach_after_raising(level))

    def could_be_is(self, level: Level) -> Formula:
        """Return the formula: `could_be` is this level."""
        return self._level_exactly(self.could_be_at_least, level)

    def could_be_disposition_is(self, disposition: str) -> Formula:
        """Return the formula: `could_be_disposition` is this one."""
        rank = self._order.index(disposition)
        return self.logic.all_of([self._could_rank(rank), self.logic.opposite(self._could_rank(rank + 1))])

    def determined(self) -> Formula:
        """Return the formula: no answer to an open input can change the outcome (`determined`)."""
        return self._remember(
            ("determined",),
            lambda: self.logic.all_of(
                self.logic.same(self._never_below(rank), self._could_rank(rank)) for rank in range(1, len(self._order))
            ),
        )

    def basis_is(self, basis: Basis) -> Formula:
        """Return the formula: the outcome rests on this."""
        logic, ranks = self.logic, range(1, len(self._order))
        lifted = [logic.all_of([self._at_or_above(r), logic.opposite(self._by_rules_or_default(r))]) for r in ranks]
        safety_net = logic.any_of(
            logic.all_of([above, logic.opposite(self._by_answer_floors(rank))])
            for rank, above in zip(ranks, lifted, strict=True)
        )
        default = logic.all_of([self.by_default(), logic.opposite(logic.any_of(lifted))])
        match basis:
            case Basis.SAFETY_NET:
                return safety_net
            case Basis.DEFAULT:
                return default
            case Basis.RULES:
                return logic.opposite(logic.any_of([default, safety_net]))

    def _by_answer_floors(self, rank: int) -> Formula:
        """Return the formula: floors that rest on answers reach this rank of urgency or a higher one, for good."""
        on_answers = floors_on_answers(self.ruleset)
        floors = [floor for floor in self._floors if floor.id in on_answers]
        return self._some_outcome(floors, self.certain, partial(self._reaches_rank, rank))

    def by_rules_is(self, disposition: str) -> Formula:
        """Return the formula: the most urgent outcome of established rules is this disposition."""
        rank = self._order.index(disposition)
        reaches, exceeds = (
            self._some_outcome(self._rules, self.established, partial(self._reaches_rank, least))
            for least in (rank, rank + 1)
        )
        return self.logic.all_of([reaches, self.logic.opposite(exceeds)])

    def by_default(self) -> Formula:
        """Return the formula: no rule is established, so the default decided."""
        return self._remember(
            ("default",), lambda: self.logic.opposite(self._some_outcome(self._rules, self.established))
        )

    def sooner(self) -> Formula:
        """Return the formula: the result expires sooner."""
        return self.possible(SOONER) if self.ruleset.validity.sooner is not None else self.logic.false

    # --- texts and flags ---

    def fired(self, rule: str) -> Formula:
        """Return the formula: the rule or floor is established, with some outcome, so the result lists it."""
        return self.logic.any_of(map(self.established, _outcome_keys(self._find_rule(rule))))

    def advises(self, rule: str) -> Formula:
        """Return the formula: the rule's or floor's reason is in the advice (the patient's unless clinician-only)."""
        return self._remember(("advises", rule), lambda: self._fires_at_level(self._find_rule(rule)))

    def patient_reads(self, words: str) -> Formula:
        """Return the formula: a paragraph for the patient has these words; case and line ends don't count."""
        texts = [(self.disposition_is(d.code), d.patient) for d in self.ruleset.dispositions.values()]
        texts += [
            (self.advises(rule.id), rule.reason)
            for rule in self.ruleset.rules_and_floors
            if not (isinstance(rule, Rule) and rule.clinician_only)
        ]
        texts += [(self.by_default(), self.ruleset.default.reason), (self.logic.true, self.ruleset.always_patient)]
        return self._any_text_has(words, texts)

    def clinician_reads(self, words: str) -> Formula:
        """Return the formula: a paragraph for the clinician has these words; case and line ends don't count."""
        texts = [(self.disposition_is(d.code), d.clinician) for d in self.ruleset.dispositions.values()]
        texts += [
            (self.advises(rule.id), f"{rule.id}: {rule.title}. {rule.reason} {rule.clinician_note or ''}")
            for rule in self.ruleset.rules_and_floors
        ]
        texts += [(self.by_default(), self.ruleset.default.reason), (self.logic.true, self.ruleset.always_clinician)]
        texts += [(self.logic.true, NOT_APPROVED)] if self.ruleset.approved_by is None else []
        return self._any_text_has(words, texts)

    def flag(self, flag: str) -> Formula:
        """Return the formula: the result carries the flag."""
        whens = [self.fired(rule.id) for rule in self.ruleset.rules_and_floors if flag in rule.flags]
        whens += [self.by_default()] if flag in self.ruleset.default.flags else []
        return self.logic.any_of(whens)

    def missing(self, name: str) -> Formula:
        """Return the formula: the result lists the input as missing, as it is mandatory and open."""
        return self.logic.any_of(
            self.logic.all_of([*conditions, *map(self.is_open, item.inputs)])
            for item in self.ruleset.mandatory
            if name in item.inputs
            for conditions in [[] if item.when is None else [self.logic.opposite(self.false(item.when))]]
        )

    # --- one report ---

    def says(self, answers: Answers, history: History) -> Formula:
        """Return the formula: the report has exactly these typed answers, and none to any other input."""
        parts = [
            self._answered_as(name, answers) for name, read in self.ruleset.inputs.items() if not _is_counted(read)
        ]
        return self.logic.all_of([*parts, self.counts(history)])

    def counts(self, history: History) -> Formula:
        """Return the formula: the service's counts of the subject's earlier reports are these."""
        highest = "none" if history.highest_level_24h is None else history.highest_level_24h.word
        counts: Answers = {"reports_last_48h": history.reports_last_48h, "highest_level_24h": highest}
        return self.logic.all_of(
            self._answered_as(name, counts) for name, read in self.ruleset.inputs.items() if _is_counted(read)
        )

    def answer(self, name: str, value: bool | float | str) -> Formula:
        """Return the formula: the report gives the input this answer, whatever else is answered."""
        return self._answered_as(name, {name: value})

    # --- translation ---

    def _any_text_has(self, words: str, texts: list[tuple[Formula, str]]) -> Formula:
        wanted = folded(words)
        return self.logic.any_of(
            when for when, text in texts if any(wanted in folded(part) for part in text.split("\n\n"))
        )

    @property
    def _rules(self) -> Iterable[Rule]:
        return self.ruleset.rules.values()

    @property
    def _floors(self) -> Iterable[Floor]:
        return self.ruleset.floors.values()

    def _find_rule(self, rule: str) -> Rule | Floor:
        return self.ruleset.rules[rule] if rule in self.ruleset.rules else self.ruleset.floors[rule]

    def _remember(self, key: tuple[object, ...], make: Callable[[], Formula]) -> Formula:
        """Return the formula under this key, made once and named."""
        if key not in self._known:
            self._known[key] = self.logic.named(make(), " ".join(map(str, key)))
        return self._known[key]

    def _level_exactly(self, at_least: Callable[[Level], Formula], level: Level) -> Formula:
        more = [at_least(Level(level + 1))] if level < Level.URGENT else []
        return self.logic.all_of([at_least(level), *map(self.logic.opposite, more)])

    def _some_outcome(
        self, rules: Iterable[Rule | Floor], rail: Rail, counts: Callable[[str], bool] = lambda _: True
    ) -> Formula:
        """Return the formula: on this rail, an outcome of these rules reaches a disposition that counts."""
        return self.logic.any_of(
            rail(outcome_key(rule.id, index))
            for rule in rules
            for index, outcome in enumerate(rule.outcomes)
            if counts(outcome.disposition)
        )

    def _some_floor_raises(self, rail: Rail) -> Formula:
        """Return the formula: on this rail, a floor raises by one level."""
        return self.logic.any_of(rail(floor.id) for floor in self._floors if floor.raise_one)

    def _level_of(self, disposition: str) -> Level:
        return self.ruleset.dispositions[disposition].level

    @property
    def _default_code(self) -> str:
        return self.ruleset.default.disposition

    def _reaches_rank(self, rank: int, disposition: str) -> bool:
        return self._order.index(disposition) >= rank

    def _least_urgent_of(self, level: Level) -> int:
        """Return the first place in the order with this level or a more urgent one."""
        return sum(self._level_of(code) < level for code in self._order)

    def _before_raising(self, rank: int) -> Formula:
        """Return the formula: rules or default, then floors, reach this rank of urgency or a higher one."""
        floors = self._some_outcome(self._floors, self.established, partial(self._reaches_rank, rank))
        return self._remember(
            ("before lifting", rank), lambda: self.logic.any_of([self._by_rules_or_default(rank), floors])
        )

    def _at_or_above(self, rank: int) -> Formula:
        """Return the formula: the published disposition has this rank of urgency or a higher one."""
        if not 0 < rank < len(self._order):
            return self.logic.true if rank <= 0 else self.logic.false
        return self._remember(("rank", rank), lambda: self._rank_after_raising(rank))

    def _rank_after_raising(self, rank: int) -> Formula:
        logic, lifts = self.logic, self._some_floor_raises(self.established)
        starts = {level: self._before_raising(self._least_urgent_of(level)) for level in Level}
        stays = logic.any_of([logic.opposite(lifts), starts[Level.URGENT]])
        ways = [logic.all_of([stays, self._before_raising(rank)])]
        for floor in self._floors:
            for level, code in floor.raise_one:
                if self._order.index(code) >= rank:
                    below = [starts[Level(level - 1)], logic.opposite(starts[level])]
                    ways.append(logic.all_of([self.established(floor.id), *below]))
        return logic.any_of(ways)

    def _could_reach_after_raising(self, level: Level) -> Formula:
        """Return the formula: the level may be reached, or the one below it and a floor raises it by one."""
        if level is Level.ROUTINE:
            return self.logic.true
        below = self.logic.true if level is Level.MONITOR else self._could_reach(Level(level - 1))
        raised = self.logic.all_of([self._some_floor_raises(self.possible), below])
        return self.logic.any_of([self._could_reach(level), raised])

    def _could_reach(self, level: Level) -> Formula:
        """Return the formula: some answers may reach the level before floors raise it by one."""
        parts = [self._some_outcome(self.ruleset.rules_and_floors, self.possible, lambda c: self._level_of(c) >= level)]
        if self._level_of(self._default_code) >= level:
            parts.append(self._may_fall_to_default())
        return self.logic.any_of(parts)

    def _could_rank(self, rank: int) -> Formula:
        """Return the formula: `could_be_disposition` has this rank of urgency or a higher one."""
        return self._remember(("could rank", rank), lambda: self.logic.any_of(self._ways_to_rank(rank)))

    def _ways_to_rank(self, rank: int) -> Iterator[Formula]:
        counts = partial(self._reaches_rank, rank)
        yield self._at_or_above(rank)
        yield self._some_outcome(self.ruleset.rules_and_floors, self.possible, counts)
        if counts(self._default_code):
            yield self._may_fall_to_default()
        for floor in self._floors:
            for level, code in floor.raise_one:
                if counts(code):
                    yield self.logic.all_of([self.possible(floor.id), self.could_be_at_least(level)])

    def _by_rules_or_default(self, rank: int) -> Formula:
        """Return the formula: rules or the default reach this rank of urgency or a higher one, without any floor."""
        counts = partial(self._reaches_rank, rank)
        parts = [self._some_outcome(self._rules, self.established, counts)]
        parts += [self.by_default()] if counts(self._default_code) else []
        return self.logic.any_of(parts)

    def _never_below(self, rank: int) -> Formula:
        """Return the formula: no answers lead below this rank of urgency, as far as the product can determine."""
        return self._remember(("never below", rank), lambda: self._rank_that_stays(rank))

    def _rank_that_stays(self, rank: int) -> Formula:
        logic, raises = self.logic, self._some_floor_raises(self.certain)
        starts = {level: self._stays_at(self._least_urgent_of(level)) for level in Level}
        stays = logic.any_of([logic.opposite(raises), starts[Level.URGENT]])
        ways = [logic.all_of([stays, self._stays_at(rank)])]
        for floor in self._floors:
            for level, code in floor.raise_one:
                if self._order.index(code) >= rank:
                    below = [starts[Level(level - 1)], logic.opposite(starts[level])]
                    if level is Level.URGENT:
                        below.append(logic.opposite(self._some_urgent_below(rank)))
                    ways.append(logic.all_of([self.certain(floor.id), *below]))
        return logic.any_of(ways)

    def _some_urgent_below(self, rank: int) -> Formula:
        """Return the formula: an urgent outcome below this rank is possible."""

        def counts(code: str) -> bool:
            return self._level_of(code) is Level.URGENT and self._order.index(code) < rank

        parts = [self._some_outcome(self.ruleset.rules_and_floors, self.possible, counts)]
        parts += [self._may_fall_to_default()] if counts(self._default_code) else []
        return self.logic.any_of(parts)

    def _stays_at(self, rank: int) -> Formula:
        """Return the formula: no answers lead below this rank of urgency, even if no floor raises it by one."""
        counts = partial(self._reaches_rank, rank)
        parts = [self._some_outcome(self.ruleset.rules_and_floors, self.certain, counts)]
        if counts(self._default_code):
            lower = self._some_outcome(self._rules, self.possible, lambda code: not counts(code))
            parts.append(self.logic.all_of([self._may_fall_to_default(), self.logic.opposite(lower)]))
        return self.logic.any_of(parts)

    def _may_fall_to_default(self) -> Formula:
        return self.logic.opposite(self._some_outcome(self._rules, self.certain))

    def _fires_at_level(self, rule: Rule | Floor) -> Formula:
        """Return the formula: an outcome holds at the published level; none that holds is above it."""
        if not rule.outcomes:
            return self.established(rule.id)
        return self.logic.any_of(
            self.logic.all_of([self.established(key), self.level_is(self._level_of(outcome.disposition))])
            for key, outcome in zip(_outcome_keys(rule), rule.outcomes, strict=True)
        )

    def _answered_as(self, name: str, answers: Answers) -> Formula:
        """Return the formula: the report gives the input its answer among these, or none if it has none."""
        if answers.get(name, UNKNOWN) == UNKNOWN:
            return self.logic.opposite(self.given(name))
        read, value, logic = self.ruleset.inputs[name], answers[name], self.logic
        match read.kind:
            case InputKind.YES_NO | InputKind.CHOICE:
                assert isinstance(value, bool | str)  # answers were checked against their inputs' types
                return self.answers.one_hot(read).value(logic, value)
            case InputKind.TEXT:
                return self._text_is(name, str(value))
            case _:
                assert isinstance(value, int | float)
                return self.answers.number_is(read, value)

    def _text_is(self, name: str, text: str) -> Formula:
        parts = [self.given(name)]
        for mention in self.ruleset.mentions.values():
            if mention.text == name:
                mentioned = self.answers.mentioned(mention)
                is_in_text = any(has_phrase(text, phrase) for phrase in mention.phrases)
                parts.append(mentioned if is_in_text else self.logic.opposite(mentioned))
        return self.logic.all_of(parts)


def _outcome_keys(rule: Rule | Floor) -> list[str]:
    """Return the keys of a rule's or floor's outcomes; of a floor that raises by one level, its id."""
    return [outcome_key(rule.id, index) for index in range(max(1, len(rule.outcomes)))]


def _is_counted(read: Input) -> bool:
    return read.asked_of is AskedOf.SERVICE
