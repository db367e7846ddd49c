"""The reference page shows the description in full: every call, type, link, and a command that works."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest

from service.boot.app import create_app
from service.pages.openapi_view import OpenapiView, fields, prose, type_of
from tests.support.services.http_calls import Caller, check
from triage_rules.foundation.settings import Settings
from triage_rules.store.redis import RedisStore

METHODS = ("get", "post", "put", "patch", "delete")
NO_SUCH_CALL = (400, 401, 405, 413, 415)
"""The statuses that a command gets if its address, headers or type of body are wrong."""


@pytest.fixture
def page(http: Caller) -> str:
    return http.get("/docs").get_data(as_text=True)


def operations(description: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in description["paths"].items():
        yield from ((method, path, item[method]) for method in METHODS if method in item)


def commands(http: Caller) -> list[tuple[Any, dict[str, Any]]]:
    """Every call with its curl command, read as a shell and curl read it."""
    view = OpenapiView(http.description, "http://localhost")
    return [(call, read_command(view.curl(call))) for call in view.calls]


def read_command(command: str) -> dict[str, Any]:
    words = iter(shlex.split(command))
    read: dict[str, Any] = {"method": "GET", "headers": {}, "data": None}
    assert next(words) == "curl"
    for word in words:
        match word:
            case "-i":
                pass
            case "-X":
                read["method"] = next(words)
            case "-H":
                name, _, value = next(words).partition(": ")
                read["headers"][name] = value
            case "-d":
                read["data"] = next(words).encode()
            case _:
                read["path"] = word.removeprefix("http://localhost")
    return read


def test_the_page_shows_every_call(http: Caller, page: str) -> None:
    """A call that isn't listed is found by nobody."""
    titles = [" ".join(re.sub(r"<[^>]+>", "", title).split()) for title in re.findall(r"<h3.*?</h3>", page)]
    for method, path, operation in operations(http.description):
        assert titles.count(f"{method.upper()} {path}") == 1
        assert str(prose(operation["summary"])) in page


def test_the_page_shows_every_parameter_response_and_field(http: Caller, page: str) -> None:
    """Each schema that a call refers to is shown too, with the inputs of the live rulesets."""
    for _, _, operation in operations(http.description):
        section = page[page.index(f'id="/{operation["tags"][0]}/{operation["operationId"]}"') :]
        section = section[: section.index("</section>")]
        for parameter in operation.get("parameters", []):
            assert f"<dt><code>{parameter['name']}</code>" in section
        for status, response in operation["responses"].items():
            assert f"<dt><code>{status}</code></dt>" in section
            assert str(prose(response["description"])) in section
    shown = dict(OpenapiView(http.description, "").schemas())
    assert set(http.description["components"]["schemas"]) - set(shown) == {"Error", "PaginationMetadata"}
    for name, schema in shown.items():
        section = page[page.index(f'id="schema-{name}"') :]
        section = section[: section.index("</section>")]
        for field in fields(schema):
            assert f"<dt><code>{field.name}</code>" in section
    assert "temperature_c" in page[page.index('id="schema-Findings-glass-test"') :]


def test_every_link_of_the_page_leads_somewhere(http: Caller, page: str) -> None:
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    for address in {unescape(link) for link in re.findall(r'(?:href|src)="([^"]+)"', page)}:
        if address.startswith("#"):
            assert address[1:] in ids, address
        else:
            with http.client.get(address) as response:
                assert response.status_code == 200, address


def test_every_command_makes_its_call(http: Caller) -> None:
    """As it is shown, with the variables of its path filled in; and its body fits the description."""
    for call, command in commands(http):
        path = (
            command["path"].replace("$REPORT_ID", "0" * 32).replace("$NAME", "glass-test").replace("$CODE", "internal")
        )
        assert "$" not in path
        assert command["method"] == call.method
        response = http(command["method"], path, headers=command["headers"], data=command["data"])
        assert response.status_code not in NO_SUCH_CALL, (command, response.get_data(as_text=True))
        assert (command["data"] is not None) == ("requestBody" in call.operation)
        for content in call.operation.get("requestBody", {}).get("content", {}).values():
            body = json.loads(command["data"])
            body.get("findings", {}).clear()  # the example is of red-dots, which isn't live here
            check(content["schema"], body, http.description)


def test_commands_take_a_key_where_one_is_required(http: Caller, settings: Settings, store: RedisStore) -> None:
    """Only there, and only of calls that need one."""
    assert not any("Authorization" in command["headers"] for _, command in commands(http))
    closed = Settings(redis_url=settings.redis_url, data_dir=settings.data_dir, auth=True, pages_secret="s" * 32)
    for call, command in commands(Caller(create_app(closed, store))):
        expected = "Bearer $KEY" if call.operation["security"] else None
        assert command["headers"].get("Authorization") == expected


def test_no_type_of_the_description_is_shown_as_any(http: Caller) -> None:
    """A construct that the page doesn't know would be shown as `any`; only `details` of the audit log has no type."""
    schemas = OpenapiView(http.description, "").schemas()
    unknown = {
        field.name for _, schema in schemas for field in fields(schema) if "any" in type_of(field.schema).split()
    }
    assert unknown == {"details"}


@pytest.mark.parametrize(
    ("schema", "shown"),
    [
        ({"$ref": "#/components/schemas/Fault"}, '<a href="#schema-Fault"><code>Fault</code></a>'),
        ({"enum": [True, "a<b", None]}, "<code>true</code> | <code>&#34;a&lt;b&#34;</code> | <code>null</code>"),
        ({"const": "ok"}, "<code>&#34;ok&#34;</code>"),
        ({"type": ["string", "null"], "format": "date-time"}, "string | null (format <code>date-time</code>)"),
        ({"type": "integer", "minimum": 1, "maximum": 9}, "integer (minimum <code>1</code>, maximum <code>9</code>)"),
        ({"type": "array", "items": {"type": "string"}}, "array of string"),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "object of number"),
        ({"type": "object", "additionalProperties": {}}, "object"),
        ({"anyOf": [{"type": "number"}, {"const": 0}]}, "number | <code>0</code>"),
        ({}, "any"),
    ],
    ids=str,
)  # fmt: skip
def test_a_type_is_shown_in_short(schema: dict[str, Any], shown: str) -> None:
    assert str(type_of(schema)) == shown


def test_texts_are_escaped_and_codes_of_problems_are_links() -> None:
    assert str(prose("<b> `a&b` `not-found`")) == (
        '&lt;b&gt; <code>a&amp;b</code> <a href="/problems/not-found"><code>not-found</code></a>'
    )
