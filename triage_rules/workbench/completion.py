"""Completion at a place of a draft: the words of the language by its JSON Schema, and the draft's own names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from triage_rules.assurance.cases.reading import CASES_FILE, WANTED
from triage_rules.assurance.properties.schema import properties_json_schema
from triage_rules.interview.personas import PERSONAS_FILE
from triage_rules.interview.personas_schema import personas_json_schema
from triage_rules.interview.vignettes import VIGNETTES_FILE
from triage_rules.interview.vignettes_schema import vignettes_json_schema
from triage_rules.language.model import Level
from triage_rules.language.reading import FILE_NAME
from triage_rules.language.reading.places import Faults, data_of
from triage_rules.language.reading.schema import ruleset_json_schema
from triage_rules.language.reading.yaml_text import tree_of_yaml
from triage_rules.workbench.draft import Files
from triage_rules.workbench.text_index import ITEM, Where, locate, sections

Json = dict[str, Any]

MOST = 400
"""Number of options that are returned."""

INFO_MAX = 200
LEVELS = tuple(level.word for level in Level)


@dataclass(frozen=True, slots=True)
class CompletionOption:
    """Option of a completion. `detail`: its kind; `info`: its meaning, in the words of the draft or the schema."""

    label: str
    detail: str
    info: str = ""
    is_key: bool = False


@dataclass(frozen=True, slots=True)
class Completion:
    """Options to replace the word that begins at column `start` (1-based)."""

    start: int
    options: tuple[CompletionOption, ...]


def complete(files: Files, file: str, line: int, column: int) -> Completion | None:
    """Return the options at a place; None if the place can't be completed."""
    place = locate(files.get(file, ""), line, column)
    if place is None:
        return None
    names = _Names(files, file)
    parts = _follow(_schema(file), place.path)
    options: list[CompletionOption] = []
    if place.is_key is not False:
        options += [*_keys(parts), *names.keys(parts)]
    if place.is_key is not True:
        before = "\n".join([*files[file].split("\n")[: line - 1], files[file].split("\n")[line - 1][: column - 1]])
        options += [*_values(parts), *names.values(place, parts, before)]
    matching = [option for option in options if option.label.startswith(place.word[:1]) and option.label != place.word]
    unique = {option.label: option for option in matching}
    return Completion(place.start, tuple(unique.values())[:MOST])


# --- the language ---


@dataclass(frozen=True, slots=True)
class _Part:
    """Schema that applies at the place, and the name of its definition."""

    schema: Json
    name: str


@cache
def _schema(file: str) -> Json:
    match file:
        case "ruleset.yaml":
            return ruleset_json_schema()
        case "properties.yaml":
            return properties_json_schema()
        case "personas.yaml":
            return personas_json_schema()
        case "vignettes.yaml":
            return vignettes_json_schema()
        case _:
            return CASES


def _follow(root: Json, path: tuple[str, ...]) -> list[_Part]:
    parts = list(_expand(root, root, ""))
    for step in path:
        parts = [inner for part in parts for below in _below(part, step) for inner in _expand(root, below, "")]
    return parts


def _below(part: _Part, step: str) -> Iterator[Json]:
    if step == ITEM:
        if "items" in part.schema:
            yield part.schema["items"]
        return
    named = part.schema.get("properties", {}).get(step)
    others = part.schema.get("additionalProperties")
    if named is not None:
        yield named
    elif isinstance(others, dict):
        yield others


def _expand(root: Json, schema: Json, name: str) -> Iterator[_Part]:
    """Yield the schema and its alternatives, with references followed."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        yield from _expand(root, root["$defs"][name], name)
        return
    yield _Part(schema, name)
    for alternative in schema.get("anyOf", ()):
        yield from _expand(root, alternative, name)


def _keys(parts: Iterable[_Part]) -> Iterator[CompletionOption]:
    for part in parts:
        needed = () if part.name == "condition" else part.schema.get("required", ())
        for key, below in part.schema.get("properties", {}).items():
            yield CompletionOption(key, "required" if key in needed else "", below.get("description", ""), is_key=True)


def _values(parts: Iterable[_Part]) -> Iterator[CompletionOption]:
    for part in parts:
        description = part.schema.get("description", "")
        values = [*part.schema.get("enum", ()), *([part.schema["const"]] if "const" in part.schema else ())]
        for value in values:
            yield CompletionOption(str(value), "value", description)
        if part.schema.get("type") == "boolean":
            yield from (CompletionOption(word, "value", description) for word in ("true", "false"))
        if part.schema.get("type") == "null":
            yield CompletionOption("null", "value", "Nothing.")


# --- the draft's own names ---

_SAYS = re.compile(r"\b(?:question|says|title): *(.+)")
_TYPE = re.compile(r"\btype: *(\w+)")
_GROUP = re.compile(r"\bgroup: *([\w-]+)")
_FLAGS = re.compile(r"\bflags: *\[([^\]\n]*)\]")
_INFERS = re.compile(r"\binfers: *(\w+)")

_FINDING = re.compile(r"\bfinding: *(\w+)")

INPUTS, STATEMENTS, RULES, DISPOSITIONS, CONFLICTS, BASES, GROUPS, FLAGS, PANELS = (
    "input", "statement", "rule", "disposition", "conflict", "base", "group", "flag", "panel",
)  # fmt: skip

_BY_KEY: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("disposition", "to", "disposition_at_least", "wanted", "mildest", "gravest"), (DISPOSITIONS,)),
    **dict.fromkeys(
        (
            "open",
            "finding",
            "findings",
            "any_of",
            "mandatory",
            "text",
            "without",
            "ask",
            "then_ask",
            "ask_includes",
            "open_elsewhere_includes",
        ),
        (INPUTS,),
    ),
    **dict.fromkeys(
        ("ask_excludes", "missing", "refused", "answering", "leaving_open", "routine_only_if_answered"), (INPUTS,)
    ),
    **dict.fromkeys(("fires", "silent", "hidden_from_patient", "unless_fires"), (RULES,)),
    "lines": (INPUTS,),
    **dict.fromkeys(("first", "then"), (PANELS, INPUTS)),
    "infers": (STATEMENTS,),
    "conflicts": (CONFLICTS,),
    "base": (BASES,),
    "group": (GROUPS,),
    "flags": (FLAGS,),
    "of": (RULES, STATEMENTS, INPUTS),
    "never": (DISPOSITIONS,),
}
"""Kinds of names that the values under a key may be. `of` can also hold conditions, which offer names anyway."""


class _Names:
    """Names of a draft, searched line by line: a draft that can't be parsed has names too."""

    def __init__(self, files: Files, file: str) -> None:
        self._text = files.get(FILE_NAME, "")
        self._rules = sections(self._text)
        people = {PERSONAS_FILE: "personas", VIGNETTES_FILE: "vignettes"}
        own = sections(files.get(file if file in people else CASES_FILE, ""))
        self._bases = own.get("bases", {})
        if file == VIGNETTES_FILE:
            self._bases = sections(files.get(PERSONAS_FILE, "")).get("bases", {}) | self._bases
        groups_in = own.get(people[file], {}) if file in people else self._rules.get("inputs", {})
        self._by_kind: dict[str, Callable[[], Iterator[CompletionOption]]] = {
            INPUTS: lambda: self._listed("inputs", INPUTS),
            STATEMENTS: self._statements,
            RULES: lambda: (option for part in ("rules", "safety_net") for option in self._listed(part, RULES)),
            DISPOSITIONS: lambda: self._listed("dispositions", DISPOSITIONS),
            CONFLICTS: lambda: self._listed("conflicts", CONFLICTS),
            BASES: lambda: (CompletionOption(name, BASES) for name in self._bases),
            GROUPS: lambda: self._words(groups_in, _GROUP, GROUPS),
            FLAGS: self._flags,
            PANELS: lambda: self._listed("panels", PANELS),
        }  # fmt: skip

    def keys(self, parts: list[_Part]) -> Iterator[CompletionOption]:
        """Yield names for a key: in a condition the inputs that can be compared, in a case all inputs."""
        names = {part.name for part in parts}
        if not names & {"condition", "answers"}:
            return
        for name, block in self._rules.get("inputs", {}).items():
            if "answers" in names or _kind(block) in ("number", "integer", "choice"):
                yield CompletionOption(name, INPUTS, _description(block), is_key=True)

    def values(self, place: Where, parts: list[_Part], before: str) -> Iterator[CompletionOption]:
        """Yield names for a value at this place. `before`: the text up to it."""
        keys = [step for step in place.path if step != ITEM]
        if any(part.name == "condition" for part in parts):
            yield from self._statements()
            yield from self._yes_no_inputs()
            yield from self._listed("mentions", "mention")
        key = keys[-1] if keys else ""
        if key in ("is", "in") and len(keys) > 1:
            yield from self._choices(keys[-2])
        elif key in ("otherwise", "expected") and keys[0] == "inputs":
            yield from self._choices(keys[1])
        elif key == "none_means" and (findings := _FINDING.findall(before)):
            yield from self._choices(findings[-1])
        elif any(part.name == "answer" for part in parts):
            yield from self._choices(key)
        elif keys == ["scope", "question"]:
            yield from self._yes_no_inputs()
        elif not any(part.name == "condition" for part in parts) and [*keys[:1], key] != ["panels", "text"]:
            for kind in _BY_KEY.get(key, ()):
                yield from self._by_kind[kind]()

    def _listed(self, section: str, kind: str) -> Iterator[CompletionOption]:
        yield from (
            CompletionOption(name, kind, _description(block)) for name, block in self._rules.get(section, {}).items()
        )

    def _yes_no_inputs(self) -> Iterator[CompletionOption]:
        for name, block in self._rules.get("inputs", {}).items():
            if _kind(block) == "yes_no":
                yield CompletionOption(name, INPUTS, _description(block))

    def _statements(self) -> Iterator[CompletionOption]:
        yield from self._listed("inferences", STATEMENTS)
        for block in self._rules.get("rules", {}).values():
            if match := _INFERS.search(block):
                yield CompletionOption(match[1], STATEMENTS, _description(block))

    def _flags(self) -> Iterator[CompletionOption]:
        for listed in _FLAGS.findall(self._text):
            yield from (CompletionOption(flag.strip(), FLAGS) for flag in listed.split(","))

    def _words(self, entries: Json, pattern: re.Pattern[str], kind: str) -> Iterator[CompletionOption]:
        blocks = entries.values()
        yield from (CompletionOption(match[1], kind) for block in blocks if (match := pattern.search(block)))

    def _choices(self, name: str) -> Iterator[CompletionOption]:
        """Yield the answers of an input."""
        block = self._rules.get("inputs", {}).get(name, "")
        if _kind(block) == "yes_no":
            yield from (CompletionOption(word, "answer") for word in ("true", "false"))
        data = data_of(tree_of_yaml(block.encode(), FILE_NAME, Faults()))
        read = data.get(name) if isinstance(data, dict) else None
        choices = read.get("choices") if isinstance(read, dict) else None
        for value, label in (choices if isinstance(choices, dict) else {}).items():
            text = label.get("label", "") if isinstance(label, dict) else label
            yield CompletionOption(value, "answer", str(text))


def _kind(block: str) -> str:
    match = _TYPE.search(block)
    return match[1] if match else ""


def _description(block: str) -> str:
    match = _SAYS.search(block)
    return match[1].strip().strip("\"'")[:INFO_MAX] if match else ""


# --- cases, which have no schema of their own ---

_NAMES: Json = {"type": "array", "items": {"type": "string"}}
_EXPECTED: Json = dict.fromkeys(WANTED, _NAMES) | {
    "level": {"enum": LEVELS},
    "could_be": {"enum": LEVELS},
    "determined": {"type": "boolean"},
    "disposition": {"type": "string"},
    "act_within_minutes": {"type": "integer"},
}
CASES: Json = {
    "properties": {
        "bases": {"description": "Named sets of answers.", "additionalProperties": {"$ref": "#/$defs/answers"}},
        "cases": {"description": "Worked cases.", "items": {"$ref": "#/$defs/case"}},
    },
    "$defs": {
        "answers": {"additionalProperties": {"$ref": "#/$defs/answer"}},
        "answer": {},
        "case": {
            "required": ["id", "expect"],
            "properties": {
                "id": {"description": "Unique name."},
                "note": {"description": "Purpose of the case, in plain words."},
                "base": {"description": "Named set of answers that the case starts from."},
                "findings": {"$ref": "#/$defs/answers"},
                "without": {**_NAMES, "description": "Answers of the base to leave out."},
                "history": {
                    "description": "Counts of earlier reports by the service.",
                    "properties": {
                        "reports_last_48h": {"type": "integer"},
                        "highest_level_24h": {"enum": [*LEVELS, "none"]},
                    },
                },
                "expect": {"description": "Expected result.", "properties": _EXPECTED},
            },
        },
    },
}
