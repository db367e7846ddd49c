"""What a ruleset decides, as formulas over a report's answers: level, disposition, what could still come, advice.

A third reading of docs/reference/ruleset-language.md beside compiler and reference evaluator: it shares their types
and keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from triage_rules.assurance.solver.answers import AnswerVariables, folded
from triage_rules.assurance.solver.conditions import ConditionFormulas
from triage_rules.assurance.solver.logic import Formula, Logic
from triage_rules.evaluation.signals import SOONER, outcome_key
from triage_rules.language.model import NOT_APPROVED, Answers, AskedOf, Floor, Input, InputKind, Level, Rule, Ruleset
from triage_rules.records.reports import History

Rail = Callable[[str], Formula]
"""Whether the statement of a key is on it."""


class Encoding(ConditionFormulas):
    """One ruleset as formulas, made when asked for. `sharing`: another ruleset that is asked about the same report.

    Inputs of one name and kind are then one answer. An input that only one of them has is open to the other; a name
    with two kinds is two inputs. `but`: inputs whose answers may differ, so that two reports are asked about.
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
        """The ruleset accepts the report: every answer is within its input's bounds, and the counts are there."""
        return self.logic.all_of(self.answers.accepted(read) for read in self.ruleset.inputs.values())

    # --- the decision ---

    def level_at_least(self, level: Level) -> Formula:
        """The published level is this one or a more urgent one."""
        return self._at_or_above(self._least_urgent_of(level))

    def level_is(self, level: Level) -> Formula:
        """The published level."""
        return self._exactly(self.level_at_least, level)

    def at_least_as_urgent(self, disposition: str) -> Formula:
        """The published disposition is this one or one that is more urgent."""
        return self._at_or_above(self._order.index(disposition))

    def disposition_is(self, disposition: str) -> Formula:
        """The published disposition."""
        rank = self._order.index(disposition)
        return self._once(
            ("is", rank),
            lambda: self.logic.all_of([self._at_or_above(rank), self.logic.opposite(self._at_or_above(rank + 1))]),
        )

    def could_be_at_least(self, level: Level) -> Formula:
        """`could_be` is this level or a more urgent one."""
        return self._once(("could be", level), lambda: self._raised(self._could_reach, self.possible, level))

    def could_be_is(self, level: Level) -> Formula:
        """`could_be`."""
        return self._exactly(self.could_be_at_least, level)

    def could_be_disposition_is(self, disposition: str) -> Formula:
        """`could_be_disposition`."""
        rank = self._order.index(disposition)
        return self.logic.all_of([self._could_rank(rank), self.logic.opposite(self._could_rank(rank + 1))])

    def lowest_at_least(self, level: Level) -> Formula:
        """No answer to open findings could lead below this level, as far as the product can tell."""
        return self._once(("lowest", level), lambda: self._raised(self._stays_above, self.certain, level))

    def determined(self) -> Formula:
        """No answer to an open finding can change the level: `determined`."""
        return self._once(
            ("determined",),
            lambda: self.logic.all_of(
                self.logic.same(self.lowest_at_least(level), self.could_be_at_least(level)) for level in Level
            ),
        )

    def by_default(self) -> Formula:
        """No rule is established, so the default decided."""
        return self._once(("default",), lambda: self.logic.opposite(self._any_outcome(self._rules, self.established)))

    def sooner(self) -> Formula:
        """The result expires sooner."""
        return self.possible(SOONER) if self.ruleset.validity.sooner is not None else self.logic.false

    # --- what is told ---

    def fired(self, rule: str) -> Formula:
        """The rule or floor is established, with some outcome: it is listed in the result."""
        return self.logic.any_of(map(self.established, _keys(self._rule(rule))))

    def advises(self, rule: str) -> Formula:
        """The rule or floor fired and its reason is told: to the clinician, and to the patient unless marked."""
        return self._once(("advises", rule), lambda: self._advises(self._rule(rule)))

    def patient_reads(self, words: str) -> Formula:
        """A paragraph of the advice to the patient has these words in it; case and line ends don't count."""
        told = [(self.disposition_is(d.code), d.patient) for d in self.ruleset.dispositions.values()]
        told += [
            (self.advises(rule.id), rule.reason)
            for rule in self.ruleset.rules_and_floors
            if not (isinstance(rule, Rule) and rule.clinician_only)
        ]
        told += [(self.by_default(), self.ruleset.default.reason), (self.logic.true, self.ruleset.always_patient)]
        return self._read(words, told)

    def clinician_reads(self, words: str) -> Formula:
        """A paragraph of the advice to the clinician has these words in it; case and line ends don't count."""
        told = [(self.disposition_is(d.code), d.clinician) for d in self.ruleset.dispositions.values()]
        told += [
            (self.advises(rule.id), f"{rule.id}: {rule.title}. {rule.reason} {rule.clinician_note or ''}")
            for rule in self.ruleset.rules_and_floors
        ]
        told += [(self.by_default(), self.ruleset.default.reason), (self.logic.true, self.ruleset.always_clinician)]
        told += [(self.logic.true, NOT_APPROVED)] if self.ruleset.approved_by is None else []
        return self._read(words, told)

    def flag(self, flag: str) -> Formula:
        """The result carries the flag."""
        whens = [self.fired(rule.id) for rule in self.ruleset.rules_and_floors if flag in rule.flags]
        whens += [self.by_default()] if flag in self.ruleset.default.flags else []
        return self.logic.any_of(whens)

    def missing(self, finding: str) -> Formula:
        """The finding is listed as missing: a mandatory one that is open."""
        return self.logic.any_of(
            self.logic.all_of([*conditions, *map(self.is_open, item.inputs)])
            for item in self.ruleset.mandatory
            if finding in item.inputs
            for conditions in [[] if item.when is None else [self.logic.opposite(self.false(item.when))]]
        )

    # --- one report ---

    def says(self, findings: Answers, history: History) -> Formula:
        """The report says exactly this: the typed answers of `read_findings`; every other input is open."""
        parts = [self._answers(name, findings) for name, read in self.ruleset.inputs.items() if not _counted(read)]
        return self.logic.all_of([*parts, self.counts(history)])

    def counts(self, history: History) -> Formula:
        """What the service counted of the subject's earlier reports is this."""
        highest = "none" if history.highest_level_24h is None else history.highest_level_24h.word
        counted: Answers = {"reports_last_48h": history.reports_last_48h, "highest_level_24h": highest}
        return self.logic.all_of(
            self._answers(name, counted) for name, read in self.ruleset.inputs.items() if _counted(read)
        )

    def answer(self, finding: str, value: bool | float | str) -> Formula:
        """The finding is answered so, whatever else is answered."""
        return self._answers(finding, {finding: value})

    # --- how ---

    def _read(self, words: str, told: list[tuple[Formula, str]]) -> Formula:
        wanted = folded(words)
        return self.logic.any_of(
            when for when, text in told if any(wanted in folded(part) for part in text.split("\n\n"))
        )

    @property
    def _rules(self) -> Iterable[Rule]:
        return self.ruleset.rules.values()

    @property
    def _floors(self) -> Iterable[Floor]:
        return self.ruleset.floors.values()

    def _rule(self, rule: str) -> Rule | Floor:
        return self.ruleset.rules[rule] if rule in self.ruleset.rules else self.ruleset.floors[rule]

    def _once(self, key: tuple[object, ...], make: Callable[[], Formula]) -> Formula:
        """Made once, under a name of its own."""
        if key not in self._known:
            self._known[key] = self.logic.named(make(), " ".join(map(str, key)))
        return self._known[key]

    def _exactly(self, at_least: Callable[[Level], Formula], level: Level) -> Formula:
        more = [at_least(Level(level + 1))] if level < Level.URGENT else []
        return self.logic.all_of([at_least(level), *map(self.logic.opposite, more)])

    def _any_outcome(
        self, rules: Iterable[Rule | Floor], rail: Rail, counts: Callable[[str], bool] = lambda _: True
    ) -> Formula:
        """On this rail, some outcome of these rules reaches a disposition that counts."""
        return self.logic.any_of(
            rail(outcome_key(rule.id, index))
            for rule in rules
            for index, outcome in enumerate(rule.outcomes)
            if counts(outcome.disposition)
        )

    def _lifts(self, rail: Rail) -> Formula:
        """On this rail, some floor raises by one level."""
        return self.logic.any_of(rail(floor.id) for floor in self._floors if floor.raise_one)

    def _level(self, disposition: str) -> Level:
        return self.ruleset.dispositions[disposition].level

    @property
    def _default(self) -> str:
        return self.ruleset.default.disposition

    def _least_urgent_of(self, level: Level) -> int:
        """Where in the order the dispositions of this level or a more urgent one begin."""
        return sum(self._level(code) < level for code in self._order)

    def _before_lifting(self, rank: int) -> Formula:
        """Rules or default, then floors, reach the disposition of this rank in the order of urgency or a higher one."""

        def counts(code: str) -> bool:
            return self._order.index(code) >= rank

        parts = [self._any_outcome(self.ruleset.rules_and_floors, self.established, counts)]
        parts += [self.by_default()] if counts(self._default) else []
        return self._once(("before lifting", rank), lambda: self.logic.any_of(parts))

    def _at_or_above(self, rank: int) -> Formula:
        """The published disposition has this rank in the order of urgency or a higher one."""
        if not 0 < rank < len(self._order):
            return self.logic.true if rank <= 0 else self.logic.false
        return self._once(("rank", rank), lambda: self._lifted(rank))

    def _lifted(self, rank: int) -> Formula:
        logic, lifts = self.logic, self._lifts(self.established)
        starts = {level: self._before_lifting(self._least_urgent_of(level)) for level in Level}
        stays = logic.any_of([logic.opposite(lifts), starts[Level.URGENT]])
        ways = [logic.all_of([stays, self._before_lifting(rank)])]
        for floor in self._floors:
            for level, code in floor.raise_one:
                if self._order.index(code) >= rank:
                    below = [starts[Level(level - 1)], logic.opposite(starts[level])]
                    ways.append(logic.all_of([self.established(floor.id), *below]))
        return logic.any_of(ways)

    def _raised(self, reaches: Callable[[Level], Formula], rail: Rail, level: Level) -> Formula:
        """The level is reached, or the one below it and a floor raises it by one."""
        if level is Level.ROUTINE:
            return self.logic.true
        below = self.logic.true if level is Level.MONITOR else reaches(Level(level - 1))
        return self.logic.any_of([reaches(level), self.logic.all_of([self._lifts(rail), below])])

    def _could_reach(self, level: Level) -> Formula:
        """Some way of answering may reach the level before anything is raised by one."""
        parts = [self._any_outcome(self.ruleset.rules_and_floors, self.possible, lambda c: self._level(c) >= level)]
        if self._level(self._default) >= level:
            parts.append(self._may_fall_to_default())
        return self.logic.any_of(parts)

    def _could_rank(self, rank: int) -> Formula:
        """`could_be_disposition` has this rank in the order of urgency or a higher one."""
        return self._once(("could rank", rank), lambda: self.logic.any_of(self._ways_to_rank(rank)))

    def _ways_to_rank(self, rank: int) -> Iterator[Formula]:
        def counts(code: str) -> bool:
            return self._order.index(code) >= rank

        yield self._at_or_above(rank)
        yield self._any_outcome(self.ruleset.rules_and_floors, self.possible, counts)
        if counts(self._default):
            yield self._may_fall_to_default()
        for floor in self._floors:
            for level, code in floor.raise_one:
                if counts(code):
                    yield self.logic.all_of([self.possible(floor.id), self.could_be_at_least(level)])

    def _stays_above(self, level: Level) -> Formula:
        """No way of answering leads below the level, even if nothing is raised by one."""
        parts = [self._any_outcome(self.ruleset.rules_and_floors, self.certain, lambda c: self._level(c) >= level)]
        if self._level(self._default) >= level:
            lower = self._any_outcome(self._rules, self.possible, lambda c: self._level(c) < level)
            parts.append(self.logic.all_of([self._may_fall_to_default(), self.logic.opposite(lower)]))
        return self.logic.any_of(parts)

    def _may_fall_to_default(self) -> Formula:
        return self.logic.opposite(self._any_outcome(self._rules, self.certain))

    def _advises(self, rule: Rule | Floor) -> Formula:
        """An outcome at the published level. None that holds is above that level, so the rule's most urgent counts."""
        if not rule.outcomes:
            return self.established(rule.id)
        return self.logic.any_of(
            self.logic.all_of([self.established(key), self.level_is(self._level(outcome.disposition))])
            for key, outcome in zip(_keys(rule), rule.outcomes, strict=True)
        )

    def _answers(self, name: str, findings: Answers) -> Formula:
        """The input is answered as in these findings, or open if it is not among them."""
        if name not in findings:
            return self.is_open(name)
        read, value, logic = self.ruleset.inputs[name], findings[name], self.logic
        match read.kind:
            case InputKind.YES_NO | InputKind.CHOICE:
                assert isinstance(value, bool | str)  # findings are typed before they come here
                return self.answers.one_hot(read).value(logic, value)
            case InputKind.TEXT:
                return self._text_is(name, str(value))
            case _:
                assert isinstance(value, int | float)
                return self.answers.number_is(read, value)

    def _text_is(self, name: str, text: str) -> Formula:
        parts = [self.answered(name)]
        for mention in self.ruleset.mentions.values():
            if mention.text == name:
                said = self.answers.mentioned(mention)
                found = any(folded(phrase) in folded(text) for phrase in mention.phrases)
                parts.append(said if found else self.logic.opposite(said))
        return self.logic.all_of(parts)


def _keys(rule: Rule | Floor) -> list[str]:
    """The keys of a rule's or floor's outcomes; of one that raises by one level, its id."""
    return [outcome_key(rule.id, index) for index in range(max(1, len(rule.outcomes)))]


def _counted(read: Input) -> bool:
    return read.asked_of is AskedOf.SERVICE
