"""Changes in the text of a ruleset: added and removed parts, and the changed lines of the others."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, fields, replace
from typing import Any

from triage_rules.assurance.diff.edits import Edit, find_edits
from triage_rules.evaluation.signals import SOONER, outcome_key
from triage_rules.language.conditions import own_definition
from triage_rules.language.model import (
    MANDATORY_OPEN,
    SCOPE,
    Choice,
    Code,
    Condition,
    Conflict,
    Contact,
    Disposition,
    Floor,
    Inference,
    Input,
    Level,
    LooksLike,
    Mandatory,
    Mention,
    Panel,
    PanelLine,
    Relevance,
    Rule,
    RuleOutcome,
    Ruleset,
    RulesetScope,
    Source,
)
from triage_rules.language.wording import describe_condition

Part = Disposition | Input | Panel | Mention | Inference | Rule | Floor | Conflict


class ChangeKind(enum.StrEnum):
    """Kind of change of a part."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class ChangedLine:
    """Changed line of a part: its key, and its text before and after; None: the line doesn't exist.

    `edit`: the change within a condition. The fields are keys in the JSON of `triage diff`.
    """

    what: str
    before: str | None
    after: str | None
    edit: str | None = None


@dataclass(frozen=True, slots=True)
class TextChange:
    """Changed part of the file. `part`: rule, input, …; `title`: its title, question or meaning in the ruleset.

    The fields are keys in the JSON of `triage diff`.
    """

    part: str
    id: str
    how: ChangeKind
    title: str
    lines: tuple[ChangedLine, ...]


def list_changes(old: Ruleset, new: Ruleset) -> list[TextChange]:
    """List the changes in the file's order. Moving a part within the file is no change."""
    listed = list(_compare_head(old, new))
    sections: list[tuple[str, Mapping[str, Part], Mapping[str, Part]]] = [
        ("disposition", old.dispositions, new.dispositions),
        ("input", old.inputs, new.inputs),
        ("panel", old.panels, new.panels),
        ("mention", old.mentions, new.mentions),
        ("statement", _own_statements(old), _own_statements(new)),
        ("rule", _written_rules(old), _written_rules(new)),
        ("floor", old.floors, new.floors),
        ("conflict", old.conflicts, new.conflicts),
    ]
    for part, before, after in sections:
        listed += _compare_section(part, before, after)
    return listed


def condition_edits(old: Ruleset, new: Ruleset) -> Iterator[tuple[str, str, Edit]]:
    """Yield the edits of each condition that both versions have: the kind of its owner, the owner's id, the edit.

    Statements that rules infer are listed with the rules.
    """
    kept = _own_statements(new)
    for name, before in _own_statements(old).items():
        if name in kept:
            yield from (("statement", name, e) for e in find_edits(before.when, kept[name].when))
    if MANDATORY_OPEN in old.inferences and MANDATORY_OPEN in new.inferences:
        both = (ruleset.inferences[MANDATORY_OPEN].when for ruleset in (old, new))
        yield from (("mandatory", MANDATORY_OPEN, e) for e in find_edits(*both))
    later = {rule.id: rule for rule in new.rules_and_floors}
    for rule in old.rules_and_floors:
        if (new_rule := later.get(rule.id)) is not None:
            part = "rule" if isinstance(rule, Rule) else "floor"
            yield from ((part, rule.id, e) for e in find_edits(rule.when, new_rule.when))
            for number, (was, now) in enumerate(zip(rule.outcomes, new_rule.outcomes, strict=False)):
                yield from ((part, outcome_key(rule.id, number), e) for e in find_edits(was.when, now.when))
    yield from (("result", SOONER, e) for e in find_edits(old.validity.sooner, new.validity.sooner))


def inputs_accepted_differently(old: Ruleset, new: Ruleset) -> list[str]:
    """List the inputs that only one version has, or for which only one version accepts some answer."""
    return [
        name for name in {**old.inputs, **new.inputs} if _accepted_answers(old, name) != _accepted_answers(new, name)
    ]


def _accepted_answers(ruleset: Ruleset, name: str) -> object:
    read = ruleset.inputs.get(name)
    if read is None:
        return None
    return read.kind, read.minimum, read.maximum, read.max_length, {choice.value for choice in read.choices}


# --- comparison of parts ---


def _compare_head(old: Ruleset, new: Ruleset) -> Iterator[TextChange]:
    names = ("name", "version", "title", "description", "owner", "approved_by", "approved_on")
    lines = [_line(name, getattr(old, name), getattr(new, name)) for name in names]
    lines += [_line("order of dispositions", _order(old, new), _order(new, old))]
    lines += [_line("mandatory", *_difference(old.mandatory, new.mandatory))]
    lines += [
        _line(f"screens: {key}", *(_screens_as_text(getattr(ruleset.screens, key)) for ruleset in (old, new)))
        for key in ("first", "then")
    ]
    lines += [_line(f"scope: {line.what}", line.before, line.after) for line in _scope_lines(old.scope, new.scope)]
    lines += [
        _line(f"contacts: {name}", *(_contact_as_text(ruleset.declared_contacts.get(name)) for ruleset in (old, new)))
        for name in {**old.declared_contacts, **new.declared_contacts}
    ]
    lines += [_line(f"always: {reader}", getattr(old, f"always_{reader}"), getattr(new, f"always_{reader}"))
            for reader in ("patient", "clinician")]  # fmt: skip
    lines += [_line(f"default: {line.what}", line.before, line.after) for line in _lines(old.default, new.default)]
    lines += [_line(f"validity: {line.what}", line.before, line.after) for line in _lines(old.validity, new.validity)]
    changed = tuple(line for line in lines if line.before != line.after)
    if changed:
        yield TextChange("ruleset", new.name, ChangeKind.CHANGED, new.title, changed)


def _contact_as_text(contact: Contact | None) -> str | None:
    """Write a contact as the file does: its default, then each country's text."""
    if contact is None:
        return None
    return "; ".join(f"{key}: {text}" for key, text in (("default", contact.default), *contact.countries))


def _scope_lines(before: RulesetScope | None, after: RulesetScope | None) -> Iterator[ChangedLine]:
    """Yield the changed lines of `scope`; what is not asked any more follows from others."""
    if before is not None or after is not None:
        yield from (line for line in _lines(before, after) if line.what != "not_asked")


def _order(ruleset: Ruleset, other: Ruleset) -> str:
    """List the dispositions that both versions have, in the order of the first."""
    return ", ".join(code for code in ruleset.dispositions if code in other.dispositions)


def _compare_section(part: str, before: Mapping[str, Part], after: Mapping[str, Part]) -> Iterator[TextChange]:
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
    """Return the part's title, question or meaning, as the ruleset words it."""
    match part:
        case Input() | Panel():
            return part.question
        case Inference() | Mention() | Conflict():
            return part.says
        case _:
            return part.title


_NOT_LINES = {"name", "code", "place", "rules"}
_KEYS = {"outcomes": "disposition", "kind": "type", "inputs": "findings"}
"""Field names that differ from the key in the file, which is the name of the line in the output."""


def _lines(before: Any, after: Any) -> Iterator[ChangedLine]:
    """Yield the lines that differ, by their keys in the file; of an added or removed part, its non-empty lines."""
    for field in fields(after if before is None else before):
        was, now = (getattr(part, field.name, None) for part in (before, after))
        if field.name in _NOT_LINES or was == now or (None in (before, after) and not _is_written(field, was, now)):
            continue
        key = _KEYS.get(field.name, field.name)
        if isinstance(was, Relevance) or isinstance(now, Relevance):
            yield from _relevance_lines(key, was, now)
        elif isinstance(was, Condition) and isinstance(now, Condition):
            yield from (ChangedLine(key, _as_text(was), _as_text(now), str(edit)) for edit in find_edits(was, now))
        elif isinstance(was, tuple) and isinstance(now, tuple):
            yield _line(key, *_difference(was, now))
        else:
            yield _line(key, was, now)


def _is_written(field: Field[Any], *values: object) -> bool:
    """Return whether the file has such a line: a value that is neither empty nor the default."""
    return any(value or (value is not None and value not in ((), "", field.default)) for value in values)


def _relevance_lines(key: str, before: Relevance | None, after: Relevance | None) -> Iterator[ChangedLine]:
    was, now = (None if part is None else part.when for part in (before, after))
    texts = _as_text(was), _as_text(now)
    yield from (ChangedLine(f"{key}: when", *texts, str(edit)) for edit in find_edits(was, now))
    was_otherwise, now_otherwise = (None if part is None else part.otherwise for part in (before, after))
    if was_otherwise != now_otherwise:
        yield _line(f"{key}: otherwise", was_otherwise, now_otherwise)


def _screens_as_text(screens: tuple[str | tuple[str, ...], ...]) -> str:
    """Write screens in their order: a panel by its name, inputs that share a screen in brackets."""
    return ", ".join(screen if isinstance(screen, str) else f"[{', '.join(screen)}]" for screen in screens)


def _line(key: str, before: object, after: object) -> ChangedLine:
    return ChangedLine(key, _as_text(before), _as_text(after))


def _difference(before: tuple[Any, ...], after: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Return the elements that only one of them has; if only the order differs, both unchanged."""
    only = tuple(x for x in before if x not in after), tuple(x for x in after if x not in before)
    return only if any(only) else (before, after)


def _as_text(value: object) -> str | None:  # noqa: PLR0912 - one case for each type
    """Write a value as text; None for an empty value."""
    match value:
        case None | ():
            return None
        case bool():
            return "yes" if value else "no"
        case (Level() as level, str(code)):
            return f"{level.word}: {code}"
        case tuple():
            return "; ".join(filter(None, map(_as_text, value)))
        case Source(text, marks):
            return f"{text} ({', '.join(marks)})" if marks else text
        case Choice(name, label, means_open):
            return f"`{name}`: {label}{' (means open)' if means_open else ''}"
        case RuleOutcome(code, when):
            return code if when is None else f"raised to {code} if {describe_condition(when)}"
        case Mandatory(answers, when):
            words = " or ".join(f"`{name}`" for name in answers)
            return words if when is None else f"{words} if {describe_condition(when)}"
        case PanelLine(name, none_means, text):
            line = f"`{name}`" if text is None else f"`{name}`: {text}"
            return line if none_means is False else f"{line} (none of these: `{none_means}`)"
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


def _written_rules(ruleset: Ruleset) -> dict[str, Rule]:
    """Return the rules that stand in the file: the scope's is listed as the scope."""
    return {name: rule for name, rule in ruleset.rules.items() if name != SCOPE}


def _own_statements(ruleset: Ruleset) -> dict[str, Inference]:
    """Return the statements with a definition of their own, reduced to it; the rest is listed where it is written."""
    own = {name: own_definition(ruleset, inference) for name, inference in ruleset.inferences.items()}
    return {name: replace(ruleset.inferences[name], when=when) for name, when in own.items() if when is not None}
