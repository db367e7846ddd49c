"""The JSON Schema of properties files, with which editors complete and check.

As for ruleset files, the reader rejects everything that the schema rejects, and more.
`python -m triage_rules.assurance.properties.schema` prints it.
"""

from __future__ import annotations

import json
import sys

from triage_rules.assurance.properties.model import ResultMeasure
from triage_rules.assurance.properties.reading import ANY, KINDS, PREVIOUS, THEN
from triage_rules.language.model import Level
from triage_rules.language.reading.messages import RULE_ID
from triage_rules.language.reading.schema import ruleset_json_schema
from triage_rules.language.reading.schema_parts import Schema, a_text, an_object, named, or_null, ref, several

_SHARED = (
    *("text", "number", "whole", "minutes", "name", "id", "date", "flags", "source", "mandatory"),
    *("condition", "conditions", "number_comparison", "choice_comparison"),
)


def properties_json_schema() -> Schema:
    """Return the JSON Schema (2020-12) of a properties file, with descriptions for editors."""
    shared = ruleset_json_schema()["$defs"]
    keys = {
        "owner": a_text("Owner of the properties; a property may name its own."),
        "review_by": {**ref("date"), "description": "Day by which they must be reviewed."},
        "properties": named(RULE_ID.pattern, ref("property"), "Claims about every possible report.", least=1),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Properties of a triage ruleset",
        "description": "Claims about every possible report, for `triage prove`.",
        **an_object(keys, list(keys)),
        "$defs": {name: shared[name] for name in _SHARED} | {"property": _property_schema()},
    }


def _property_schema() -> Schema:
    common = {
        "says": a_text("The property in plain words."),
        "whenever": {**ref("condition"), "description": "Only reports for which this is true; of two reports, both."},
        "source": ref("source"),
        "owner": or_null(a_text("Owner of this property; without it, the owner of the file.")),
        "review_by": or_null(
            {**ref("date"), "description": "Review day of this property; without it, that of the file."}
        ),
    }
    properties = common | _then_schemas() | _never_schemas() | _pair_schemas()
    return {
        **an_object(properties, ["says", "source"]),
        "anyOf": [
            *(_only(key) for key in KINDS),
            {
                "anyOf": [{"required": [key]} for key in THEN],
                "not": {"anyOf": [{"required": [key]} for key in KINDS]},
            },
        ],
    }


def _only(key: str) -> Schema:
    others = [other for other in (*KINDS, *THEN) if other != key]
    return {"required": [key], "not": {"anyOf": [{"required": [other]} for other in others]}}


def _then_schemas() -> Schema:
    levels = {"enum": [level.word for level in Level if level is not Level.ROUTINE]}
    return {
        "level_at_least": {**levels, "description": "The level is this or a more urgent one."},
        "disposition_at_least": a_text("The disposition is this or a more urgent one."),
        "could_be_at_least": {**levels, "description": "`could_be` is this or a more urgent one."},
        "flags": several(ref("text"), "The result has these flags."),
        "fires": several(ref("id"), "These rules or floors fire."),
        "silent": several(ref("id"), "These rules or floors don't fire."),
        "patient_says": several(ref("text"), "The text for the patient has these words."),
        "patient_never_says": several(ref("text"), "The text for the patient has none of these words."),
        "clinician_says": several(ref("text"), "The text for the clinician has these words."),
        "clinician_never_says": several(ref("text"), "The text for the clinician has none of these words."),
        "hidden_from_patient": several(ref("id"), "The patient reads no reason, title or note of these rules."),
    }


def _never_schemas() -> Schema:
    only_if = several(ref("mandatory"), "Routine only if each of these was answered.", unique=False)
    return {
        "never": a_text("A level or disposition that the result never has."),
        "unless": {**ref("condition"), "description": "Except in reports for which this is true."},
        "unless_fires": several(ref("id"), "Except in reports for which one of these rules or floors fires."),
        "routine_only_if_answered": only_if,
    }


def _pair_schemas() -> Schema:
    answer = {"anyOf": [{"type": "boolean"}, ref("text")]}
    answers = several(ref("name"), "These inputs, each in turn.")
    measures = {"enum": [measure.value for measure in ResultMeasure]}
    return {
        "answering": {**answers, "description": "Two reports that differ only in one of these inputs."},
        "with": {
            **answer,
            "description": "The answer in the second report: `yes`, a value, `any`, `higher` or `lower`.",
        },
        "instead_of": {
            **answer,
            "description": "The answer in the first report; without it, any other answer or none.",
        },
        "leaving_open": {
            "description": "Two reports; the second leaves open one of these inputs; `any`: one of all inputs.",
            "anyOf": [{"const": ANY}, answers],
        },
        "compared_with": {**answer, "description": "The answer in the first report; without it, any answer."},
        "against": {"const": PREVIOUS, "description": "The same report by the previous version of the ruleset."},
        "never_lowers": {
            **measures,
            "description": "The measure that is never lower in the second report (or in this version).",
        },
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(properties_json_schema(), indent=2) + "\n")
