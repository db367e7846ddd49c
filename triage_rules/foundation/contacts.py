"""The choice of contacts in texts, such as the emergency number: by country, or a value of one's own."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from triage_rules.foundation.errors import SettingsError

COUNTRY = re.compile(r"[A-Z]{2}\Z")
"""A country as in ISO 3166-1 alpha-2: two capitals."""

COUNTRY_SETTING, CONTACT_SETTING = "TRIAGE_COUNTRY", "TRIAGE_CONTACT_"
LONGEST = 200
"""The most characters of a contact."""

_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,59}\Z")


@dataclass(frozen=True, slots=True)
class ContactChoice:
    """Choice of contacts. own: values by name, which replace those of the country; None: of no country."""

    country: str | None = None
    own: tuple[tuple[str, str], ...] = ()


NO_CHOICE = ContactChoice()
"""The defaults of a ruleset."""


def read_contact_choice(environ: Mapping[str, str] = os.environ) -> ContactChoice:
    """Read the choice from the settings. Raises SettingsError."""
    country = environ.get(COUNTRY_SETTING)
    if country is not None and not COUNTRY.match(country):
        raise SettingsError(f"{COUNTRY_SETTING}: {country!r}; expected two capitals (ISO 3166-1), such as GB")
    own = {}
    for setting in filter(is_contact_setting, environ):
        name, text = setting.removeprefix(CONTACT_SETTING), environ[setting]
        if not _NAME.match(name):
            raise SettingsError(f"{setting}: unknown setting; expected {CONTACT_SETTING} and a name in capitals")
        if fault := fault_of_contact(text):
            raise SettingsError(f"{setting}: {fault}")
        own[name.lower()] = text
    return ContactChoice(country, tuple(sorted(own.items())))


def contact_settings(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment variables of the choice."""
    return {name: text for name, text in environ.items() if name == COUNTRY_SETTING or is_contact_setting(name)}


def is_contact_setting(name: str) -> bool:
    """Return whether an environment variable sets a contact."""
    return name.startswith(CONTACT_SETTING)


def fault_of_contact(text: str) -> str:
    """Return what is wrong with the value of a contact; '' if nothing is."""
    if not text.strip():
        return "is empty"
    if len(text) > LONGEST:
        return f"has {len(text)} characters; at most {LONGEST} are allowed"
    if any(character in "{}" or not character.isprintable() for character in text):
        return "expected one line of text without `{` and `}`"
    return ""
