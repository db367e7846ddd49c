"""The JSON Schema of ruleset files: editors complete and check with it as one types.

It says what a schema can say. Names, bounds and circles are checked by reading alone: what the schema refuses, reading
refuses too, never the other way round. `python -m triage_rules.language.reading.schema` prints it.
"""

from __future__ import annotations

import json
import sys

from triage_rules.language.check_types import FindingType
from triage_rules.language.model import MAX_NUMBER, SERVICE_COUNTS, AskedOf, Kind, Level
from triage_rules.language.reading import LANGUAGE, RULESET_NAME, SEMVER
from triage_rules.language.reading.conditions import RESERVED
from triage_rules.language.reading.inputs import CODE_MARKS, MAX_TEXT
from triage_rules.language.reading.messages import CHOICE, DATE, DISPOSITION, NAME, RULE_ID
from triage_rules.language.reading.schema_parts import (
    Schema,
    a_text,
    an_object,
    choice_comparison,
    condition,
    named,
    number_comparison,
    or_null,
    ref,
    several,
    whole_text,
)


def ruleset_json_schema() -> Schema:
    """JSON Schema 2020-12 for a ruleset file, with titles and descriptions for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Triage ruleset",
        "description": "Questions, statements drawn from the answers, and rules that turn statements into a level.",
        "allOf": [_approved_by_someone_on_a_day()],
        **an_object(
            _head() | _sections(),
            required=[key for key in (_head() | _sections()) if key not in _OPTIONAL],
        ),
        "$defs": _definitions(),
    }


_OPTIONAL = ("approved_by", "approved_on", "mentions", "mandatory", "inferences", "safety_net", "conflicts", "accepts")


def _approved_by_someone_on_a_day() -> Schema:
    def written(key: str) -> Schema:
        return {"required": [key], "properties": {key: {"type": "string"}}}

    both = ("approved_by", "approved_on")
    return {"anyOf": [{"allOf": [written(key) for key in both]}, {"not": {"anyOf": [written(key) for key in both]}}]}


# --- the file ---


def _head() -> Schema:
    return {
        "ruleset": {
            "type": "string",
            "pattern": whole_text(RULESET_NAME.pattern.replace(r"\Z", "$", 1)),
            "description": "The name: lower case letters and digits with single hyphens, such as `red-dots`.",
        },
        "language": {"const": LANGUAGE, "description": "The version of the ruleset language."},
        "version": {
            "type": "string",
            "pattern": whole_text(SEMVER.pattern),
            "description": "Three numbers, such as `1.0.0`; raise the first if the same answers may get another level.",
        },
        "title": a_text("What people call this ruleset."),
        "description": a_text("What it is for, in a sentence or two."),
        "owner": a_text("Who answers for it; a rule may name its own."),
        "review_by": {**ref("date"), "description": "The day by which it must be looked at again."},
        "approved_by": or_null(a_text("The clinician who signed it; null: nobody has, and everything says so.")),
        "approved_on": or_null({**ref("date"), "description": "The day of the signature; null if nobody signed."}),
    }


def _sections() -> Schema:
    return {
        "dispositions": named(
            DISPOSITION.pattern, ref("disposition"), "What to do and by when, most urgent first.", least=1
        ),
        "default": ref("default"),
        "validity": ref("validity"),
        "always": {
            "description": "On every result.",
            **an_object(
                {"patient": a_text("For the patient."), "clinician": a_text("For the clinician.")},
                ["patient", "clinician"],
            ),
        },
        "inputs": named(NAME.pattern, ref("input"), "The questions, in the order of asking.", least=1)
        | {"propertyNames": ref("name")},
        "mentions": named(NAME.pattern, ref("mention"), "Yes/no statements on texts: they contain one of the phrases.")
        | {"propertyNames": ref("name")},
        "mandatory": several(
            ref("mandatory"),
            "Routine needs an answer to each; while one is open, `mandatory_open` is true.",
            least=0,
            unique=False,
        ),
        "inferences": named(NAME.pattern, ref("inference"), "Statements drawn from answers or other statements.")
        | {"propertyNames": ref("name")},
        "rules": named(RULE_ID.pattern, ref("rule"), "Conditions that lead to a disposition.", least=1),
        "safety_net": named(RULE_ID.pattern, ref("floor"), "Floors: applied after the rules, they only raise."),
        "conflicts": named(RULE_ID.pattern, ref("conflict"), "Answers that contradict each other."),
        "accepts": several(ref("acceptance"), "What `triage check` finds and is meant so.", least=0, unique=False),
    }


def _definitions() -> Schema:
    whole = {"type": "integer", "minimum": -MAX_NUMBER, "maximum": MAX_NUMBER}
    return {
        "text": {"type": "string", "pattern": r"\S"},
        "number": {"type": "number", "minimum": -MAX_NUMBER, "maximum": MAX_NUMBER},
        "whole": whole,
        "minutes": whole | {"minimum": 1},
        "name": {"type": "string", "pattern": whole_text(NAME.pattern), "not": {"enum": sorted(RESERVED)}},
        "id": {"type": "string", "pattern": whole_text(RULE_ID.pattern)},
        "date": {"type": "string", "format": "date", "pattern": whole_text(DATE.pattern)},
        "flags": several({"type": "string", "pattern": whole_text(NAME.pattern)}, "Words for other systems.", least=0),
        "source": _source(),
        "disposition": _disposition(),
        "default": _default(),
        "validity": _validity(),
        "input": _input(),
        "choice": _choice(),
        "looks_like": _looks_like(),
        "code": _code(),
        "mention": _mention(),
        "mandatory": _mandatory(),
        "inference": _inference(),
        "raised": _raised(),
        "rule": _rule(),
        "floor": _floor(),
        "conflict": _conflict(),
        "acceptance": _acceptance(),
        "condition": condition(),
        "conditions": several(ref("condition"), "Conditions.", unique=False),
        "number_comparison": number_comparison(),
        "choice_comparison": choice_comparison(),
    }


def _source() -> Schema:
    marks = several(ref("text"), "How sure: V:key checked, V~:key checked in a secondary page, M from memory.", least=0)
    return {
        "description": "Where this comes from.",
        **an_object({"text": a_text("The source in words."), "marks": marks}, ["text"]),
    }


def _disposition() -> Schema:
    minutes = or_null({"type": "integer", "minimum": 0, "maximum": MAX_NUMBER})
    properties = {
        "level": {"enum": [level.word for level in Level], "description": "routine < monitor < urgent."},
        "act_within_minutes": minutes | {"description": "null: no limit; 0: now."},
        "title": a_text("In a few words."),
        "patient": a_text("What the patient is told."),
        "clinician": a_text("What the clinician is told."),
    }
    return an_object(properties, list(properties))


def _default() -> Schema:
    properties = {
        "disposition": a_text("The code of a disposition; never a routine one."),
        "reason": a_text("Why, in plain words."),
        "flags": ref("flags"),
    }
    return {"description": "When no rule is established.", **an_object(properties, ["disposition", "reason"])}


def _validity() -> Schema:
    minutes = {**ref("minutes"), "description": "A whole number of minutes."}
    sooner = an_object({"minutes": minutes, "when": ref("condition")}, ["minutes", "when"])
    properties = {
        "minutes": minutes,
        "sooner": {"description": "A shorter time, unless the condition is ruled out.", **sooner},
    }
    return {"description": "How long a result may be relied on.", **an_object(properties, ["minutes"])}


# --- inputs ---


def _input() -> Schema:
    properties = {
        "type": {"enum": [kind.value for kind in Kind], "description": "What sort of answer it takes."},
        "group": a_text("The heading that forms put it under."),
        "question": a_text("The question as it is asked."),
        "help": or_null(a_text("A line below the question.")),
        "asked_of": {
            "enum": [asked.value for asked in AskedOf],
            "description": "Who can answer; `service`: the service counts it, nobody is asked.",
        },
        "unit": or_null(a_text("The unit in UCUM, such as `Cel`, `a`, `mo`, `d`.")),
        "minimum": {**ref("number"), "description": "Smaller answers are refused, never clamped."},
        "maximum": {**ref("number"), "description": "Larger answers are refused, never clamped."},
        "looks_like": several(ref("looks_like"), "Hints for refused numbers.", unique=False),
        "choices": named(
            CHOICE.pattern,
            ref("choice"),
            "Value: label. `unknown` is always accepted; don't list it.",
            least=1,
        )
        | {"propertyNames": {"pattern": whole_text(CHOICE.pattern), "not": {"const": "unknown"}}},
        "max_length": {"type": "integer", "minimum": 1, "maximum": MAX_TEXT, "description": "In characters."},
        "codes": several(ref("code"), "Codes of terminologies.", least=0, unique=False),
    }
    return {**an_object(properties, ["type", "group", "question"]), "allOf": _by_kind()}


def _by_kind() -> list[Schema]:
    """Which keys go with which type."""
    numbers, number_keys = (Kind.NUMBER, Kind.INTEGER), ("unit", "minimum", "maximum", "looks_like")
    return [
        _goes_with(numbers, number_keys, ()),
        _goes_with((Kind.CHOICE,), ("choices",), ("choices",)),
        _goes_with((Kind.TEXT,), ("max_length",), ("max_length",)),
        {
            "if": {"required": ["type"], "properties": {"type": {"const": Kind.INTEGER.value}}},
            "then": {"properties": {"minimum": {"type": "integer"}, "maximum": {"type": "integer"}}},
        },
        {
            "if": {"required": ["asked_of"], "properties": {"asked_of": {"const": AskedOf.SERVICE.value}}},
            "then": {"properties": {"type": {"enum": sorted(set(SERVICE_COUNTS.values()))}}},
        },
    ]


def _goes_with(kinds: tuple[Kind, ...], keys: tuple[str, ...], required: tuple[str, ...]) -> Schema:
    schema: Schema = {
        "if": {"properties": {"type": {"enum": [kind.value for kind in kinds]}}},
        "else": {"not": {"anyOf": [{"required": [key]} for key in keys]}},
    }
    return schema | ({"then": {"required": list(required)}} if required else {})


def _choice() -> Schema:
    label = a_text("The label as forms show it.")
    means_open = {"type": "boolean", "description": "Choosing it leaves the question open, as `not tried yet` does."}
    return {"anyOf": [label, an_object({"label": label, "means_open": means_open}, ["label"])]}


def _looks_like() -> Schema:
    properties = {
        "minimum": {**ref("number"), "description": "The hint is for refused numbers from here, this one included,"},
        "maximum": {**ref("number"), "description": "up to here, this one included."},
        "hint": a_text("What the number looks like, such as `this looks like degrees Fahrenheit`."),
    }
    return an_object(properties, list(properties))


def _code() -> Schema:
    properties = {
        "system": a_text("LOINC, SNOMED CT and the like."),
        "code": a_text("The code, in quotes if it is all digits."),
        "mark": or_null({"enum": list(CODE_MARKS), "description": "c: seen in a stored list, s: sure, u: unsure."}),
    }
    return an_object(properties, ["system", "code"])


def _mention() -> Schema:
    properties = {
        "text": {**ref("name"), "description": "The text input that is searched."},
        "phrases": several(ref("text"), "Upper and lower case and blanks don't count."),
        "says": a_text("The statement in plain words."),
    }
    return an_object(properties, list(properties))


def _mandatory() -> Schema:
    only_when = {**ref("condition"), "description": "Mandatory only then."}
    one = an_object({"finding": ref("name"), "when": only_when}, ["finding"])
    any_of = several(ref("name"), "An answer to one of these is enough.")
    return {"anyOf": [ref("name"), one, an_object({"any_of": any_of, "when": only_when}, ["any_of"])]}


# --- statements and rules ---


def _inference() -> Schema:
    properties = {
        "id": or_null({**ref("id"), "description": "An id used nowhere else, such as `D01`."}),
        "says": a_text("The statement in plain words."),
        "when": {**ref("condition"), "description": "May be left out if rules infer this statement."},
        "source": ref("source"),
    }
    return an_object(properties, ["says"])


def _raised() -> Schema:
    to = a_text("The code of a more urgent disposition.")
    return an_object({"to": to, "when": ref("condition")}, ["to", "when"])


def _common() -> Schema:
    return {
        "title": a_text("The rule in a few words."),
        "when": {**ref("condition"), "description": "The rule is established if this is true."},
        "disposition": a_text("The code of a disposition."),
        "raised": several(ref("raised"), "Can only raise: the most urgent that holds counts.", unique=False),
        "reason": a_text("Why, in plain words."),
        "clinician_note": or_null(a_text("A word for clinicians.")),
        "flags": ref("flags"),
        "source": ref("source"),
        "owner": or_null(a_text("Who answers for the rule, if not the ruleset's owner.")),
        "review_by": or_null({**ref("date"), "description": "If not the day of the whole ruleset."}),
    }


def _rule() -> Schema:
    own = {
        "section": or_null(a_text("The heading that listings put it under.")),
        "infers": or_null({**ref("name"), "description": "The statement that holds if the condition is true."}),
        "clinician_only": {"type": "boolean", "description": "true: the reason never reaches patient text."},
    }
    return an_object(_common() | own, ["title", "when", "disposition", "reason", "source"])


def _floor() -> Schema:
    code = a_text("The code of a disposition of that level.")
    levels = {level.word: code for level in (Level.MONITOR, Level.URGENT)}
    own = {"raise_one": {"description": "One level up instead of a fixed floor.", **an_object(levels, list(levels))}}
    either = [
        {"required": ["disposition"], "not": {"required": ["raise_one"]}},
        {"required": ["raise_one"], "not": {"anyOf": [{"required": ["disposition"]}, {"required": ["raised"]}]}},
    ]
    return {**an_object(_common() | own, ["title", "when", "reason", "source"]), "anyOf": either}


def _conflict() -> Schema:
    properties = {
        "when": ref("condition"),
        "says": a_text("What contradicts what, and which answer was taken."),
        "findings": several(ref("name"), "The inputs that contradict each other."),
    }
    return an_object(properties, list(properties))


def _acceptance() -> Schema:
    types = [found.value for found in FindingType if found.is_acceptable]
    properties = {
        "finding": {"enum": types, "description": "The type of the finding, as `triage check` names it."},
        "of": several(ref("text"), "What it is about: ids of rules, names of statements, inputs or groups."),
        "reason": a_text("Why it is meant so."),
    }
    return an_object(properties, list(properties))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(ruleset_json_schema(), indent=2) + "\n")
