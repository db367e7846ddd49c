"""The OpenAPI description is valid, complete and true: every call, and every answer that it promises, is provoked here."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis
from flask import Flask
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from werkzeug.test import TestResponse

from service.boot.app import create_app
from service.http.api_keys import PAGES
from service.http.problem_types import PROBLEMS
from tests.support.actors import TESTER
from tests.support.paths import GLASS_TEST
from tests.support.services.http_calls import ROUTINE, URGENT, Caller, Worker, glass_test, working
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.foundation.errors import EngineError
from triage_rules.foundation.schemas import schema_names
from triage_rules.foundation.settings import Settings
from triage_rules.language.bundle import Bundle
from triage_rules.records.api_keys import Scope, make_key
from triage_rules.records.reports import Lane, NewReport
from triage_rules.store.redis import RedisStore

ROOT = Path(__file__).resolve().parent.parent.parent
GUIDE = (ROOT / "docs/reference/http-api.md").read_text(encoding="utf-8")
JSON = {"Content-Type": "application/json"}
NDJSON = {"Content-Type": "application/x-ndjson"}


@dataclass
class World:
    """What an answer is provoked with."""

    http: Caller
    store: RedisStore
    worker: Worker
    redis: redis.Redis
    settings: Settings
    monkeypatch: pytest.MonkeyPatch

    def posted(self) -> str:
        return str(self.http.post("/v1/reports", json={"findings": URGENT}).headers["Location"])

    def away(self, *, key: bool = False) -> Caller:
        """A caller of an app whose Redis is away; with a `key` if keys are required."""
        settings = Settings(
            redis_url="redis://127.0.0.1:1/0", data_dir=self.settings.data_dir, auth=key, pages_secret="s" * 32
        )
        return Caller(create_app(settings), make_key("form", Scope, 0)[0] if key else None)

    def without_secret(self) -> Caller:
        """A caller of an app that has nothing to sign links with."""
        return Caller(create_app(replace(self.settings, pages_secret=""), self.store))

    def failing(self) -> None:
        def fail(*_: object) -> None:
            raise EngineError("zq7marker")

        self.monkeypatch.setattr(Evaluator, "_run", fail)

    def unchanged(self, path: str) -> TestResponse:
        return self.http.get(path, headers={"If-None-Match": self.http.get(path).headers["ETag"]})


def reported(w: World, findings: dict[str, Any] = URGENT) -> TestResponse:
    with working(w.worker, w.redis):
        return w.http.post("/v1/reports", json={"findings": findings}, headers={"Prefer": "wait=5"})


def failed(w: World) -> TestResponse:
    w.failing()
    return w.http.post("/v1/evaluate", json={"findings": URGENT})


def ready(w: World) -> TestResponse:
    w.store.health.record_heartbeat("one", time.time_ns() // 1_000_000)
    return w.http.get("/readyz")


def rolled_back(w: World) -> TestResponse:
    w.store.rulesets.deploy("glass-test", "2.0.0", "sha256:0", b"{}", time.time_ns() // 1_000_000, by=TESTER)
    return w.http.post("/v1/rulesets/glass-test/rollback")


def of_several(w: World) -> TestResponse:
    for client in ("clinic-1", "clinic-2"):
        w.store.reports.accept(a_report_of(w, client))
    return w.http.post("/v1/erasures", json={"subject": "x"})


def a_report_of(w: World, client: str) -> NewReport:
    digest = w.worker.evaluator.digest
    now = time.time_ns() // 1_000_000
    return NewReport(f"{client:0>32}", "glass-test", digest, {}, Lane.NORMAL, now, "x", client=client)


def followed_up(w: World, *, method: str, path: str, status: int) -> TestResponse:
    """What people do about a report, answered by that status."""
    http = w.away() if status == 503 else w.http
    report_id = NOBODY if status in (404, 503) else w.posted().rpartition("/")[2]
    if status < 300:
        w.worker.bury(report_id)
    at = f"/v1/{path}".format(report_id=report_id) + ("?x" if status == 400 else "")
    return http(method, at)


FILES = {"files": {name: (GLASS_TEST / name).read_text(encoding="utf-8") for name in ("ruleset.yaml", "cases.yaml")}}
HUGE = b" " * 70_000
NOBODY = "0" * 32
FORM_LINK = {"ruleset": "glass-test", "return_to": "https://clinic.example/", "framed_by": "https://clinic.example"}
PROVOKED: dict[tuple[str, str, str], Callable[[World], TestResponse]] = {
    ("POST", "/v1/reports", "200"): reported,
    ("POST", "/v1/reports", "202"): lambda w: w.http.post("/v1/reports", json={"findings": ROUTINE}),
    ("POST", "/v1/reports", "400"): lambda w: w.http.post("/v1/reports", data=b"{", headers=JSON),
    ("POST", "/v1/reports", "413"): lambda w: w.http.post("/v1/reports", data=HUGE, headers=JSON),
    ("POST", "/v1/reports", "415"): lambda w: w.http.post("/v1/reports", data=b"{}"),
    ("POST", "/v1/reports", "422"): lambda w: w.http.post("/v1/reports", json={}),
    ("POST", "/v1/reports", "503"): lambda w: w.away().post("/v1/reports", json={"findings": {}}),
    ("POST", "/v1/reports/batch", "202"): lambda w: w.http.post(
        "/v1/reports/batch", data=b'{"findings": {}}\n{}\n{', headers=NDJSON
    ),
    ("POST", "/v1/reports/batch", "400"): lambda w: w.http.post("/v1/reports/batch?x", data=b"{}", headers=NDJSON),
    ("POST", "/v1/reports/batch", "413"): lambda w: w.http.post(
        "/v1/reports/batch", data=b" " * 8_388_609, headers=NDJSON
    ),
    ("POST", "/v1/reports/batch", "415"): lambda w: w.http.post("/v1/reports/batch", data=b"{}", headers=JSON),
    ("POST", "/v1/reports/batch", "422"): lambda w: w.http.post("/v1/reports/batch", data=b"", headers=NDJSON),
    ("POST", "/v1/reports/batch", "503"): lambda w: w.away().post(
        "/v1/reports/batch", data=b'{"findings": {}}', headers=NDJSON
    ),
    ("GET", "/v1/reports/{report_id}", "200"): lambda w: w.http.get(w.posted()),
    ("GET", "/v1/reports/{report_id}", "304"): lambda w: w.unchanged(w.posted()),
    ("GET", "/v1/reports/{report_id}", "400"): lambda w: w.http.get(f"/v1/reports/{NOBODY}?x"),
    ("GET", "/v1/reports/{report_id}", "404"): lambda w: w.http.get(f"/v1/reports/{NOBODY}"),
    ("GET", "/v1/reports/{report_id}", "405"): lambda w: w.http.get("/v1/reports/batch"),
    ("GET", "/v1/reports/{report_id}", "503"): lambda w: w.away().get(f"/v1/reports/{NOBODY}"),
    ("POST", "/v1/evaluate", "200"): lambda w: w.http.post("/v1/evaluate", json={"findings": URGENT}),
    ("POST", "/v1/evaluate", "400"): lambda w: w.http.post("/v1/evaluate", data=b"{", headers=JSON),
    ("POST", "/v1/evaluate", "413"): lambda w: w.http.post("/v1/evaluate", data=HUGE, headers=JSON),
    ("POST", "/v1/evaluate", "415"): lambda w: w.http.post("/v1/evaluate", data=b"{}"),
    ("POST", "/v1/evaluate", "422"): lambda w: w.http.post("/v1/evaluate", json={}),
    ("POST", "/v1/evaluate", "500"): failed,
    ("POST", "/v1/evaluate", "503"): lambda w: w.away().post("/v1/evaluate", json={"findings": {}}),
    ("POST", "/v1/form-links", "201"): lambda w: w.http.post("/v1/form-links", json=FORM_LINK),
    ("POST", "/v1/form-links", "400"): lambda w: w.http.post("/v1/form-links", data=b"{", headers=JSON),
    ("POST", "/v1/form-links", "404"): lambda w: w.http.post("/v1/form-links", json={"ruleset": "none"}),
    ("POST", "/v1/form-links", "409"): lambda w: w.without_secret().post("/v1/form-links", json=FORM_LINK),
    ("POST", "/v1/form-links", "413"): lambda w: w.http.post("/v1/form-links", data=HUGE, headers=JSON),
    ("POST", "/v1/form-links", "415"): lambda w: w.http.post("/v1/form-links", data=b"{}"),
    ("POST", "/v1/form-links", "422"): lambda w: w.http.post("/v1/form-links", json={}),
    ("POST", "/v1/form-links", "503"): lambda w: w.away().post("/v1/form-links", json=FORM_LINK),
    ("GET", "/v1/rulesets", "200"): lambda w: w.http.get("/v1/rulesets"),
    ("GET", "/v1/rulesets", "400"): lambda w: w.http.get("/v1/rulesets?x"),
    ("GET", "/v1/rulesets", "503"): lambda w: w.away().get("/v1/rulesets"),
    ("GET", "/v1/rulesets/{name}", "200"): lambda w: w.http.get("/v1/rulesets/glass-test"),
    ("GET", "/v1/rulesets/{name}", "304"): lambda w: w.unchanged("/v1/rulesets/glass-test"),
    ("GET", "/v1/rulesets/{name}", "400"): lambda w: w.http.get("/v1/rulesets/glass-test?x"),
    ("GET", "/v1/rulesets/{name}", "404"): lambda w: w.http.get("/v1/rulesets/none"),
    ("GET", "/v1/rulesets/{name}", "503"): lambda w: w.away().get("/v1/rulesets/glass-test"),
    ("GET", "/v1/rulesets/{name}/schema", "200"): lambda w: w.http.get("/v1/rulesets/glass-test/schema"),
    ("GET", "/v1/rulesets/{name}/schema", "304"): lambda w: w.unchanged("/v1/rulesets/glass-test/schema"),
    ("GET", "/v1/rulesets/{name}/schema", "400"): lambda w: w.http.get("/v1/rulesets/glass-test/schema?x"),
    ("GET", "/v1/rulesets/{name}/schema", "404"): lambda w: w.http.get("/v1/rulesets/none/schema"),
    ("GET", "/v1/rulesets/{name}/schema", "503"): lambda w: w.away().get("/v1/rulesets/glass-test/schema"),
    ("GET", "/livez", "200"): lambda w: w.away().get("/livez"),
    ("GET", "/readyz", "200"): ready,
    ("GET", "/readyz", "503"): lambda w: w.http.get("/readyz"),
    ("GET", "/v1/status", "200"): lambda w: w.http.get("/v1/status"),
    ("GET", "/v1/status", "400"): lambda w: w.http.get("/v1/status?x"),
    ("GET", "/v1/status", "503"): lambda w: w.away().get("/v1/status"),
    ("GET", "/metrics", "200"): lambda w: w.http.get("/metrics"),
    ("GET", "/metrics", "503"): lambda w: w.away(key=True).get("/metrics"),
    ("POST", "/v1/deployments", "200"): lambda w: w.http.post("/v1/deployments", json=FILES),
    ("POST", "/v1/deployments", "400"): lambda w: w.http.post("/v1/deployments", data=b"{", headers=JSON),
    ("POST", "/v1/deployments", "413"): lambda w: w.http.post("/v1/deployments", data=b" " * 8_388_609, headers=JSON),
    ("POST", "/v1/deployments", "415"): lambda w: w.http.post("/v1/deployments", data=b"{}"),
    ("POST", "/v1/deployments", "422"): lambda w: w.http.post("/v1/deployments", json={}),
    ("POST", "/v1/deployments", "503"): lambda w: w.away().post("/v1/deployments", json=FILES),
    ("POST", "/v1/rulesets/{name}/rollback", "200"): rolled_back,
    ("POST", "/v1/rulesets/{name}/rollback", "400"): lambda w: w.http.post("/v1/rulesets/glass-test/rollback?x"),
    ("POST", "/v1/rulesets/{name}/rollback", "404"): lambda w: w.http.post("/v1/rulesets/none/rollback"),
    ("POST", "/v1/rulesets/{name}/rollback", "409"): lambda w: w.http.post("/v1/rulesets/glass-test/rollback"),
    ("POST", "/v1/rulesets/{name}/rollback", "503"): lambda w: w.away().post("/v1/rulesets/glass-test/rollback"),
    ("POST", "/v1/erasures", "200"): lambda w: w.http.post("/v1/erasures", json={"subject": "x"}),
    ("POST", "/v1/erasures", "400"): lambda w: w.http.post("/v1/erasures", data=b"{", headers=JSON),
    ("POST", "/v1/erasures", "409"): of_several,
    ("POST", "/v1/erasures", "413"): lambda w: w.http.post("/v1/erasures", data=HUGE, headers=JSON),
    ("POST", "/v1/erasures", "415"): lambda w: w.http.post("/v1/erasures", data=b"{}"),
    ("POST", "/v1/erasures", "422"): lambda w: w.http.post("/v1/erasures", json={}),
    ("POST", "/v1/erasures", "503"): lambda w: w.away().post("/v1/erasures", json={"subject": "x"}),
    ("GET", "/v1/dead-letters", "200"): lambda w: w.http.get("/v1/dead-letters"),
    ("GET", "/v1/dead-letters", "400"): lambda w: w.http.get("/v1/dead-letters?x"),
    ("GET", "/v1/dead-letters", "503"): lambda w: w.away().get("/v1/dead-letters"),
    **{
        (method, f"/v1/{path}", str(status)): partial(followed_up, method=method, path=path, status=status)
        for method, path in (
            ("POST", "reports/{report_id}/acknowledgement"),
            ("DELETE", "reports/{report_id}/acknowledgement"),
            ("POST", "dead-letters/{report_id}/redrive"),
        )
        for status in (202 if "redrive" in path else 200, 400, 404, 409, 503)
    },
    ("GET", "/v1/audit", "200"): lambda w: w.http.get("/v1/audit"),
    ("GET", "/v1/audit", "400"): lambda w: w.http.get("/v1/audit?x"),
    ("GET", "/v1/audit", "503"): lambda w: w.away().get("/v1/audit"),
    ("GET", "/openapi.json", "200"): lambda w: w.http.get("/openapi.json"),
    ("GET", "/openapi.json", "304"): lambda w: w.unchanged("/openapi.json"),
    ("GET", "/docs", "200"): lambda w: w.http.get("/docs"),
    ("GET", "/problems/", "200"): lambda w: w.http.get("/problems/"),
    ("GET", "/problems/{code}", "200"): lambda w: w.http.get("/problems/report-refused"),
    ("GET", "/problems/{code}", "404"): lambda w: w.http.get("/problems/none"),
    ("GET", "/schemas/{name}", "200"): lambda w: w.http.get("/schemas/result.schema.json"),
    ("GET", "/schemas/{name}", "304"): lambda w: w.unchanged("/schemas/ruleset.schema.json"),
    ("GET", "/schemas/{name}", "404"): lambda w: w.http.get("/schemas/none.schema.json"),
}


@pytest.fixture
def world(
    http: Caller,
    store: RedisStore,
    deployed: Bundle,
    redis_client: redis.Redis,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> World:
    return World(http, store, Worker(store, deployed), redis_client, settings, monkeypatch)


@pytest.mark.parametrize("key", PROVOKED, ids=" ".join)
def test_every_described_answer_is_given_as_described(key: tuple[str, str, str], world: World) -> None:
    """Status by status. The caller holds type, shape and headers against the description."""
    response = PROVOKED[key](world)
    assert str(response.status_code) == key[2]


def test_every_described_answer_is_provoked_here(http: Caller) -> None:
    """`default` is any other problem; tests/unit/test_service_problems.py has it. test_http_keys.py has the others."""
    described = {
        (method.upper(), route, status)
        for route, operations in http.description["paths"].items()
        for method, operation in operations.items()
        if method != "parameters"
        for status in operation["responses"]
        if status not in ("default", "401", "403", "429")
    }
    assert described == set(PROVOKED)


def test_every_route_is_described(http_app: Flask, http: Caller) -> None:
    """Static files are no call, nor are pages for people."""
    routes = {
        (rule.rule.replace("<", "{").replace(">", "}"), method.lower())
        for rule in http_app.url_map.iter_rules()
        for method in rule.methods or ()
        if rule.endpoint not in {"static", *PAGES} and method not in ("HEAD", "OPTIONS")
    }
    described = {
        (route, method)
        for route, operations in http.description["paths"].items()
        for method in operations
        if method != "parameters"
    }
    assert routes == described


def test_the_description_is_valid_openapi_3_1(http: Caller) -> None:
    """By the specification's own meta-schema, references and examples too."""
    assert http.description["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(http.description).validate()


def parts_of(told: object, schemas: dict[str, Any]) -> set[str]:
    """Names of the schemas that `told` refers to, and of those that these refer to."""
    found: set[str] = set()
    todo = [told]
    for part in todo:  # it grows meanwhile
        if isinstance(part, dict):
            name = str(part.get("$ref", "")).removeprefix("#/components/schemas/").partition("/")[0]
            if name and name not in found:
                found.add(name)
                todo.append(schemas[name])
            todo += part.values()
        elif isinstance(part, list):
            todo += part
    return found


def test_answers_may_get_further_fields_and_bodies_may_not(http: Caller) -> None:
    """As docs/reference/http-api.md announces: whoever makes a client from the description isn't stopped by a field that is new."""
    schemas = http.description["components"]["schemas"]
    operations = [
        operation
        for operations in http.description["paths"].values()
        for method, operation in operations.items()
        if method != "parameters"
    ]
    answers = parts_of([operation["responses"] for operation in operations], schemas)
    bodies = parts_of([operation.get("requestBody") for operation in operations], schemas)
    assert {"ReportOut", "Fault", "Problem", "Outcome", "Result", "DeadLetterOut"} <= answers
    assert {"Report", "Findings-glass-test", "ErasureIn", "FormLinkIn", "FilesIn"} <= bodies
    assert not answers & bodies
    for name in answers:
        assert '"additionalProperties": false' not in json.dumps(schemas[name]), name
    for name in bodies:
        assert schemas[name]["additionalProperties"] is False, name


def test_no_problem_of_a_call_is_described_twice(http: Caller) -> None:
    """What two groups of problems share is one problem."""
    for operations in http.description["paths"].values():
        for method, operation in operations.items():
            for answer in operation["responses"].values() if method != "parameters" else ():
                codes = re.findall(r"`([a-z-]+)`: ", answer["description"])
                assert len(codes) == len(set(codes)), (operation["operationId"], codes)


def test_what_a_key_of_a_batch_means_is_described_beside_it(http: Caller) -> None:
    """Another than beside a single report: it goes by places."""

    def told(path: str) -> str:
        (key,) = [
            one for one in http.description["paths"][path]["post"]["parameters"] if one["name"] == "Idempotency-Key"
        ]
        return str(key["description"])

    assert "the line's number in the body; blank lines count" in told("/v1/reports/batch")
    assert "rejected before that body is checked" in told("/v1/reports")
    for path in ("/v1/reports", "/v1/reports/batch"):
        assert "Keys of batches and keys of single reports are independent" in told(path)


def test_the_description_is_valid_without_any_ruleset(world: World) -> None:
    """Also while the store is away, or before the first deployment."""
    description = world.away().description
    OpenAPIV31SpecValidator(description).validate()
    assert description["components"]["schemas"]["Report"]["properties"]["findings"]["type"] == "object"


def test_the_findings_of_live_rulesets_are_described(http: Caller) -> None:
    """So that a generated client, and /docs, know the fields."""
    schemas = http.description["components"]["schemas"]
    assert schemas["Report"]["properties"]["findings"]["anyOf"] == [
        {"$ref": "#/components/schemas/Findings-glass-test"}
    ]
    assert "temperature_c" in schemas["Findings-glass-test"]["properties"]


def test_a_result_is_described_by_the_schema_of_the_stream(http: Caller) -> None:
    """What A gets by HTTP and B from the stream is one thing, with one description."""
    published = json.loads((ROOT / "triage_rules" / "schemas" / "result.schema.json").read_text(encoding="utf-8"))
    described = http.description["components"]["schemas"]
    assert described["ReportOut"]["properties"]["result"] == {"$ref": "#/components/schemas/Result"}
    assert described["Result"]["required"] == published["required"]


def test_bodies_that_fit_the_description_are_accepted_and_others_are_not(http: Caller) -> None:
    """The description of the request says what the service does."""
    schema = {"$ref": "#/components/schemas/Report", "components": http.description["components"]}
    validator = Draft202012Validator(schema)
    bodies: list[object] = [
        {"findings": {}},
        {"findings": URGENT, "subject": "x" * 128, "ruleset": "glass-test"},
        {"findings": ROUTINE | {"itchy": "unknown"}},
        {"findings": {"itchy": "yes"}},
        {"findings": {"temperature_c": 101.3}},
        {"findings": {}, "subject": ""},
        {"findings": {}, "subject": None},
        {"findings": {}, "more": 1},
        {"findings": []},
        {},
        [],
    ]
    for body in bodies:
        assert validator.is_valid(body) == (http.post("/v1/reports", json=body).status_code == 202), body


def test_every_type_of_problem_has_its_page(http: Caller) -> None:
    """A type is an address; an engineer may open it."""
    for problem in PROBLEMS.values():
        page = http.get(problem.type).get_data(as_text=True)
        assert problem.title.replace("'", "&#39;") in page
    page = http.get("/problems/").get_data(as_text=True)
    assert all(problem.type in page for problem in PROBLEMS.values())


def test_the_description_and_the_guide_name_every_schema(http: Caller) -> None:
    """By name: nothing lists them over HTTP."""
    described = http.description["paths"]["/schemas/{name}"]["get"]["description"]
    [row] = [line for line in GUIDE.splitlines() if line.startswith("| `GET /schemas/")]
    for name in schema_names():
        assert f"`{name}`" in described
        assert f"`{name}`" in row


# --- links to forms ---


def test_a_refused_link_gets_every_fault_at_once(http: Caller) -> None:
    """Whatever finds them: the schema, the link itself, or the live rulesets."""
    wrong = {"ruleset": "none", "return_to": "ftp://clinic.example", "framed_by": 1, "expires_in_days": 0, "colour": 1}
    refused = http.post("/v1/form-links", json=wrong)
    problem = refused.get_json(force=True)
    assert (refused.status_code, problem["type"]) == (422, "/problems/form-link-invalid")
    assert {fault["pointer"] for fault in problem["errors"]} == {
        *("/ruleset", "/return_to", "/framed_by", "/expires_in_days", ""),
    }


@pytest.mark.parametrize("body", [[], "x", {"ruleset": None}, {"ruleset": "glass-test", "subject": "\n"}])
def test_a_link_needs_an_object_with_possible_values(http: Caller, body: Any) -> None:
    refused = http.post("/v1/form-links", json=body)
    assert (refused.status_code, len(refused.get_json(force=True)["errors"])) == (422, 1)


# --- rulesets ---


def test_a_ruleset_shows_what_it_asks_and_how_it_decides(http: Caller, deployed: Bundle) -> None:
    """Inputs, rules, sources, and that nobody has approved it."""
    told = http.get("/v1/rulesets/glass-test").get_json()

    assert (told["name"], told["version"], told["digest"]) == ("glass-test", "1.0.0", deployed.digest)
    assert (told["approved_by"], told["approval"]) == (None, "no clinician has approved it")
    assert {one["name"] for one in told["inputs"]} >= {"age_years", "blanches_on_pressure", "free_text"}
    assert [(one["id"], one["level"], one["source"]) for one in told["rules"]] == [
        ("R08", "urgent", "for tests"),
        ("R67", "routine", "for tests"),
    ]
    assert [(one["id"], one["level"]) for one in told["safety_net"]] == [("S11", "monitor"), ("S12", None)]
    assert told["document"] == json.loads(deployed.data)["ruleset"]


def test_the_list_of_rulesets_says_what_is_live(http: Caller, deployed: Bundle) -> None:
    """One line for each, with where to go on."""
    (told,) = http.get("/v1/rulesets").get_json()["rulesets"]
    assert told["digest"] == deployed.digest
    assert http.get(told["links"]["self"]).status_code == http.get(told["links"]["schema"]).status_code == 200


def test_the_schema_of_findings_is_a_json_schema(http: Caller) -> None:
    """Forms may check by it before they post."""
    response = http.get("/v1/rulesets/glass-test/schema")
    schema = json.loads(response.get_data())
    Draft202012Validator.check_schema(schema)
    assert response.mimetype == "application/schema+json"
    assert Draft202012Validator(schema).is_valid(URGENT)
    assert not Draft202012Validator(schema).is_valid({"temperature_c": "38.5"})


# --- operations ---


def test_readiness_says_what_is_missing(http: Caller, store: RedisStore, settings: Settings, world: World) -> None:
    """One after the other: Redis, ruleset, worker."""
    now = time.time_ns() // 1_000_000

    def missing(caller: Caller) -> list[str]:
        return [fault["pointer"] for fault in caller.get("/readyz").get_json(force=True).get("errors", [])]

    checks = ("redis", "encryption", "writes", "queue", "rulesets", "workers")
    assert missing(world.away()) == [f"/checks/{name}" for name in checks]
    assert missing(http) == ["/checks/workers"]
    store.health.record_heartbeat("one", now - 31_000)
    assert missing(http) == ["/checks/workers"]
    store.health.record_heartbeat("one", now)
    assert missing(http) == []
    bundle = glass_test()
    store.rulesets.deploy("broken", "1.0.0", "sha256:0", bundle.data, now, by=TESTER)
    time.sleep(0.25)
    assert missing(http) == ["/checks/rulesets"]


def test_whoever_refuses_every_post_is_not_ready(http: Caller, store: RedisStore, world: World) -> None:
    """By the same limit as accepting, and with the name of what failed."""

    def failed() -> list[str]:
        checks = http.get("/readyz").get_json(force=True)["checks"]
        return [name for name, check in checks.items() if not check["ok"]]

    store.health.record_heartbeat("one", time.time_ns() // 1_000_000)
    report_id = world.posted().rpartition("/")[2]
    assert failed() == []
    world.redis.config_set("maxmemory", 1)
    try:
        assert http.post("/v1/reports", json={"findings": {}}).status_code == 503
        assert failed() == ["writes"]
    finally:
        world.redis.config_set("maxmemory", 0)
    for queue in ("triage:pending", "triage:pending:urgent"):
        world.redis.zadd(queue, {report_id: time.time_ns() // 1_000_000 - 301_000})
    assert http.post("/v1/reports", json={"findings": {}}).status_code == 503
    assert failed() == ["queue"]


def test_before_the_first_deployment_the_service_is_not_ready(store: RedisStore, settings: Settings) -> None:
    """A ruleset must be live."""
    store.health.record_heartbeat("one", time.time_ns() // 1_000_000)
    told = Caller(create_app(settings, store)).get("/readyz").get_json(force=True)
    assert told["type"] == "/problems/not-ready"
    assert [name for name, check in told["checks"].items() if not check["ok"]] == ["rulesets"]


def test_the_status_says_what_is_live_and_that_nobody_approved_it(http: Caller, store: RedisStore) -> None:
    """Whoever looks at the service learns it there."""
    store.health.record_heartbeat("worker-1", time.time_ns() // 1_000_000)
    http.post("/v1/reports", json={"findings": {}})

    told = http.get("/v1/status").get_json()

    assert told["rulesets"][0]["approved_by"] is None
    assert told["rulesets"][0]["approval"] == "no clinician has approved it"
    assert (told["backlog"]["pending"], told["backlog"]["dead"], told["backlog"]["results"]) == (1, 0, 0)
    assert told["workers"] == ["worker-1"]
    assert told["limits"]["report_bytes"] == 65_536


def test_metrics_count_what_happened(http: Caller) -> None:
    """Accepted by lane, refused by reason, what waits, how long answers took."""
    http.post("/v1/reports", json={"findings": URGENT})
    http.post("/v1/reports", json={"findings": ROUTINE})
    http.post("/v1/reports", json={"findings": {"itchy": "yes"}})
    http.post("/v1/reports", data=b"{", headers=JSON)
    http.post("/v1/reports/batch", data=b'{"findings": {}}\n{"findings": 1}\n{', headers=NDJSON)
    http.post("/v1/evaluate", json={"findings": URGENT})
    http.post("/v1/evaluate", json={"findings": {"itchy": "yes"}})
    http.get("/nowhere/zq7marker")

    lines = http.get("/metrics").get_data(as_text=True).splitlines()

    assert 'triage_reports_accepted_total{lane="urgent",ruleset="glass-test"} 1.0' in lines
    assert 'triage_reports_accepted_total{lane="normal",ruleset="glass-test"} 2.0' in lines
    assert 'triage_reports_refused_total{reason="report-refused"} 2.0' in lines
    assert 'triage_reports_refused_total{reason="unreadable"} 2.0' in lines
    assert 'triage_evaluations_total{level="urgent",ruleset="glass-test"} 1.0' in lines
    assert "triage_reports_pending 3.0" in lines
    assert "triage_ledger_up 1.0" in lines
    assert any(
        line.startswith('triage_http_request_seconds_count{method="POST",route="/v1/reports",status="202"}')
        for line in lines
    )
    assert not any("zq7marker" in line for line in lines)


def test_metrics_count_levels_and_disagreements_of_workers(world: World) -> None:
    """Whoever settled them: the counts are the store's, and an alarm on disagreement can be set."""
    for findings in (URGENT, URGENT, ROUTINE):
        reported(world, findings)
    lines = world.http.get("/metrics").get_data(as_text=True).splitlines()

    assert 'triage_settled_total{level="urgent"} 2.0' in lines
    assert 'triage_settled_total{level="routine"} 1.0' in lines
    assert "triage_engine_disagreements_total 0.0" in lines
    assert world.http.get("/v1/status").get_json()["settled"] == {"urgent": 2, "routine": 1}


def test_metrics_are_there_while_redis_is_away(world: World) -> None:
    """An alarm must be able to say so."""
    lines = world.away().get("/metrics").get_data(as_text=True).splitlines()
    assert "triage_ledger_up 0.0" in lines
