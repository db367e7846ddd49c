"""The parts of the schema of ruleset files, and the schema of conditions."""

from __future__ import annotations

from typing import Any

from triage_rules.language.model import MANDATORY_OPEN, Op
from triage_rules.language.reading.conditions import RESERVED
from triage_rules.language.reading.messages import CHOICE, NAME

Schema = dict[str, Any]


def ref(name: str) -> Schema:
    """Return a reference to a definition of the schema."""
    return {"$ref": f"#/$defs/{name}"}


def an_object(properties: Schema, required: list[str]) -> Schema:
    """Return the schema of a mapping with only these keys."""
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def a_text(description: str) -> Schema:
    """Return the schema of a text that is not blank."""
    return {"$ref": "#/$defs/text", "description": description}


def or_null(schema: Schema) -> Schema:
    """Return a schema that also accepts null."""
    return {"anyOf": [schema, {"type": "null"}]}


def whole_text(regex: str) -> str:
    """Convert a Python pattern for a whole text to ECMAScript."""
    return "^" + regex.removesuffix(r"\Z") + "$"


def named(pattern: str, values: Schema, description: str, *, least: int = 0) -> Schema:
    """Return the schema of a mapping whose keys match the pattern. `least`: the fewest keys."""
    schema = {
        "type": "object",
        "description": description,
        "propertyNames": {"pattern": whole_text(pattern)},
        "additionalProperties": values,
    }
    return schema | ({"minProperties": least} if least else {})


def several(items: Schema, description: str, *, least: int = 1, unique: bool = True) -> Schema:
    """Return the schema of a list. `least`: the fewest items; `unique`: all are different."""
    schema: Schema = {"type": "array", "description": description, "items": items}
    if least:
        schema["minItems"] = least
    if unique:
        schema["uniqueItems"] = True
    return schema


def condition() -> Schema:
    """Return the schema of a condition: a name, or a mapping in one of the forms of conditions."""
    name = {"type": "string", "pattern": whole_text(NAME.pattern)}
    words = {
        "all": {**ref("conditions"), "description": "True if every part is true."},
        "any": {**ref("conditions"), "description": "True if at least one part is true."},
        "not": {**ref("condition"), "description": "True if the part is false; open if it is open."},
        "open": {**ref("name"), "description": "The input is not answered. True or false, never open."},
        "unless": {**name, "description": "The statement is not established: ruled out or open."},
    }
    at_least = {"at_least": ref("minutes"), "of": ref("conditions")}
    comparison = {
        "type": "object",
        "propertyNames": ref("name"),
        "additionalProperties": {"anyOf": [ref("number_comparison"), ref("choice_comparison")]},
        "minProperties": 1,
        "maxProperties": 1,
    }
    return {
        "description": "True, false or open.",
        "anyOf": [
            {**name, "not": {"enum": sorted(RESERVED - {MANDATORY_OPEN})}},
            *(an_object({word: schema}, [word]) for word, schema in words.items()),
            an_object(at_least, ["at_least", "of"]),
            comparison,
        ],
    }


_OPERATORS = {
    Op.AT_LEAST: "The answer is this or more.",
    Op.MORE_THAN: "The answer is more than this.",
    Op.AT_MOST: "The answer is this or less.",
    Op.LESS_THAN: "The answer is less than this.",
}


def number_comparison() -> Schema:
    """Return the schema of a number's comparison."""
    return {
        "description": "A number against a limit; two limits make a range.",
        **an_object({op.value: {**ref("number"), "description": meaning} for op, meaning in _OPERATORS.items()}, []),
        "minProperties": 1,
        "not": {
            "anyOf": [
                {"required": [Op.AT_LEAST.value, Op.MORE_THAN.value]},
                {"required": [Op.AT_MOST.value, Op.LESS_THAN.value]},
            ]
        },
    }


def choice_comparison() -> Schema:
    """Return the schema of a choice's comparison."""
    value = {"type": "string", "pattern": whole_text(CHOICE.pattern), "not": {"const": "unknown"}}
    properties = {"is": {**value, "description": "This value."}, "in": several(value, "One of these values.")}
    return {
        "description": "A choice against one value or several.",
        **an_object(properties, []),
        "minProperties": 1,
        "maxProperties": 1,
    }
