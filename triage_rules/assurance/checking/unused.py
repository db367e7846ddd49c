"""Inputs, answers and statements that no condition reads; mandatory items without effect; misspelt groups."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator

from triage_rules.assurance.checking.context import CheckContext, Finding
from triage_rules.assurance.checking.written_conditions import place_at, written_conditions
from triage_rules.assurance.solver.answers import answering
from triage_rules.language.check_types import CheckType, Family
from triage_rules.language.conditions import atoms, names_in
from triage_rules.language.model import IN_SCOPE, MANDATORY_OPEN, AskedOf, InputKind, OneOf, Ruleset

FAMILY = Family.USE
LIKE = 0.75
"""Similarity from which a group's name counts as a misspelling of another."""


def find_unused(context: CheckContext) -> Iterator[Finding]:
    """Yield a finding for each unused input, value, group, statement and mandatory item."""
    yield from _find_unused_inputs(context)
    yield from _find_unread_values(context)
    yield from _find_misspelt_groups(context)
    yield from _find_unused_statements(context)
    yield from _find_idle_mandatory(context)


def names_read(ruleset: Ruleset) -> set[str]:
    """Return the names of inputs, mentions and statements that some condition reads; a mention reads its text."""
    names = {name for w in written_conditions(ruleset) for name in names_in(w.condition)}
    names |= set() if ruleset.scope is None else {ruleset.scope.question}
    return names | {ruleset.mentions[name].text for name in ruleset.mentions if name in names}


def _find_unused_inputs(context: CheckContext) -> Iterator[Finding]:
    ruleset, read = context.ruleset, names_read(context.ruleset)
    mandatory = {name for item in ruleset.mandatory for name in item.inputs}
    for name, asked in ruleset.inputs.items():
        if name in read or name in mandatory:
            continue
        message = f"`{name}` ({asked.question}) is asked, but no rule or statement reads the answer"
        witness = context.single_answer_witness(FAMILY, name, context.encoding.given(name))
        place = place_at(context.root, ("inputs", name))
        yield Finding(CheckType.UNUSED_INPUT, place, name, f"{message}.", witness=witness)


def _find_unread_values(context: CheckContext) -> Iterator[Finding]:
    values_read = {
        (leaf.input, value)
        for w in written_conditions(context.ruleset)
        for leaf in atoms(w.condition)
        if isinstance(leaf, OneOf)
        for value in leaf.values
    }
    read = names_read(context.ruleset)
    for name, asked in context.ruleset.inputs.items():
        if asked.kind is not InputKind.CHOICE or name not in read or asked.asked_of is AskedOf.SERVICE:
            continue
        for value in answering(asked):
            if (name, value) in values_read:
                continue
            label = next(choice.label for choice in asked.choices if choice.value == value)
            message = f"no condition reads `{value}` ({label}) of `{name}`: it only counts as none of the other answers"
            place = place_at(context.root, ("inputs", name, "choices", str(value)))
            witness = context.single_answer_witness(FAMILY, name, context.encoding.answer(name, value))
            yield Finding(CheckType.UNREAD_VALUE, place, f"{name}.{value}", f"{message}.", (name,), witness=witness)


def _find_misspelt_groups(context: CheckContext) -> Iterator[Finding]:
    members = Counter(asked.group for asked in context.ruleset.inputs.values())
    for name, asked in context.ruleset.inputs.items():
        if members[asked.group] > 1:
            continue
        larger = [group for group, count in members.items() if count > 1]
        similar = difflib.get_close_matches(asked.group, larger, n=1, cutoff=LIKE)
        if similar:
            message = f"only `{name}` is in the group `{asked.group}`; did you mean `{similar[0]}`?"
            place = place_at(context.root, ("inputs", name, "group"))
            yield Finding(CheckType.MISSPELT_GROUP, place, asked.group, message, (name,))


def _find_unused_statements(context: CheckContext) -> Iterator[Finding]:
    ruleset, read = context.ruleset, names_read(context.ruleset)
    for name, inference in ruleset.inferences.items():
        if name not in read and name not in (MANDATORY_OPEN, IN_SCOPE) and not inference.rules:
            message = f"no condition reads the statement `{name}` ({inference.says})"
            place = place_at(context.root, ("inferences", name))
            witness = context.witness(FAMILY, name, context.encoding.established(name))
            yield Finding(CheckType.UNUSED_STATEMENT, place, name, f"{message}.", witness=witness)
    for name, mention in ruleset.mentions.items():
        if name not in read:
            message = f"no condition reads whether the text `{mention.text}` mentions `{name}` ({mention.says})"
            place = place_at(context.root, ("mentions", name))
            witness = context.witness(FAMILY, name, context.encoding.answers.mentioned(mention))
            yield Finding(CheckType.UNUSED_STATEMENT, place, name, f"{message}.", witness=witness)


def _find_idle_mandatory(context: CheckContext) -> Iterator[Finding]:
    ruleset, read = context.ruleset, names_read(context.ruleset)
    if ruleset.mandatory and MANDATORY_OPEN not in read:
        message = f"no rule or floor reads `{MANDATORY_OPEN}`, so an open mandatory question raises nothing"
        witness = context.witness(FAMILY, MANDATORY_OPEN, context.encoding.established(MANDATORY_OPEN))
        place = place_at(context.root, ("mandatory",))
        yield Finding(CheckType.IDLE_MANDATORY, place, MANDATORY_OPEN, f"{message}.", witness=witness)
    for number, item in enumerate(ruleset.mandatory):
        for name in item.inputs:
            if name not in read:
                message = f"`{name}` is mandatory, but no rule or statement reads the answer"
                place = place_at(context.root, ("mandatory", number))
                witness = context.witness(FAMILY, name, context.encoding.missing(name))
                yield Finding(CheckType.IDLE_MANDATORY, place, name, f"{message}.", witness=witness)
