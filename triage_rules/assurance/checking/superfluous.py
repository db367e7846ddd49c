"""Rules and floors that others make superfluous: redundant, or shadowed by one that always gives as much."""

from __future__ import annotations

from collections.abc import Iterator

from triage_rules.assurance.checking.context import CheckContext, Finding
from triage_rules.assurance.checking.written_conditions import place_at, written
from triage_rules.assurance.solver.encoding import Encoding
from triage_rules.assurance.solver.logic import Formula
from triage_rules.assurance.solver.solver import Model
from triage_rules.evaluation.signals import outcome_key
from triage_rules.foundation.place import Place
from triage_rules.language.check_types import CheckType, Family
from triage_rules.language.conditions import statements_in
from triage_rules.language.model import Floor, Rule, Ruleset

FAMILY = Family.SUPERFLUOUS


class ReducibleEncoding(Encoding):
    """The ruleset in which each rule and floor can be left out by a variable; what rules infer stays inferred."""

    def __init__(self, ruleset: Ruleset, sharing: Encoding) -> None:
        super().__init__(ruleset, sharing)
        self.kept = {rule.id: self.logic.variable(f"keep {rule.id}") for rule in ruleset.rules_and_floors}
        self._rule_of = {
            outcome_key(rule.id, index): rule.id
            for rule in ruleset.rules_and_floors
            for index in range(max(1, len(rule.outcomes)))
        }

    def established(self, key: str) -> Formula:
        """As the encoding's; an outcome counts only while its rule is kept."""
        whole = super().established(key)
        return self.logic.all_of([self.kept[self._rule_of[key]], whole]) if key in self._rule_of else whole

    def only_without(self, rule: str) -> list[Formula]:
        """Every other rule and floor is kept."""
        return [kept if other != rule else self.logic.opposite(kept) for other, kept in self.kept.items()]


def find_superfluous_rules(asking: CheckContext) -> Iterator[Finding]:
    """Redundant rules and floors, and of the others those that one other shadows."""
    without = ReducibleEncoding(asking.ruleset, asking.encoding)
    rules = {rule.id: rule for rule in asking.ruleset.rules_and_floors}
    read = {name for w in written(asking.ruleset) for name in statements_in(w.condition)}
    for rule_id in asking.each(FAMILY, rules):
        rule = rules[rule_id]
        used = isinstance(rule, Rule) and rule.infers in read
        if used or asking.unreachable(FAMILY, rule_id):
            continue
        shadow = _shadow(asking, rule)
        if _is_redundant(asking, without, rule):
            yield _redundant(asking, rule, shadow)
        elif shadow is not None:
            yield _shadowed(asking, rule, shadow)


# --- redundant ---


def _is_redundant(asking: CheckContext, without: ReducibleEncoding, rule: Rule | Floor) -> bool:
    """Proved: no report gets another level, disposition, flag or reason if the rule is left out."""
    alone = _told_alone(asking, rule)
    if not asking.impossible(FAMILY, rule.id, alone):
        return False
    return asking.impossible(FAMILY, rule.id, *without.only_without(rule.id), _differs(asking, without, rule))


def _told_alone(asking: CheckContext, rule: Rule | Floor) -> Formula:
    """The rule's reason is told, and no other rule tells the same to the same readers."""
    encoding = asking.encoding
    same = [
        encoding.advises(other.id)
        for other in asking.ruleset.rules_and_floors
        if other.id != rule.id
        and (other.reason, other.clinician_note) == (rule.reason, rule.clinician_note)
        and _clinician_only(other) <= _clinician_only(rule)
    ]
    return encoding.logic.all_of([encoding.advises(rule.id), encoding.logic.opposite(encoding.logic.any_of(same))])


def _clinician_only(rule: Rule | Floor) -> bool:
    return isinstance(rule, Rule) and rule.clinician_only


def _differs(asking: CheckContext, without: ReducibleEncoding, rule: Rule | Floor) -> Formula:
    """Level or disposition, whether the default decided, or a flag of the rule differ."""
    logic, encoding = asking.encoding.logic, asking.encoding
    pairs = [
        (encoding.at_least_as_urgent(code), without.at_least_as_urgent(code)) for code in asking.ruleset.dispositions
    ]
    pairs.append((encoding.by_default(), without.by_default()))
    pairs += [(encoding.flag(flag), without.flag(flag)) for flag in rule.flags]
    return logic.any_of(logic.opposite(logic.same(one, other)) for one, other in pairs)


def _redundant(asking: CheckContext, rule: Rule | Floor, shadow: str | None) -> Finding:
    beside = f"; whenever it fires, `{shadow}` gives the same or more" if shadow else ""
    message = (
        f"`{rule.id}` ({rule.title}) changes nothing: without it every report gets the same level, disposition, flags "
        f"and reasons{beside}. This is proved; the report shows it firing."
    )
    witness = asking.witness(FAMILY, rule.id, asking.encoding.fired(rule.id))
    others = (shadow,) if shadow else ()
    return Finding(CheckType.REDUNDANT_RULE, _place(asking, rule), rule.id, message, others, True, witness)


# --- shadowed ---


def _shadow(asking: CheckContext, rule: Rule | Floor) -> str | None:
    """The first other rule or floor that, whenever this one fires, fires too and is as urgent; None if there is none.

    Of two that shadow each other only the later one is told.
    """
    if not rule.outcomes or not asking.impossible(FAMILY, rule.id, _on_top(asking, rule)):
        return None
    asking.solver.watch(*(asking.encoding.established(other.id) for other in asking.ruleset.rules_and_floors))
    fires = asking.find(FAMILY, rule.id, asking.encoding.fired(rule.id))
    if not isinstance(fires, Model):
        return None
    for other in asking.ruleset.rules_and_floors:
        if other.id == rule.id or not other.outcomes or not fires.holds(asking.encoding.established(other.id)):
            continue
        if _covers(asking, rule, other) and not (_is_later(asking, other, rule) and _covers(asking, other, rule)):
            return other.id
    return None


def _is_later(asking: CheckContext, one: Rule | Floor, other: Rule | Floor) -> bool:
    order = [rule.id for rule in asking.ruleset.rules_and_floors]
    return order.index(one.id) > order.index(other.id)


def _on_top(asking: CheckContext, rule: Rule | Floor) -> Formula:
    """The rule reaches a disposition that no other rule or floor reaches as well."""
    others = [other for other in asking.ruleset.rules_and_floors if other.id != rule.id]
    return _beyond(asking, rule, others)


def _covers(asking: CheckContext, rule: Rule | Floor, other: Rule | Floor) -> bool:
    return asking.impossible(FAMILY, rule.id, _beyond(asking, rule, [other]))


def _beyond(asking: CheckContext, rule: Rule | Floor, others: list[Rule | Floor]) -> Formula:
    """Some outcome of the rule is established, and none as urgent of the others."""
    ruleset, encoding, logic = asking.ruleset, asking.encoding, asking.encoding.logic
    reached = [
        (ruleset.urgency(outcome.disposition), encoding.established(outcome_key(other.id, index)))
        for other in others
        for index, outcome in enumerate(other.outcomes)
    ]
    ways = []
    for index, outcome in enumerate(rule.outcomes):
        urgency = ruleset.urgency(outcome.disposition)
        as_much = logic.any_of(formula for theirs, formula in reached if theirs >= urgency)
        ways.append(logic.all_of([encoding.established(outcome_key(rule.id, index)), logic.opposite(as_much)]))
    return logic.any_of(ways)


def _shadowed(asking: CheckContext, rule: Rule | Floor, shadow: str) -> Finding:
    title = next(other.title for other in asking.ruleset.rules_and_floors if other.id == shadow)
    message = (
        f"whenever `{rule.id}` ({rule.title}) fires, `{shadow}` ({title}) fires too and is as urgent or more: "
        f"`{rule.id}` never decides. This is proved; the report shows both."
    )
    witness = asking.witness(FAMILY, rule.id, asking.encoding.fired(rule.id))
    return Finding(CheckType.SHADOWED_RULE, _place(asking, rule), rule.id, message, (shadow,), True, witness)


def _place(asking: CheckContext, rule: Rule | Floor) -> Place:
    return place_at(asking.root, ("rules" if isinstance(rule, Rule) else "safety_net", rule.id))
