"""Contacts in the texts of a ruleset: `{emergency_number}` stands for the number of the country where it is read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from triage_rules.foundation.contacts import CONTACT_SETTING, COUNTRY_SETTING, ContactChoice
from triage_rules.language.model import (
    Choice,
    Conflict,
    Contact,
    Contacts,
    Default,
    Disposition,
    Floor,
    Inference,
    Input,
    LooksLike,
    Mention,
    Panel,
    PanelLine,
    Rule,
    Ruleset,
    RulesetScope,
    Source,
)

_RULE = ("title", "reason", "clinician_note", "source")
TEXTS: dict[type, tuple[str, ...]] = {
    Ruleset: (
        *("title", "description", "always_patient", "always_clinician", "default", "scope", "dispositions", "inputs"),
        *("mentions", "panels", "inferences", "rules", "floors", "conflicts"),
    ),
    Default: ("reason",),
    RulesetScope: ("reason",),
    Disposition: ("title", "patient", "clinician"),
    Input: ("question", "help", "group", "choices", "looks_like"),
    Choice: ("label",),
    LooksLike: ("hint",),
    Mention: ("says",),
    Panel: ("question", "section", "lines"),
    PanelLine: ("text",),
    Inference: ("says", "source"),
    Rule: (*_RULE, "section"),
    Floor: _RULE,
    Conflict: ("says",),
    Source: ("text",),
}
"""The fields with texts that people read, and with what holds such texts."""

_BRACES = re.compile(r"\{\{|\}\}|\{([a-z][a-z0-9_]{0,59})\}|[{}]")
Part = TypeVar("Part")


def choose_contacts(declared: Mapping[str, Contact], choice: ContactChoice) -> Contacts:
    """Return the values of the declared contacts: one's own, else the country's, else the default."""
    own = dict(choice.own)
    values = {name: own.get(name) or contact.of(choice.country) for name, contact in declared.items()}
    return Contacts(choice.country, tuple(values.items()))


def ignored_choices(declared: Mapping[str, Contact], choice: ContactChoice) -> Iterator[str]:
    """Yield a message for each setting of the choice that changes no declared contact."""
    if not declared:
        return
    listed = {country for contact in declared.values() for country, _ in contact.countries}
    if choice.country is not None and choice.country not in listed:
        yield f"{COUNTRY_SETTING}={choice.country}: no contact lists this country, so the defaults stand in the texts"
    for name, _ in choice.own:
        if name not in declared:
            known = ", ".join(f"`{other}`" for other in declared)
            yield f"{CONTACT_SETTING}{name.upper()}: the ruleset has no contact `{name}`; it has {known}"


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return the text with the contacts' values. `{{` and `}}` become braces. Raises KeyError for an unknown name."""

    def value(match: re.Match[str]) -> str:
        return values[match[1]] if match[1] else match[0][0]

    return _BRACES.sub(value, text) if "{" in text or "}" in text else text


def unknown_contacts(text: str, known: Mapping[str, object]) -> Iterator[str | None]:
    """Yield each name in braces that is not known, and None for each brace that stands for nothing."""
    for match in _BRACES.finditer(text):
        if match[1] is None and len(match[0]) == 1:
            yield None
        elif match[1] is not None and match[1] not in known:
            yield match[1]


def fill_ruleset(ruleset: Ruleset, choice: ContactChoice) -> Ruleset:
    """Return the ruleset with the contacts in every text that people read. Parts without any stay the same objects.

    Without declared contacts, a brace is a brace, as in the bundles of earlier versions.
    """
    if not ruleset.declared_contacts:
        return ruleset
    contacts = choose_contacts(ruleset.declared_contacts, choice)
    return replace(_fill_part(ruleset, dict(contacts.values)), contacts=contacts)


def _fill_part(part: Part, values: Mapping[str, str]) -> Part:
    changed: dict[str, Any] = {}
    for name in TEXTS[type(part)]:
        old = getattr(part, name)
        new = _fill_value(old, values)
        if new is not old:
            changed[name] = new
    return replace(part, **changed) if changed else part  # type: ignore[type-var]


def _fill_value(value: Any, values: Mapping[str, str]) -> Any:
    match value:
        case None:
            return None
        case str():
            return fill(value, values)
        case tuple():
            parts = tuple(_fill_value(part, values) for part in value)
            return value if all(new is old for new, old in zip(parts, value, strict=True)) else parts
        case dict():
            entries = {name: _fill_part(part, values) for name, part in value.items()}
            return value if all(entries[name] is part for name, part in value.items()) else entries
        case part:
            return _fill_part(part, values)
