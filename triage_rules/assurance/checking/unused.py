"""What is asked or said and read by nothing: inputs, answers, statements, idle mandatory ones; misspelt groups."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator

from triage_rules.assurance.checking.context import CheckContext, Finding
from triage_rules.assurance.checking.written_conditions import place_at, written
from triage_rules.assurance.solver.answers import answering
from triage_rules.language.check_types import CheckType, Family
from triage_rules.language.conditions import atoms, names_in
from triage_rules.language.model import MANDATORY_OPEN, AskedOf, InputKind, OneOf, Ruleset

FAMILY = Family.USE
LIKE = 0.75
"""Two names of groups that are at least so alike are taken for one, misspelt."""


def find_unused(asking: CheckContext) -> Iterator[Finding]:
    """All of it, in the order of the file."""
    yield from _inputs(asking)
    yield from _values(asking)
    yield from _groups(asking)
    yield from _statements(asking)
    yield from _mandatory(asking)


def _read(ruleset: Ruleset) -> set[str]:
    """The names of inputs, mentions and statements that some condition reads; a mention reads its text."""
    found = {name for w in written(ruleset) for name in names_in(w.condition)}
    return found | {ruleset.mentions[name].text for name in ruleset.mentions if name in found}


def _inputs(asking: CheckContext) -> Iterator[Finding]:
    ruleset, read = asking.ruleset, _read(asking.ruleset)
    mandatory = {finding for item in ruleset.mandatory for finding in item.inputs}
    for name, asked in ruleset.inputs.items():
        if name in read or name in mandatory:
            continue
        message = f"`{name}` ({asked.question}) is asked, and no rule or statement reads the answer"
        witness = asking.single_answer_witness(FAMILY, name, asking.encoding.answered(name))
        place = place_at(asking.root, ("inputs", name))
        yield Finding(CheckType.UNUSED_INPUT, place, name, f"{message}.", witness=witness)


def _values(asking: CheckContext) -> Iterator[Finding]:
    said = {
        (leaf.input, value)
        for w in written(asking.ruleset)
        for leaf in atoms(w.condition)
        if isinstance(leaf, OneOf)
        for value in leaf.values
    }
    read = _read(asking.ruleset)
    for name, asked in asking.ruleset.inputs.items():
        if asked.kind is not InputKind.CHOICE or name not in read or asked.asked_of is AskedOf.SERVICE:
            continue
        for value in answering(asked):
            if (name, value) in said:
                continue
            label = next(choice.label for choice in asked.choices if choice.value == value)
            message = f"no condition asks whether `{name}` is `{value}` ({label}): it only counts as none of the others"
            place = place_at(asking.root, ("inputs", name, "choices", str(value)))
            witness = asking.single_answer_witness(FAMILY, name, asking.encoding.answer(name, value))
            yield Finding(CheckType.UNREAD_VALUE, place, f"{name}.{value}", f"{message}.", (name,), witness=witness)


def _groups(asking: CheckContext) -> Iterator[Finding]:
    members = Counter(asked.group for asked in asking.ruleset.inputs.values())
    for name, asked in asking.ruleset.inputs.items():
        if members[asked.group] > 1:
            continue
        larger = [group for group, count in members.items() if count > 1]
        like = difflib.get_close_matches(asked.group, larger, n=1, cutoff=LIKE)
        if like:
            message = f"`{name}` alone is in the group `{asked.group}`; did you mean `{like[0]}`?"
            place = place_at(asking.root, ("inputs", name, "group"))
            yield Finding(CheckType.MISSPELT_GROUP, place, asked.group, message, (name,))


def _statements(asking: CheckContext) -> Iterator[Finding]:
    ruleset, read = asking.ruleset, _read(asking.ruleset)
    for name, inference in ruleset.inferences.items():
        if name not in read and name != MANDATORY_OPEN and not inference.rules:
            message = f"nothing reads the statement `{name}` ({inference.says})"
            place = place_at(asking.root, ("inferences", name))
            witness = asking.witness(FAMILY, name, asking.encoding.established(name))
            yield Finding(CheckType.UNUSED_STATEMENT, place, name, f"{message}.", witness=witness)
    for name, mention in ruleset.mentions.items():
        if name not in read:
            message = f"nothing reads whether the text `{mention.text}` mentions `{name}` ({mention.says})"
            place = place_at(asking.root, ("mentions", name))
            witness = asking.witness(FAMILY, name, asking.encoding.answers.mentioned(mention))
            yield Finding(CheckType.UNUSED_STATEMENT, place, name, f"{message}.", witness=witness)


def _mandatory(asking: CheckContext) -> Iterator[Finding]:
    ruleset, read = asking.ruleset, _read(asking.ruleset)
    if ruleset.mandatory and MANDATORY_OPEN not in read:
        message = f"no rule or floor reads `{MANDATORY_OPEN}`, so an open mandatory question raises nothing"
        witness = asking.witness(FAMILY, MANDATORY_OPEN, asking.encoding.established(MANDATORY_OPEN))
        place = place_at(asking.root, ("mandatory",))
        yield Finding(CheckType.IDLE_MANDATORY, place, MANDATORY_OPEN, f"{message}.", witness=witness)
    for number, item in enumerate(ruleset.mandatory):
        for finding in item.inputs:
            if finding not in read:
                message = f"`{finding}` is mandatory, and whatever the answer is, no rule or statement reads it"
                place = place_at(asking.root, ("mandatory", number))
                witness = asking.witness(FAMILY, finding, asking.encoding.missing(finding))
                yield Finding(CheckType.IDLE_MANDATORY, place, finding, f"{message}.", witness=witness)
