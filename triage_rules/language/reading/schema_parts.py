"""The pieces that the schema of ruleset files is put together from, and the schema of conditions."""

from __future__ import annotations

from typing import Any

from triage_rules.language.model import MANDATORY_OPEN, Op
from triage_rules.language.reading.conditions import RESERVED
from triage_rules.language.reading.messages import CHOICE, NAME

Schema = dict[str, Any]


def ref(name: str) -> Schema:
    """A definition of the schema, by name."""
    return {"$ref": f"#/$defs/{name}"}


def an_object(properties: Schema, required: list[str]) -> Schema:
    """A mapping with these keys and no others."""
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def a_text(description: str) -> Schema:
    """A text that is not blank."""
    return {"$ref": "#/$defs/text", "description": description}


def or_null(schema: Schema) -> Schema:
    """The same, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def whole_text(regex: str) -> str:
    """A Python pattern for the whole text, as ECMAScript writes it."""
    return "^" + regex.removesuffix(r"\Z") + "$"


def named(pattern: str, values: Schema, description: str, *, least: int = 0) -> Schema:
    """A mapping whose keys fit the pattern; `least` of them at least."""
    schema = {
        "type": "object",
        "description": description,
        "propertyNames": {"pattern": whole_text(pattern)},
        "additionalProperties": values,
    }
    return schema | ({"minProperties": least} if least else {})


def several(items: Schema, description: str, *, least: int = 1, unique: bool = True) -> Schema:
    """A list of at least so many items, by default all different."""
    schema: Schema = {"type": "array", "description": description, "items": items}
    if least:
        schema["minItems"] = least
    if unique:
        schema["uniqueItems"] = True
    return schema


def condition() -> Schema:
    """A name, or a mapping of one of the shapes that conditions have."""
    name = {"type": "string", "pattern": whole_text(NAME.pattern)}
    words = {
        "all": {**ref("conditions"), "description": "True if every part is true."},
        "any": {**ref("conditions"), "description": "True if some part is true."},
        "not": {**ref("condition"), "description": "True if the part is false; open if it is open."},
        "open": {**ref("name"), "description": "The input is not answered. True or false, never open."},
        "unless": {**name, "description": "The statement is not established: ruled out, or open."},
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
    """What stands under a number's name."""
    return {
        "description": "A number against a limit; two together make a range.",
        **an_object({op.value: {**ref("number"), "description": told} for op, told in _OPERATORS.items()}, []),
        "minProperties": 1,
        "not": {
            "anyOf": [
                {"required": [Op.AT_LEAST.value, Op.MORE_THAN.value]},
                {"required": [Op.AT_MOST.value, Op.LESS_THAN.value]},
            ]
        },
    }


def choice_comparison() -> Schema:
    """What stands under a choice's name."""
    value = {"type": "string", "pattern": whole_text(CHOICE.pattern), "not": {"const": "unknown"}}
    properties = {"is": {**value, "description": "Just this one."}, "in": several(value, "One of these.")}
    return {
        "description": "A choice against one value or several.",
        **an_object(properties, []),
        "minProperties": 1,
        "maxProperties": 1,
    }
