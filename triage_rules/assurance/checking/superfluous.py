"""Rules and floors that others make superfluous: redundant ones, and ones shadowed by an equally urgent rule."""

from __future__ import annotations

from collections.abc import Iterator

from triage_rules.assurance.checking.context import CheckContext, Finding
from triage_rules.assurance.checking.written_conditions import place_at, rule_path, written_conditions
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
    """Encoding with a variable for each rule and floor that removes its outcomes, but keeps the statement it infers."""

    def __init__(self, ruleset: Ruleset, sharing: Encoding) -> None:
        super().__init__(ruleset, sharing)
        self.kept = {rule.id: self.logic.variable(f"keep {rule.id}") for rule in ruleset.rules_and_floors}
        self._rule_of = {
            outcome_key(rule.id, index): rule.id
            for rule in ruleset.rules_and_floors
            for index in range(max(1, len(rule.outcomes)))
        }

    def established(self, key: str) -> Formula:
        """Return the formula that the key is established; an outcome counts only while its rule is kept."""
        whole = super().established(key)
        return self.logic.all_of([self.kept[self._rule_of[key]], whole]) if key in self._rule_of else whole

    def only_without(self, rule: str) -> list[Formula]:
        """Return formulas that remove this rule and keep every other rule and floor."""
        return [kept if other != rule else self.logic.opposite(kept) for other, kept in self.kept.items()]


def find_superfluous_rules(context: CheckContext) -> Iterator[Finding]:
    """Yield redundant rules and floors, then shadowed ones among the rest."""
    without = ReducibleEncoding(context.ruleset, context.encoding)
    rules = {rule.id: rule for rule in context.ruleset.rules_and_floors}
    read = {name for w in written_conditions(context.ruleset) for name in statements_in(w.condition)}
    for rule_id in context.each(FAMILY, rules):
        rule = rules[rule_id]
        used = isinstance(rule, Rule) and rule.infers in read
        if used or context.unreachable(FAMILY, rule_id):
            continue
        shadow = _find_shadow(context, rule)
        if _is_redundant(context, without, rule):
            yield _report_redundant(context, rule, shadow)
        elif shadow is not None:
            yield _report_shadowed(context, rule, shadow)


# --- redundant ---


def _is_redundant(context: CheckContext, without: ReducibleEncoding, rule: Rule | Floor) -> bool:
    """Return whether it is proved that removing the rule changes no level, disposition, flag or reason of a report."""
    if not context.impossible(FAMILY, rule.id, _is_sole_reason(context, rule)):
        return False
    return context.impossible(FAMILY, rule.id, *without.only_without(rule.id), _differs(context, without, rule))


def _is_sole_reason(context: CheckContext, rule: Rule | Floor) -> Formula:
    """Return the formula that only this rule gives its reason to its readers."""
    encoding = context.encoding
    same = [
        encoding.advises(other.id)
        for other in context.ruleset.rules_and_floors
        if other.id != rule.id
        and (other.reason, other.clinician_note) == (rule.reason, rule.clinician_note)
        and _clinician_only(other) <= _clinician_only(rule)
    ]
    return encoding.logic.all_of([encoding.advises(rule.id), encoding.logic.opposite(encoding.logic.any_of(same))])


def _clinician_only(rule: Rule | Floor) -> bool:
    return isinstance(rule, Rule) and rule.clinician_only


def _differs(context: CheckContext, without: ReducibleEncoding, rule: Rule | Floor) -> Formula:
    """Return the formula that removing the rule changes the outcome, the use of the default, or a flag of the rule."""
    logic, encoding = context.encoding.logic, context.encoding
    pairs = [
        (encoding.at_least_as_urgent(code), without.at_least_as_urgent(code)) for code in context.ruleset.dispositions
    ]
    pairs.append((encoding.by_default(), without.by_default()))
    pairs += [(encoding.flag(flag), without.flag(flag)) for flag in rule.flags]
    return logic.any_of(logic.opposite(logic.same(*pair)) for pair in pairs)


def _report_redundant(context: CheckContext, rule: Rule | Floor, shadow: str | None) -> Finding:
    cover = f"; whenever it fires, `{shadow}` fires too and is at least as urgent" if shadow else ""
    message = (
        f"`{rule.id}` ({rule.title}) changes no result: without it every report gets the same level, disposition, "
        f"flags and reasons{cover}. This is proved; in the report it fires."
    )
    witness = context.witness(FAMILY, rule.id, context.encoding.fired(rule.id))
    others = (shadow,) if shadow else ()
    return Finding(CheckType.REDUNDANT_RULE, _place(context, rule), rule.id, message, others, True, witness)


# --- shadowed ---


def _find_shadow(context: CheckContext, rule: Rule | Floor) -> str | None:
    """Return the first other rule or floor that fires whenever this rule does, and is at least as urgent; or None.

    If two shadow each other, only the later one is reported.
    """
    if not rule.outcomes or not context.impossible(FAMILY, rule.id, _exceeds_all(context, rule)):
        return None
    context.solver.watch(*(context.encoding.established(other.id) for other in context.ruleset.rules_and_floors))
    fires = context.find(FAMILY, rule.id, context.encoding.fired(rule.id))
    if not isinstance(fires, Model):
        return None
    for other in context.ruleset.rules_and_floors:
        if other.id == rule.id or not other.outcomes or not fires.holds(context.encoding.established(other.id)):
            continue
        if _covers(context, rule, other) and not (_is_later(context, other, rule) and _covers(context, other, rule)):
            return other.id
    return None


def _is_later(context: CheckContext, rule: Rule | Floor, other: Rule | Floor) -> bool:
    order = [known.id for known in context.ruleset.rules_and_floors]
    return order.index(rule.id) > order.index(other.id)


def _exceeds_all(context: CheckContext, rule: Rule | Floor) -> Formula:
    """Return the formula that the rule reaches a disposition more urgent than that of every other rule and floor."""
    others = [other for other in context.ruleset.rules_and_floors if other.id != rule.id]
    return _exceeds(context, rule, others)


def _covers(context: CheckContext, rule: Rule | Floor, other: Rule | Floor) -> bool:
    return context.impossible(FAMILY, rule.id, _exceeds(context, rule, [other]))


def _exceeds(context: CheckContext, rule: Rule | Floor, others: list[Rule | Floor]) -> Formula:
    """Return the formula that an outcome of the rule is established, and none as urgent of the other rules."""
    ruleset, encoding, logic = context.ruleset, context.encoding, context.encoding.logic
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


def _report_shadowed(context: CheckContext, rule: Rule | Floor, shadow: str) -> Finding:
    title = next(other.title for other in context.ruleset.rules_and_floors if other.id == shadow)
    message = (
        f"whenever `{rule.id}` ({rule.title}) fires, `{shadow}` ({title}) fires too and is at least as urgent: "
        f"`{rule.id}` never decides a result. This is proved; in the report both fire."
    )
    witness = context.witness(FAMILY, rule.id, context.encoding.fired(rule.id))
    return Finding(CheckType.SHADOWED_RULE, _place(context, rule), rule.id, message, (shadow,), True, witness)


def _place(context: CheckContext, rule: Rule | Floor) -> Place:
    return place_at(context.root, rule_path(rule))
