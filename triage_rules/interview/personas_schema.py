"""The JSON Schema of personas files, with which editors complete and check.

As for ruleset files, the reader rejects everything that the schema rejects, and more.
`python -m triage_rules.interview.personas_schema` prints it.
"""

from __future__ import annotations

import json
import sys

from triage_rules.interview.personas import AUDIENCES, LEVELS
from triage_rules.language.reading.messages import NAME
from triage_rules.language.reading.schema import ruleset_json_schema
from triage_rules.language.reading.schema_parts import Schema, a_text, an_object, named, or_null, ref

_SHARED = ("text", "name")


def personas_json_schema() -> Schema:
    """Return the JSON Schema (2020-12) of a personas file, with descriptions for editors."""
    median = {"type": "integer", "minimum": 1, "description": "Screens of the median interview."}
    budget = an_object({"median_screens": median}, ["median_screens"])
    keys = {
        "ruleset": a_text("Name of the ruleset beside this file."),
        "budget": {**budget, "description": "What interviews may cost; a deployment beyond it says so."},
        "bases": named(NAME.pattern, base_schema(), "Truths that many people share."),
        "personas": named(NAME.pattern, _persona_schema(), "People with a truth for every input.", least=1),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Personas of a triage ruleset",
        "description": "People with truthful answers to everything, for interviews.",
        **an_object(keys, ["ruleset", "personas"]),
        "$defs": shared_definitions(),
    }


def shared_definitions() -> Schema:
    """Return the definitions that files with truths refer to."""
    shared = ruleset_json_schema()["$defs"]
    return {
        **{name: shared[name] for name in _SHARED},
        "answers": named(NAME.pattern, ref("answer"), "Truths by input."),
        "answer": {"type": ["boolean", "number", "string"]},
    }


def base_schema() -> Schema:
    """Return the schema of a base."""
    keys = {"title": or_null(a_text("The person in a few words.")), **truth_keys()}
    return an_object(keys, [])


def _persona_schema() -> Schema:
    expect = {
        "level": {"enum": list(LEVELS), "description": "The level once all that they know is answered."},
        "disposition": a_text("The disposition once all that they know is answered."),
    }
    keys = {
        "title": a_text("The person in a few words."),
        "group": {**ref("name"), "description": "Word for people alike: `harmless`, `urgent`, `unsure` or another."},
        "audience": {"enum": list(AUDIENCES), "description": "Who answers; without it, `patient`."},
        **truth_keys(),
        "expect": an_object(expect, list(expect)),
    }
    return an_object(keys, ["title", "group", "expect"])


def truth_keys() -> Schema:
    """Return the schemas of the keys that give truths: `base` and `findings`."""
    says = "Truths by input; `unknown` for what they don't know or haven't measured."
    return {
        "base": {**ref("name"), "description": "A base written above, whose truths these override."},
        "findings": {**ref("answers"), "description": says},
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(personas_json_schema(), indent=2) + "\n")
