"""The small ruleset with a scope, and a contact in every text that people read; one line for each text."""

from __future__ import annotations

import json
from typing import Any

from tests.support.rulesets import scoped
from triage_rules.foundation.contacts import ContactChoice
from triage_rules.language.model import Ruleset
from triage_rules.language.reading import parse_document, parse_ruleset
from triage_rules.language.reading.contacts import TEXT_KEYS

CONTACTS = {
    "emergency_number": {"default": "999, 911 or 112", "GB": "999", "US": "911"},
    "crisis_line": {"default": "a crisis line", "GB": "116 123"},
}
MARK = "[{emergency_number}]"


def _text() -> str:
    data: dict[str, Any] = parse_document(scoped.TEXT.encode(), "ruleset.yaml").data
    data["inputs"]["fit"]["help"] = "A seizure."
    data["inputs"]["skin"] = {"type": "choice", "group": "spots", "question": "Which skin?",
                              "choices": {"fair": "Fair", "dark": {"label": "Dark"}}}  # fmt: skip
    data["inputs"]["age"]["looks_like"] = [{"minimum": 1900, "maximum": 2100, "hint": "a year of birth"}]
    data["panels"]["danger"] |= {"section": "Danger", "lines": ["fit", {"finding": "chest_pain", "text": "Pain"}]}
    data["inferences"] = {"old": {"says": "Old", "when": {"age": {"at_least": 80}}}}
    data["rules"]["R1"] |= {"clinician_note": "At once.", "section": "Danger"}
    data["conflicts"] = {"C1": {"when": {"all": ["old", "fit"]}, "says": "Old and a fit.", "findings": ["age", "fit"]}}
    return json.dumps({**_marked(data, ""), "contacts": CONTACTS}, indent=1)


def _marked(part: Any, at: str) -> Any:
    """The data with the contact in every text."""
    match part:
        case dict():
            inner = {key: at if at == "choices" else key for key in part}
            return {key: value if _is_name(at, key) else _marked(value, inner[key]) for key, value in part.items()}
        case list():
            return [_marked(value, "") for value in part]
        case str() if at in TEXT_KEYS or at == "choices":
            return f"{part} {MARK}"
        case _:
            return part


def _is_name(at: str, key: str) -> bool:
    """Whether the value under this key is the name of an input, not a text."""
    return (at, key) in {("scope", "question"), ("blue", "text")}


TEXT = _text()


def contacted(choice: ContactChoice) -> Ruleset:
    """The ruleset, filled with these contacts."""
    return parse_ruleset(TEXT.encode(), "ruleset.yaml", choice)
