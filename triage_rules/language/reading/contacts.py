"""Reader of `contacts`, and of the names in braces in a file's texts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

from triage_rules.foundation.contacts import COUNTRY, fault_of_contact
from triage_rules.language.contacts import unknown_contacts
from triage_rules.language.model import Contact
from triage_rules.language.reading.fields import Form
from triage_rules.language.reading.messages import NAME, NAME_HINT, join_names, suggest_name
from triage_rules.language.reading.places import Broken, Faults, MappingNode, Node, Scalar, Sequence, quoted

DEFAULT = "default"

TEXT_KEYS = frozenset(
    {
        *("title", "description", "patient", "clinician", "reason", "clinician_note", "question", "help", "group"),
        *("says", "text", "section", "hint", "label"),
    }
)
"""The keys of texts that people read. `choices` holds labels."""

_NOT_SHOWN = ("accepts", "contacts")
"""The sections of the file that no one but its authors reads."""


def read_contacts(root: Form, faults: Faults) -> dict[str, Contact]:
    """Read the contacts: a text by default, and one for each country."""
    contacts = {}
    for name, entry in root.entries("contacts"):
        form = Form(entry.node, f"contact `{name}`", faults, entry.key_place)
        if not NAME.match(name):
            faults.add(entry.key_place, f"contact {quoted(name)}: the name is not valid; {NAME_HINT}")
        keys = list(entry.node.entries) if isinstance(entry.node, MappingNode) else []
        countries = {}
        for key in dict.fromkeys([DEFAULT, *keys]):
            if key != DEFAULT and not COUNTRY.match(key):
                message = f"unknown key {quoted(key)}; expected `default`, or a country (ISO 3166-1), such as `GB`"
                form.add_fault(form.key_place(key), message)
            text = form.text(key)
            if text and (fault := fault_of_contact(text)):
                form.add_fault(form.place_of(key), f"`{key}`: {fault}")
            countries[key] = text
        contacts[name] = Contact(countries.pop(DEFAULT), tuple(countries.items()))
    return contacts


def check_texts(root: Node, contacts: Mapping[str, Contact], faults: Faults) -> None:
    """Reject names in braces that are no contacts, and, where contacts are declared, braces that stand for nothing."""
    sections = root.entries.items() if isinstance(root, MappingNode) else ()
    texts = (_texts(entry.node, name) for name, entry in sections if name not in _NOT_SHOWN)
    for node in itertools.chain.from_iterable(texts):
        text = node.value
        assert isinstance(text, str)
        for name in unknown_contacts(text, contacts):
            if name is None and contacts:
                hint = "write `{{` and `}}` for braces, or a contact such as `{emergency_number}`"
                faults.add(node.place, f"a brace by itself; {hint}")
            elif name is not None:
                known = f"; known are {join_names(contacts, 12)}" if contacts else "; `contacts` declares none"
                faults.add(node.place, f"unknown contact `{{{name}}}`{suggest_name(name, contacts) or known}")


def _texts(node: Node, key: str) -> Iterator[Scalar]:
    """Yield the texts that people read. key: the key above the node."""
    match node:
        case Scalar(value=str()) if key in TEXT_KEYS or key == "choices":
            yield node
        case Sequence():
            for item in node.items:
                yield from _texts(item, "")
        case MappingNode():
            for name, entry in node.entries.items():
                if key == "choices" and isinstance(entry.node, Scalar):
                    yield from _texts(entry.node, key)
                elif not isinstance(entry.node, Broken):
                    yield from _texts(entry.node, name)
