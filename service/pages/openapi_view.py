"""The OpenAPI document as the reference page shows it: calls, curl commands, types and fields."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from service.http.problem_types import PROBLEMS

Json = dict[str, Any]

SCHEMAS = "#/components/schemas/"
LIMITS = ("format", "minimum", "maximum", "minLength", "maxLength", "pattern")


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter, or a member of a JSON object named by its path from the top."""

    name: str
    schema: Json
    is_required: bool
    text: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """A method and a path, with all parameters."""

    method: str
    path: str
    operation: Json
    parameters: list[Json]

    @property
    def anchor(self) -> str:
        """Return the id on the page. Links to single calls of the former Swagger UI page have the same form."""
        return f"/{self.operation['tags'][0]}/{self.operation['operationId']}"

    @property
    def scopes(self) -> list[str]:
        """Return the scopes of which a key needs one."""
        return [scope for way in self.operation["security"] for scope in way.get("key", ())]

    @property
    def needs_key(self) -> bool:
        """Return whether the service rejects this call without a key."""
        return all("key" in way for way in self.operation["security"] or [{}])

    def fields(self) -> Iterator[Field]:
        """Yield the parameters."""
        for parameter in self.parameters:
            text, is_required = parameter.get("description", ""), parameter.get("required", False)
            yield Field(parameter["name"], parameter["schema"], is_required, text, parameter["in"])

    def responses(self, *, problems: bool) -> list[tuple[str, Json]]:
        """Return the statuses with their responses: either the problems or the others."""
        responses = sorted(self.operation["responses"].items())
        return [(status, response) for status, response in responses if _is_problem(response) == problems]


class OpenapiView:
    """An OpenAPI document to be shown; `base` is the service's address."""

    def __init__(self, document: Json, base: str) -> None:
        self.document = document
        self.calls = list(_calls(document["paths"]))
        self._base = base.rstrip("/")
        self._examples = dict(_examples(self.calls))

    def groups(self) -> Iterator[tuple[Json, list[Call]]]:
        """Yield each tag with its calls."""
        for tag in self.document["tags"]:
            yield tag, [call for call in self.calls if call.operation["tags"] == [tag["name"]]]

    def schemas(self) -> list[tuple[str, Json]]:
        """Return the schemas that calls refer to, and those that these refer to, by name."""
        used: Json = {}
        names = list(_references(self.document["paths"]))
        for name in names:
            if name not in used:
                used[name] = self.document["components"]["schemas"][name]
                names += _references(used[name])
        return sorted(used.items())

    def curl(self, call: Call) -> str:
        """Return a shell command that makes the call; `$KEY` and the path's parameters are variables."""
        address = self._base + re.sub(r"{(\w+)}", lambda name: "$" + name[1].upper(), call.path)
        parts = [f'curl -i "{address}"' if call.method == "GET" else f'curl -i -X {call.method} "{address}"']
        if call.needs_key:
            parts.append('-H "Authorization: Bearer $KEY"')
        examples = [
            (parameter["name"], value)
            for parameter in call.parameters
            for value in parameter.get("examples", {}).values()
        ]
        parts += ["-H " + shlex.quote(f"{name}: {example['value']}") for name, example in examples]
        bodies = call.operation.get("requestBody", {}).get("content", {})
        if bodies:
            media_type, content = next(iter(bodies.items()))
            indent = None if "ndjson" in media_type else 2
            body = json.dumps(self.example(content["schema"]), indent=indent, ensure_ascii=False)
            parts += ["-H " + shlex.quote(f"Content-Type: {media_type}"), "-d " + shlex.quote(body)]
        return " \\\n  ".join(parts)

    def example(self, schema: Json) -> object:
        """Return the document's own example, or an object with the required members."""
        name = _name(schema)
        if name in self._examples:
            return self._examples[name]
        if name:
            schema = self.document["components"]["schemas"][name]
        if "properties" not in schema:
            return "…"
        return {member: self.example(schema["properties"][member]) for member in schema.get("required", ())}


def fields(schema: Json, prefix: str = "") -> Iterator[Field]:
    """Yield the members of an object, each followed by the members of what it holds."""
    required = schema.get("required", ())
    for name, part in schema.get("properties", {}).items():
        path = prefix + name
        yield Field(path, part, name in required, " ".join(filter(None, (part.get("title"), part.get("description")))))
        yield from fields(part, f"{path}.")
        yield from fields(part.get("items", {}), f"{path}[].")
        if isinstance(part.get("additionalProperties"), dict):
            yield from fields(part["additionalProperties"], f"{path}.*.")


def type_of(schema: Json) -> Markup:
    """Return a type in short, with links to schemas."""
    match schema:
        case {"$ref": _}:
            return Markup('<a href="#schema-{0}"><code>{0}</code></a>').format(_name(schema))
        case {"enum": values}:
            return Markup(" | ").join(map(_json, values))
        case {"const": value}:
            return _json(value)
        case {"type": "array", "items": items}:
            return Markup("array of {}").format(type_of(items))
        case {"type": "object", "additionalProperties": dict(values)} if values:
            return Markup("object of {}").format(type_of(values))
        case {"type": kind}:
            return escape(" | ".join([kind] if isinstance(kind, str) else kind)) + _limits(schema)
        case {"anyOf": options}:
            return Markup(" | ").join(map(type_of, options))
    return Markup("any")


def prose(text: str) -> Markup:
    """Return a text whose backticks mark code; the codes of problems are links."""
    pieces = text.split("`")
    return Markup("").join(_code(piece) if number % 2 else escape(piece) for number, piece in enumerate(pieces))


def _code(text: str) -> Markup:
    code = Markup("<code>{}</code>").format(text)
    return Markup('<a href="{}">{}</a>').format(PROBLEMS[text].type, code) if text in PROBLEMS else code


def _json(value: object) -> Markup:
    return Markup("<code>{}</code>").format(json.dumps(value, ensure_ascii=False))


def _limits(schema: Json) -> Markup:
    limits = [Markup("{} <code>{}</code>").format(name, schema[name]) for name in LIMITS if name in schema]
    return Markup(" ({})").format(Markup(", ").join(limits)) if limits else Markup("")


def _calls(paths: Mapping[str, Json]) -> Iterator[Call]:
    for path, item in paths.items():
        shared = item.get("parameters", [])
        for method, operation in item.items():
            if method != "parameters":
                yield Call(method.upper(), path, operation, [*shared, *operation.get("parameters", [])])


def _examples(calls: list[Call]) -> Iterator[tuple[str, object]]:
    """Yield the name of each schema that a body gives an example of, and its first example."""
    for call in calls:
        for content in call.operation.get("requestBody", {}).get("content", {}).values():
            for example in list(content.get("examples", {}).values())[:1]:
                yield _name(content["schema"]), example["value"]


def _references(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        if "$ref" in part:
            yield _name(part)
        for value in part.values():
            yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)


def _name(schema: Json) -> str:
    return str(schema.get("$ref", "")).removeprefix(SCHEMAS)


def _is_problem(response: Json) -> bool:
    return "application/problem+json" in response.get("content", {})
