"""The scope of a ruleset, put into its rules: what counts only in scope, and what an author wrote of it."""

from __future__ import annotations

from dataclasses import replace

from triage_rules.language.model import (
    IN_SCOPE,
    OUT_OF_SCOPE,
    SCOPE,
    All,
    Any,
    AskedOf,
    Condition,
    Floor,
    Inferred,
    Input,
    IsOpen,
    Mandatory,
    Not,
    Panel,
    Rule,
    RuleOutcome,
    RulesetScope,
    Source,
    Yes,
)

IN_SCOPE_SAYS = "It is about what these questions are for, or nobody said that it is not"
TITLE = "Not about what these questions are for"
SOURCE = Source("The scope of this ruleset", ("ours",))


def in_scope_condition(question: str) -> Condition:
    """Return the definition of IN_SCOPE: true unless the question was answered with no. Never open."""
    return Any((Yes(question), IsOpen(question)))


def scope_rule(scope: RulesetScope, owner: str, review_by: str) -> Rule:
    """Return the rule that gives the scope's disposition after the no.

    A rule, not a floor of the safety net: so the default does not apply.
    """
    return Rule(
        id=SCOPE,
        title=TITLE,
        when=Not(Yes(scope.question)),
        outcomes=(RuleOutcome(scope.disposition),),
        reason=scope.reason,
        source=SOURCE,
        owner=owner,
        review_by=review_by,
        flags=(OUT_OF_SCOPE,),
        place=scope.place,
    )


def only_in_scope(condition: Condition | None) -> Condition:
    """Return the condition that is true only in scope; None: a condition that is always true."""
    return Inferred(IN_SCOPE) if condition is None else All((condition, Inferred(IN_SCOPE)))


def mandatory_in_scope(item: Mandatory) -> Mandatory:
    """Return the item, mandatory only in scope."""
    return replace(item, when=only_in_scope(item.when))


def written_condition(rule: Rule | Floor) -> Condition:
    """Return a rule's or floor's condition as it stands in the file."""
    return rule.when.parts[0] if rule.in_scope_only and isinstance(rule.when, All) else rule.when


def written_mandatory(item: Mandatory, scope: RulesetScope | None) -> Condition | None:
    """Return the condition of a mandatory item as it stands in the file."""
    if scope is None or item.when == Inferred(IN_SCOPE):
        return None if scope is not None else item.when
    return item.when.parts[0] if isinstance(item.when, All) else item.when


def inputs_not_asked(scope: RulesetScope, inputs: dict[str, Input], panels: dict[str, Panel]) -> frozenset[str]:
    """Return the inputs that are not asked after the no: all but signs of immediate danger and `then_ask`."""
    danger = {name for panel in panels.values() if panel.immediate_danger for name in panel.inputs}
    asked = {name for name, read in inputs.items() if read.asked_of is not AskedOf.SERVICE}
    return frozenset(asked - danger - {scope.question, *scope.then_ask})
