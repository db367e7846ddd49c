"""The JSON Schema of ruleset files, with which editors complete and check while a person types.

The schema checks the form. Only reading checks names, bounds and circles: reading rejects every file that the schema
rejects, and more. `python -m triage_rules.language.reading.schema` prints it.
"""

from __future__ import annotations

import json
import sys

from triage_rules.foundation.contacts import COUNTRY, LONGEST
from triage_rules.language.check_types import CheckType
from triage_rules.language.model import MAX_NUMBER, SERVICE_COUNTS, AskedOf, InputKind, Level
from triage_rules.language.reading import LANGUAGE, RULESET_NAME, SEMVER
from triage_rules.language.reading.conditions import RESERVED
from triage_rules.language.reading.contacts import DEFAULT
from triage_rules.language.reading.fragments import USES, fragment_names
from triage_rules.language.reading.inputs import CODE_MARKS, MAX_TEXT
from triage_rules.language.reading.messages import CHOICE, DATE, DISPOSITION, LANGUAGE_TAG, NAME, RULE_ID
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
from triage_rules.language.reading.screens import MOST_LINES, MOST_TOGETHER


def ruleset_json_schema() -> Schema:
    """Return the JSON Schema 2020-12 for a ruleset file, with titles and descriptions for editors."""
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


_OPTIONAL = (
    "approved_by",
    "approved_on",
    USES,
    "contacts",
    "mentions",
    "panels",
    "screens",
    "scope",
    "mandatory",
    "inferences",
    "safety_net",
    "conflicts",
    "accepts",
)


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
        "title": a_text("The title that people read."),
        "description": a_text("The purpose, in a sentence or two."),
        "owner": a_text("The person responsible; a rule may name its own."),
        "review_by": {**ref("date"), "description": "The date of the next review at the latest."},
        "approved_by": or_null(a_text("The clinician who approved it; null: no one has, and every result says so.")),
        "approved_on": or_null({**ref("date"), "description": "The date of the approval; null if there is none."}),
    }


def _sections() -> Schema:
    return {
        "dispositions": named(
            DISPOSITION.pattern, ref("disposition"), "Instructions with a time limit, most urgent first.", least=1
        ),
        "default": ref("default"),
        "validity": ref("validity"),
        USES: several({"enum": fragment_names()}, "Shared parts, read as if they stood here.", least=0),
        "contacts": _contacts(),
        "always": {
            "description": "Texts on every result.",
            **an_object(
                {"patient": a_text("For the patient."), "clinician": a_text("For the clinician.")},
                ["patient", "clinician"],
            ),
        },
        "inputs": named(NAME.pattern, ref("input"), "The questions, in the order of asking.", least=1)
        | {"propertyNames": ref("name")},
        "mentions": named(NAME.pattern, ref("mention"), "Yes/no statements on texts: they contain one of the phrases.")
        | {"propertyNames": ref("name")},
        "panels": named(NAME.pattern, ref("panel"), "Several inputs on one screen, with \u201cnone of these\u201d."),
        "screens": _screens(),
        "scope": _scope(),
        "mandatory": several(
            ref("mandatory"),
            "Routine needs an answer to each of these; while one is open, `mandatory_open` is true.",
            least=0,
            unique=False,
        ),
        "inferences": named(NAME.pattern, ref("inference"), "Statements drawn from answers or other statements.")
        | {"propertyNames": ref("name")},
        "rules": named(RULE_ID.pattern, ref("rule"), "Conditions that lead to a disposition.", least=1),
        "safety_net": named(RULE_ID.pattern, ref("floor"), "Floors: applied after the rules, they only raise."),
        "conflicts": named(RULE_ID.pattern, ref("conflict"), "Answers that contradict each other."),
        "accepts": several(ref("acceptance"), "Findings of `triage check` that are accepted.", least=0, unique=False),
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
        "relevance": _relevance(),
        "answer": {"type": ["boolean", "number", "string"]},
        "mention": _mention(),
        "panel": _panel(),
        "panel_line": _panel_line(),
        "shared_screen": several(ref("name"), "Inputs that share a screen.") | {"maxItems": MOST_TOGETHER},
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
    marks = several(
        ref("text"), "Certainty: V:key checked, V~:key checked in a secondary page, M from memory.", least=0
    )
    return {
        "description": "The origin of this knowledge.",
        **an_object({"text": a_text("The source in words."), "marks": marks}, ["text"]),
    }


def _disposition() -> Schema:
    minutes = or_null({"type": "integer", "minimum": 0, "maximum": MAX_NUMBER})
    properties = {
        "level": {"enum": [level.word for level in Level], "description": "routine < monitor < urgent."},
        "act_within_minutes": minutes | {"description": "null: no limit; 0: now."},
        "title": a_text("The instruction in a few words."),
        "patient": a_text("The text for the patient."),
        "clinician": a_text("The text for the clinician."),
    }
    return an_object(properties, list(properties))


def _default() -> Schema:
    properties = {
        "disposition": a_text("The code of a disposition; never a routine one."),
        "reason": a_text("The reason in plain words."),
        "flags": ref("flags"),
    }
    return {"description": "The result if no rule is established.", **an_object(properties, ["disposition", "reason"])}


def _validity() -> Schema:
    minutes = {**ref("minutes"), "description": "A whole number of minutes."}
    sooner = an_object({"minutes": minutes, "when": ref("condition")}, ["minutes", "when"])
    properties = {
        "minutes": minutes,
        "sooner": {"description": "A shorter time, unless the condition is ruled out.", **sooner},
    }
    return {"description": "The time that a result is valid.", **an_object(properties, ["minutes"])}


def _contacts() -> Schema:
    text = a_text("The text in place of the name.") | {"maxLength": LONGEST, "pattern": r"^[^{}]*\S[^{}]*$"}
    keys = {"anyOf": [{"const": DEFAULT}, {"pattern": whole_text(COUNTRY.pattern)}]}
    contact = {"type": "object", "required": ["default"], "propertyNames": keys, "additionalProperties": text}
    about = "Texts by country (ISO 3166-1), which stand for {name} in other texts."
    return named(NAME.pattern, contact, about) | {"propertyNames": ref("name")}


# --- inputs ---


def _input() -> Schema:
    properties = {
        "type": {"enum": [kind.value for kind in InputKind], "description": "The type of the answers."},
        "group": a_text("The heading above the question in forms."),
        "question": a_text("The question."),
        "help": or_null(a_text("A line below the question.")),
        "asked_of": {
            "enum": [asked.value for asked in AskedOf],
            "description": "The people who can answer; `service`: the service counts it, no one is asked.",
        },
        "unit": or_null(a_text("The unit in UCUM, such as `Cel`, `a`, `mo`, `d`.")),
        "minimum": {**ref("number"), "description": "Smaller answers are rejected, never clamped."},
        "maximum": {**ref("number"), "description": "Larger answers are rejected, never clamped."},
        "looks_like": several(ref("looks_like"), "Hints for rejected numbers.", unique=False),
        "choices": named(
            CHOICE.pattern,
            ref("choice"),
            "Value: label. `unknown` is always accepted; don't list it.",
            least=1,
        )
        | {"propertyNames": {"pattern": whole_text(CHOICE.pattern), "not": {"const": "unknown"}}},
        "max_length": {"type": "integer", "minimum": 1, "maximum": MAX_TEXT, "description": "In characters."},
        "codes": several(ref("code"), "Codes of terminologies.", least=0, unique=False),
        "relevant": {**ref("relevance"), "description": "When the question makes sense."},
        "available_if": {
            **ref("condition"),
            "description": "Asked only once this is true.",
        },
        "expected": {**ref("answer"), "description": "The commonest answer; affects only the order of asking."},
    }
    return {**an_object(properties, ["type", "group", "question"]), "allOf": _by_kind()}


def _by_kind() -> list[Schema]:
    """Return the keys that each type allows and requires."""
    numbers, number_keys = (InputKind.NUMBER, InputKind.INTEGER), ("unit", "minimum", "maximum", "looks_like")
    return [
        _goes_with(numbers, number_keys, ()),
        _goes_with((InputKind.CHOICE,), ("choices",), ("choices",)),
        _goes_with((InputKind.TEXT,), ("max_length",), ("max_length",)),
        {
            "if": {"required": ["type"], "properties": {"type": {"const": InputKind.INTEGER.value}}},
            "then": {"properties": {"minimum": {"type": "integer"}, "maximum": {"type": "integer"}}},
        },
        {
            "if": {"required": ["asked_of"], "properties": {"asked_of": {"const": AskedOf.SERVICE.value}}},
            "then": {"properties": {"type": {"enum": sorted(set(SERVICE_COUNTS.values()))}}},
        },
    ]


def _goes_with(kinds: tuple[InputKind, ...], keys: tuple[str, ...], required: tuple[str, ...]) -> Schema:
    schema: Schema = {
        "if": {"properties": {"type": {"enum": [kind.value for kind in kinds]}}},
        "else": {"not": {"anyOf": [{"required": [key]} for key in keys]}},
    }
    return schema | ({"then": {"required": list(required)}} if required else {})


def _choice() -> Schema:
    label = a_text("The label in forms.")
    means_open = {"type": "boolean", "description": "Choosing it leaves the question open, as `not tried yet` does."}
    return {"anyOf": [label, an_object({"label": label, "means_open": means_open}, ["label"])]}


def _looks_like() -> Schema:
    properties = {
        "minimum": {**ref("number"), "description": "The smallest rejected number that gets this hint."},
        "maximum": {**ref("number"), "description": "The largest rejected number that gets this hint."},
        "hint": a_text("The likely mistake, such as `this looks like degrees Fahrenheit`."),
    }
    return an_object(properties, list(properties))


def _code() -> Schema:
    properties = {
        "system": a_text("The terminology, such as LOINC or SNOMED CT."),
        "code": a_text("The code, in quotes if it is all digits."),
        "mark": or_null({"enum": list(CODE_MARKS), "description": "c: seen in a stored list, s: sure, u: unsure."}),
    }
    return an_object(properties, ["system", "code"])


def _mention() -> Schema:
    properties = {
        "text": {**ref("name"), "description": "The text input that is searched."},
        "phrases": _phrases(),
        "says": a_text("The statement in plain words."),
    }
    return an_object(properties, list(properties))


def _phrases() -> Schema:
    phrases = several(ref("text"), "The phrases; case, accents, apostrophes, hyphens and blanks don't count.")
    by_language = {
        **named(LANGUAGE_TAG.pattern, phrases, "The phrases by language; all are looked for in every text.", least=1),
        "properties": {
            "en": {**phrases, "description": "English phrases, British and American."},
            "de": {**phrases, "description": "German phrases."},
        },
    }
    description = "The phrases, as one list or by language."
    return {"description": description, "anyOf": [phrases, by_language]}


def _relevance() -> Schema:
    properties = {
        "when": {**ref("condition"), "description": "The question makes sense while this is not ruled out."},
        "otherwise": {
            **ref("answer"),
            "description": "The answer where it makes no sense; else it stays open.",
        },
    }
    return an_object(properties, ["when"])


def _panel() -> Schema:
    properties = {
        "question": a_text("The question above the lines."),
        "section": or_null(a_text("The heading of this part of the interview.")),
        "immediate_danger": {
            "type": "boolean",
            "description": "true: signs that need help now; always asked.",
        },
        "lines": several(ref("panel_line"), "The lines to tick.") | {"maxItems": MOST_LINES},
    }
    return an_object(properties, ["question", "lines"])


def _panel_line() -> Schema:
    properties = {
        "finding": ref("name"),
        "none_means": {**ref("answer"), "description": "A choice's harmless value, where the line does not apply."},
        "text": or_null(a_text("The line as people read it, if not the input's question.")),
    }
    return {"anyOf": [ref("name"), an_object(properties, ["finding"])]}


def _screens() -> Schema:
    screen = {"anyOf": [ref("name"), ref("shared_screen")]}
    properties = {
        "first": several(screen, "The screens to begin with: panels, or lists of inputs.", least=0),
        "then": several(screen, "Further screens; of several that matter, the first comes first.", least=0),
    }
    return {"description": "How an interview is put on screens.", **an_object(properties, [])}


def _scope() -> Schema:
    properties = {
        "question": {**ref("name"), "description": "The yes/no input that asks it, on a `first` screen."},
        "disposition": a_text("The code of a disposition after the no; never a routine one."),
        "reason": a_text("The reason in plain words."),
        "then_ask": several(ref("name"), "Inputs that are still asked after the no.", least=0),
    }
    required = ["question", "disposition", "reason"]
    return {
        "description": "What these questions are for; an explicit no ends the interview.",
        **an_object(properties, required),
    }


def _mandatory() -> Schema:
    only_when = {**ref("condition"), "description": "Mandatory only if this is true."}
    single = an_object({"finding": ref("name"), "when": only_when}, ["finding"])
    any_of = several(ref("name"), "An answer to one of these is enough.")
    return {"anyOf": [ref("name"), single, an_object({"any_of": any_of, "when": only_when}, ["any_of"])]}


# --- statements and rules ---


def _inference() -> Schema:
    properties = {
        "id": or_null({**ref("id"), "description": "An id used nowhere else, such as `D01`."}),
        "says": a_text("The statement in plain words."),
        "when": {**ref("condition"), "description": "Optional if rules infer this statement."},
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
        "raised": several(
            ref("raised"), "Further outcomes that can only raise: the most urgent that is true counts.", unique=False
        ),
        "reason": a_text("The reason in plain words."),
        "clinician_note": or_null(a_text("A note for clinicians.")),
        "in_scope_only": {
            "type": "boolean",
            "description": "true: does not count after a no to the question of `scope`.",
        },
        "flags": ref("flags"),
        "source": ref("source"),
        "owner": or_null(a_text("The person responsible for the rule, if not the ruleset's owner.")),
        "review_by": or_null({**ref("date"), "description": "The date of the next review, if not the ruleset's."}),
    }


def _rule() -> Schema:
    own = {
        "section": or_null(a_text("The heading above the rule in lists.")),
        "infers": or_null({**ref("name"), "description": "The statement that is true if the condition is true."}),
        "clinician_only": {"type": "boolean", "description": "true: the reason is never shown to patients."},
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
        "says": a_text("The contradiction, and the answer that was used."),
        "findings": several(ref("name"), "The inputs that contradict each other."),
    }
    return an_object(properties, list(properties))


def _acceptance() -> Schema:
    types = [type_.value for type_ in CheckType if type_.is_acceptable]
    properties = {
        "finding": {"enum": types, "description": "The type of the finding, as `triage check` names it."},
        "of": several(
            ref("text"), "The subjects of the findings: ids of rules, names of statements, inputs or groups."
        ),
        "reason": a_text("The reason to accept it."),
    }
    return an_object(properties, list(properties))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(ruleset_json_schema(), indent=2) + "\n")
