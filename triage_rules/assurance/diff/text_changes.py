"""What is written otherwise in a new version of a ruleset: parts added, removed, or which of their lines changed."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from triage_rules.assurance.diff.edits import Edit, edits
from triage_rules.evaluation.signals import SOONER, outcome_key
from triage_rules.language.conditions import own_definition
from triage_rules.language.model import (
    MANDATORY_OPEN,
    Choice,
    Code,
    Condition,
    Conflict,
    Disposition,
    Floor,
    Inference,
    Input,
    Level,
    LooksLike,
    Mandatory,
    Mention,
    Rule,
    RuleOutcome,
    Ruleset,
    Source,
)
from triage_rules.language.wording import describe_condition

Part = Disposition | Input | Mention | Inference | Rule | Floor | Conflict


class ChangeKind(enum.StrEnum):
    """What became of a part."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class ChangedLine:
    """One line of a part: what it is, and how it reads before and after; None: it is not there.

    Of a condition `edit` says what changed in it.
    """

    what: str
    before: str | None
    after: str | None
    edit: str | None = None


@dataclass(frozen=True, slots=True)
class TextChange:
    """A part of the file that is written otherwise. `part`: rule, input, ..; `title`: what it is, in its own words."""

    part: str
    id: str
    how: ChangeKind
    title: str
    lines: tuple[ChangedLine, ...]


def changes(old: Ruleset, new: Ruleset) -> list[TextChange]:
    """All that was written otherwise, in the file's order. Where something stands in the file does not count."""
    found = list(_head(old, new))
    sections: list[tuple[str, Mapping[str, Part], Mapping[str, Part]]] = [
        ("disposition", old.dispositions, new.dispositions),
        ("input", old.inputs, new.inputs),
        ("mention", old.mentions, new.mentions),
        ("statement", _own_statements(old), _own_statements(new)),
        ("rule", old.rules, new.rules),
        ("floor", old.floors, new.floors),
        ("conflict", old.conflicts, new.conflicts),
    ]
    for part, before, after in sections:
        found += _section(part, before, after)
    return found


def condition_edits(old: Ruleset, new: Ruleset) -> Iterator[tuple[str, str, Edit]]:
    """The edits of every condition that both versions have under one name: kind of owner, its id, the edit.

    What rules infer is told with the rules.
    """
    kept = _own_statements(new)
    for name, before in _own_statements(old).items():
        if name in kept:
            yield from (("statement", name, e) for e in edits(before.when, kept[name].when))
    if MANDATORY_OPEN in old.inferences and MANDATORY_OPEN in new.inferences:
        both = (ruleset.inferences[MANDATORY_OPEN].when for ruleset in (old, new))
        yield from (("mandatory", MANDATORY_OPEN, e) for e in edits(*both))
    later = {rule.id: rule for rule in new.rules_and_floors}
    for one in old.rules_and_floors:
        if (two := later.get(one.id)) is not None:
            part = "rule" if isinstance(one, Rule) else "floor"
            yield from ((part, one.id, e) for e in edits(one.when, two.when))
            for number, (first, second) in enumerate(zip(one.outcomes, two.outcomes, strict=False)):
                yield from ((part, outcome_key(one.id, number), e) for e in edits(first.when, second.when))
    yield from (("result", SOONER, e) for e in edits(old.validity.sooner, new.validity.sooner))


def inputs_accepted_differently(old: Ruleset, new: Ruleset) -> list[str]:
    """Inputs to which only one version accepts some answer, or that only one has."""
    return [name for name in {**old.inputs, **new.inputs} if _takes(old, name) != _takes(new, name)]


def _takes(ruleset: Ruleset, name: str) -> object:
    read = ruleset.inputs.get(name)
    if read is None:
        return None
    return read.kind, read.minimum, read.maximum, read.max_length, {choice.value for choice in read.choices}


# --- how ---


def _head(old: Ruleset, new: Ruleset) -> Iterator[TextChange]:
    names = ("name", "version", "title", "description", "owner", "approved_by", "approved_on")
    own = [_line(name, getattr(old, name), getattr(new, name)) for name in names]
    own += [_line("order of dispositions", _order(old, new), _order(new, old))]
    own += [_line("mandatory", *_apart(old.mandatory, new.mandatory))]
    own += [_line(f"always: {who}", getattr(old, f"always_{who}"), getattr(new, f"always_{who}"))
            for who in ("patient", "clinician")]  # fmt: skip
    own += [_line(f"default: {line.what}", line.before, line.after) for line in _lines(old.default, new.default)]
    own += [_line(f"validity: {line.what}", line.before, line.after) for line in _lines(old.validity, new.validity)]
    lines = tuple(line for line in own if line.before != line.after)
    if lines:
        yield TextChange("ruleset", new.name, ChangeKind.CHANGED, new.title, lines)


def _order(ruleset: Ruleset, other: Ruleset) -> str:
    """The dispositions that both have, in this one's order."""
    return ", ".join(code for code in ruleset.dispositions if code in other.dispositions)


def _section(part: str, before: Mapping[str, Part], after: Mapping[str, Part]) -> Iterator[TextChange]:
    for name, was in before.items():
        now = after.get(name)
        if now is None:
            yield TextChange(part, name, ChangeKind.REMOVED, title_of(was), tuple(_lines(was, None)))
        elif lines := tuple(_lines(was, now)):
            yield TextChange(part, name, ChangeKind.CHANGED, title_of(now), lines)
    for name, now in after.items():
        if name not in before:
            yield TextChange(part, name, ChangeKind.ADDED, title_of(now), tuple(_lines(None, now)))


def title_of(part: Part) -> str:
    """What it is, in the ruleset's words."""
    match part:
        case Input():
            return part.question
        case Inference() | Mention() | Conflict():
            return part.says
        case _:
            return part.title


_NOT_LINES = {"name", "code", "place", "rules"}
_NAMES = {"outcomes": "disposition", "kind": "type", "id": "id"}


def _lines(before: Any, after: Any) -> Iterator[ChangedLine]:
    """The lines that differ, by their keys in the file; of one that was added or removed those that say something."""
    some = after if before is None else before
    for one in fields(some):
        was, now = (getattr(part, one.name, None) for part in (before, after))
        if one.name in _NOT_LINES or was == now or (None in (before, after) and not (was or now)):
            continue
        what = _NAMES.get(one.name, one.name)
        if isinstance(was, Condition) and isinstance(now, Condition):
            yield from (ChangedLine(what, _told(was), _told(now), str(edit)) for edit in edits(was, now))
        elif isinstance(was, tuple) and isinstance(now, tuple):
            yield _line(what, *_apart(was, now))
        else:
            yield _line(what, was, now)


def _line(what: str, before: object, after: object) -> ChangedLine:
    return ChangedLine(what, _told(before), _told(after))


def _apart(before: tuple[Any, ...], after: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """What only one of them has; if they differ by order alone, both as they are."""
    only = tuple(x for x in before if x not in after), tuple(x for x in after if x not in before)
    return only if any(only) else (before, after)


def _told(value: object) -> str | None:  # noqa: PLR0912 - one way for each type
    """A value as one reads it; None for nothing."""
    match value:
        case None | ():
            return None
        case bool():
            return "yes" if value else "no"
        case (Level() as level, str(code)):
            return f"{level.word}: {code}"
        case tuple():
            return "; ".join(filter(None, map(_told, value)))
        case Source(text, marks):
            return f"{text} ({', '.join(marks)})" if marks else text
        case Choice(name, label, means_open):
            return f"`{name}`: {label}{' (means open)' if means_open else ''}"
        case RuleOutcome(code, when):
            return code if when is None else f"raised to {code} if {describe_condition(when)}"
        case Mandatory(answers, when):
            words = " or ".join(f"`{name}`" for name in answers)
            return words if when is None else f"{words} if {describe_condition(when)}"
        case Code(system, code):
            return f"{system} {code}"
        case LooksLike(low, high, hint):
            return f"{low} to {high}: {hint}"
        case Level():
            return value.word
        case _ if isinstance(value, Condition):
            return describe_condition(value)
        case _:
            return str(value) or None


def _own_statements(ruleset: Ruleset) -> dict[str, Inference]:
    """Return the statements with a definition of their own, reduced to it; the rest is listed where it is written."""
    own = {name: own_definition(ruleset, inference) for name, inference in ruleset.inferences.items()}
    return {name: replace(ruleset.inferences[name], when=when) for name, when in own.items() if when is not None}
