"""API keys over HTTP: who gets in, what a key opens, whose reports are whose, and how often."""

from __future__ import annotations

import io
import itertools
import json
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis
from werkzeug.test import TestResponse

from service.boot.app import create_app
from tests.support.actors import TESTER
from tests.support.paths import GLASS_TEST
from tests.support.rulesets import glass_personas
from tests.support.services.http_calls import ROUTINE, URGENT, Caller, Worker, everything
from triage_rules.foundation.settings import Settings
from triage_rules.language.bundle import Bundle
from triage_rules.records.api_keys import Scope, make_key
from triage_rules.store.redis import RedisStore

NOBODY = "0" * 32
GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "http-api.md").read_text(encoding="utf-8")
OPEN = {"/livez", "/readyz", "/openapi.json", "/docs", "/problems/", "/problems/{code}", "/schemas/{name}"}
ANY = set(Scope)
NEEDED: dict[tuple[str, str], set[Scope]] = {
    ("POST", "/v1/reports"): {Scope.REPORT},
    ("POST", "/v1/reports/batch"): {Scope.REPORT},
    ("POST", "/v1/evaluate"): {Scope.REPORT},
    ("POST", "/v1/form-links"): {Scope.REPORT},
    ("GET", "/v1/reports/{report_id}"): {Scope.REPORT, Scope.READ},
    ("GET", "/v1/rulesets"): ANY,
    ("GET", "/v1/rulesets/{name}"): ANY,
    ("GET", "/v1/rulesets/{name}/schema"): ANY,
    ("GET", "/v1/status"): {Scope.READ},
    ("GET", "/metrics"): {Scope.READ},
    ("POST", "/v1/deployments"): {Scope.DEPLOY},
    ("POST", "/v1/rulesets/{name}/rollback"): {Scope.DEPLOY},
    ("POST", "/v1/erasures"): {Scope.ADMIN},
    ("GET", "/v1/dead-letters"): {Scope.ADMIN},
    ("POST", "/v1/dead-letters/{report_id}/redrive"): {Scope.ADMIN},
    ("POST", "/v1/reports/{report_id}/acknowledgement"): {Scope.READ},
    ("DELETE", "/v1/reports/{report_id}/acknowledgement"): {Scope.READ},
    ("GET", "/v1/audit"): {Scope.ADMIN},
}
CALLS = sorted(NEEDED)


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_the_guide_names_each_call_beside_its_scopes_and_by_itself(method: str, path: str) -> None:
    """A call that isn't there is found by nobody, or tried with the wrong key."""
    written = path.replace("{report_id}", "{id}")
    scopes, _, calls = GUIDE.partition("## Post a report")
    for scope in NEEDED[method, path] if NEEDED[method, path] != ANY else ():
        (row,) = re.findall(rf"^\| `{scope}` \|.*", scopes, re.MULTILINE)
        assert re.search(rf"`((GET|POST|DELETE) )?{re.escape(written)}`", row)
    shown = re.escape(written).replace(re.escape("{id}"), r"(\{id\}|[0-9a-f]{32})")
    assert re.search(rf"{shown}[`\s]", calls)


@dataclass
class Keys:
    """An app where keys are required, and what it takes to call it."""

    settings: Settings
    store: RedisStore

    def __post_init__(self) -> None:
        self.app = create_app(self.settings, self.store)
        self.stranger = Caller(self.app)

    def make(self, client: str, *scopes: Scope, **more: Any) -> str:
        """A new key; it works at once, whatever was asked for before."""
        made_ms = more.pop("made_ms", time.time_ns() // 1_000_000)
        text, key = make_key(client, scopes, made_ms, **more)
        self.store.api_keys.add(key, by=TESTER)
        self.ask_anew()
        return text

    def ask_anew(self) -> None:
        """As after half a second."""
        self.app.extensions["triage"].keyring._kept = (float("-inf"), {})

    def caller(self, client: str, *scopes: Scope, **more: Any) -> Caller:
        return Caller(self.app, self.make(client, *scopes, **more))


@pytest.fixture
def keys(settings: Settings, store: RedisStore, deployed: Bundle) -> Keys:
    return Keys(Settings(redis_url=settings.redis_url, data_dir=settings.data_dir, auth=True), store)


def path_of(route: str) -> str:
    return route.replace("{report_id}", NOBODY).replace("{name}", "glass-test").replace("{code}", "not-ready")


# --- 401 ---


def test_a_stranger_is_refused_whatever_is_sent(keys: Keys, redis_url: str) -> None:
    """Before anything else is looked at: neither path nor body is told right or wrong, and nothing is written."""
    good = keys.make("form", *Scope)
    expired = keys.make("form", *Scope, expires_ms=1)
    revoked = keys.make("form", *Scope)
    keys.store.api_keys.revoke(revoked.split("_")[1], 1, by=TESTER)
    keys.ask_anew()
    before = everything(redis_url)
    last = "0" if good[-1] != "0" else "1"
    tokens = ["Bearer", good, f"Basic {good}", "Basic \u00ff\u00fe", "Digest =", "Bearer \u00e9", "bearer =", f"Bearer {good}x", f"Bearer {good[:-1]}",
              f"Bearer {good[:-1]}{last}", f"Bearer trk_{'0' * 12}_{good[-64:]}", f"Bearer {expired}",
              f"Bearer {revoked}"]  # fmt: skip
    for method, route in CALLS:
        for sent in (None, *tokens):
            response = keys.stranger(method, path_of(route), headers={} if sent is None else {"Authorization": sent})
            assert response.status_code == 401
            told = "Bearer" if sent is None else 'Bearer error="invalid_token"'
            assert response.headers["WWW-Authenticate"] == told
            assert good not in response.get_data(as_text=True)
    assert everything(redis_url) == before
    bodies = {
        keys.stranger.post("/v1/reports", data=body, headers={"Content-Type": "application/json"}).get_data()
        for body in (b"{", b"{}", b" " * 100_000, json.dumps({"findings": URGENT}).encode())
    }
    assert len(bodies) == 1
    for path in ("/v1/rulesets/none", "/nowhere", "/v1/reports/" + NOBODY, "/v1/reports/batch", "/v1/status?x"):
        assert keys.stranger.client.get(path).status_code == 401
    assert keys.stranger.client.delete("/v1/reports").status_code == 401


def test_a_body_is_not_read_before_the_key_is_checked(keys: Keys) -> None:
    """A stranger can't make the service take in megabytes."""

    class Unread(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            raise AssertionError("the body was read")

        readline = readinto = read  # type: ignore[assignment]

    for path in ("/v1/reports", "/v1/reports/batch", "/v1/deployments", "/v1/evaluate"):
        environ = {"wsgi.input": Unread(), "CONTENT_LENGTH": "8000000", "CONTENT_TYPE": "application/json"}
        assert keys.stranger.client.post(path, environ_overrides=environ).status_code == 401


@pytest.mark.parametrize("route", sorted(OPEN))
def test_what_says_nothing_of_anybody_is_open(keys: Keys, route: str) -> None:
    """Probes have no key, nor has a browser that opens a page."""
    path = route.replace("{name}", "result.schema.json").replace("{code}", "not-ready")
    assert keys.stranger.get(path).status_code in (200, 503)
    assert keys.stranger.description["paths"][route]["get"]["security"] == []


def test_every_call_is_either_open_or_needs_a_key(keys: Keys) -> None:
    """A new call must be given its place here."""
    described = {
        (method.upper(), route)
        for route, operations in keys.stranger.description["paths"].items()
        for method in operations
        if method != "parameters"
    }
    assert described - {("GET", route) for route in OPEN} == set(NEEDED)


# --- 403 ---


@pytest.mark.parametrize("scope", Scope)
def test_a_key_opens_what_its_scope_says_and_nothing_else(keys: Keys, scope: Scope) -> None:
    """No scope includes another; who lacks one is told which."""
    caller = keys.caller("form", scope)
    for (method, route), needed in NEEDED.items():
        response = caller(method, path_of(route))
        if scope in needed:
            assert response.status_code not in (401, 403), route
            continue
        assert response.status_code == 403
        assert response.get_json(force=True)["type"] == "/problems/scope-missing"
        wanted = sorted(needed)
        assert all(f"`{one}`" in response.get_json(force=True)["detail"] for one in wanted)
        told = f'Bearer error="insufficient_scope", scope="{" ".join(wanted)}"'
        assert response.headers["WWW-Authenticate"] == told


def test_the_description_names_scopes_and_refusals(keys: Keys) -> None:
    """A generated client knows which key a call takes."""
    for (method, route), needed in NEEDED.items():
        operation = keys.stranger.description["paths"][route][method.lower()]
        wanted = [{"key": []}] if needed == ANY else [{"key": [scope]} for scope in sorted(needed)]
        assert operation["security"] == wanted
        assert {"401", "429", "503"} <= set(operation["responses"])
        assert "403" in operation["responses"]


def test_without_keys_the_description_says_that_none_is_needed(http: Caller) -> None:
    """The same service on loopback."""
    for method, route in CALLS:
        assert {} in http.description["paths"][route][method.lower()]["security"]


# --- whose reports ---


def test_another_clients_report_is_not_there(keys: Keys, deployed: Bundle) -> None:
    """404, not 403: nobody learns what exists. An ETag changes nothing. `read` sees all."""
    one, other = keys.caller("clinic-1", Scope.REPORT), keys.caller("clinic-2", Scope.REPORT)
    reader = keys.caller("board", Scope.READ)
    path = one.post("/v1/reports", json={"findings": URGENT}).headers["Location"]
    own = one.get(path)
    assert own.status_code == 200
    assert reader.get(path).get_json() == own.get_json()
    for headers in ({}, {"If-None-Match": own.headers["ETag"]}, {"If-None-Match": "*"}):
        refused = other.get(path, headers=headers)
        assert refused.status_code == 404
        assert refused.get_data() == other.get(f"/v1/reports/{NOBODY}").get_data()
    # a client's keys share its reports, so that a key can be replaced
    assert keys.caller("clinic-1", Scope.REPORT).get(path).status_code == 200


def test_reports_from_before_keys_are_for_readers_alone(keys: Keys, http: Caller) -> None:
    """They belong to nobody."""
    path = http.post("/v1/reports", json={"findings": URGENT}).headers["Location"]
    assert keys.caller("form", Scope.REPORT).get(path).status_code == 404
    assert keys.caller("form", Scope.READ).get(path).status_code == 200


def test_each_client_has_idempotency_keys_of_its_own(keys: Keys) -> None:
    """Else one could find, or block, what another has sent. Lines of a batch likewise."""
    one, other = keys.caller("clinic-1", Scope.REPORT), keys.caller("clinic-2", Scope.REPORT)
    same = keys.caller("clinic-1", Scope.REPORT)

    def post(caller: Caller, answers: dict[str, Any]) -> TestResponse:
        return caller.post("/v1/reports", json={"findings": answers}, headers={"Idempotency-Key": "k"})

    first = post(one, URGENT).get_json()["id"]
    assert post(same, URGENT).get_json()["id"] == first
    assert post(one, ROUTINE).status_code == 422
    assert post(other, ROUTINE).status_code == 202

    def batch(caller: Caller) -> str:
        headers = {"Content-Type": "application/x-ndjson", "Idempotency-Key": "b"}
        answer = caller.post("/v1/reports/batch", data=json.dumps({"findings": URGENT}), headers=headers)
        return str(json.loads(answer.get_data())["id"])

    assert batch(one) == batch(same)
    assert batch(one) != batch(other)
    assert other.get(f"/v1/reports/{batch(one)}").status_code == 404


def test_each_client_has_subjects_of_its_own(keys: Keys, deployed: Bundle, redis_client: redis.Redis) -> None:
    """Two clinics' "patient 17" are two people: one's reports don't raise the other's level. What-ifs look likewise."""
    one, other = keys.caller("clinic-1", Scope.REPORT), keys.caller("clinic-2", Scope.REPORT)
    worker = Worker(keys.store, deployed)
    report = {"findings": ROUTINE, "subject": "patient 17"}
    for _ in range(3):
        worker.decide(one.post("/v1/reports", json=report).get_json()["id"])
    assert worker.decide(other.post("/v1/reports", json=report).get_json()["id"])["level"] == "routine"
    assert one.post("/v1/evaluate", json=report).get_json()["level"] == "monitor"
    assert other.post("/v1/evaluate", json=report).get_json()["level"] == "routine"
    assert worker.decide(one.post("/v1/reports", json=report).get_json()["id"])["level"] == "monitor"


# --- revoking, expiry, Redis away ---


def test_a_key_that_was_revoked_opens_nothing_within_a_second(keys: Keys) -> None:
    caller = keys.caller("form", Scope.READ)
    assert caller.get("/v1/status").status_code == 200
    assert caller.key is not None
    keys.store.api_keys.revoke(caller.key.split("_")[1], time.time_ns() // 1_000_000, by=TESTER)
    until = time.monotonic() + 1
    while caller.get("/v1/status").status_code == 200:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert caller.get("/v1/status").status_code == 401


def test_a_key_opens_until_it_expires(keys: Keys) -> None:
    expires = time.time_ns() // 1_000_000 + 1_500
    caller = keys.caller("form", Scope.READ, expires_ms=expires)
    assert caller.get("/v1/status").status_code == 200
    time.sleep(max(0.0, expires / 1000 - time.time()) + 0.01)
    assert caller.get("/v1/status").status_code == 401


def test_nobody_is_let_in_while_redis_is_away(settings: Settings) -> None:
    """Not even a key that was good a moment ago: 503, since nobody can tell."""
    away = Settings(redis_url="redis://127.0.0.1:1/0", data_dir=settings.data_dir, auth=True)
    caller = Caller(create_app(away), make_key("form", Scope, 0)[0])
    for method, route in CALLS:
        assert caller(method, path_of(route)).status_code == 503
    assert caller.get("/livez").status_code == 200
    assert Caller(create_app(away)).get("/v1/status").status_code == 401


def test_a_stored_key_that_cannot_be_read_opens_nothing_and_breaks_nothing(
    keys: Keys, redis_client: redis.Redis
) -> None:
    """What else is stored still works."""
    caller = keys.caller("form", Scope.READ)
    broken = keys.make("form", Scope.READ)
    for number, text in enumerate(("", "[]", "{}", '{"client": "x"}', '{"client": 7, "scopes": ["all"]}', "\x00")):
        redis_client.hset("triage:keys", f"{number:012x}", text)
    redis_client.hset("triage:keys", broken.split("_")[1], "{")
    keys.ask_anew()
    assert caller.get("/v1/status").status_code == 200
    assert Caller(keys.app, broken).get("/v1/status").status_code == 401


# --- rates ---


def test_a_client_that_calls_too_often_is_told_when_to_come_back(keys: Keys) -> None:
    """All its keys count together, others don't. What is refused is not accepted."""
    one = keys.caller("clinic-1", Scope.REPORT, rate="3/hour")
    same = keys.caller("clinic-1", Scope.READ, rate="3/hour")
    other = keys.caller("clinic-2", Scope.REPORT, rate="3/hour")
    statuses = [caller.get("/v1/rulesets").status_code for caller in (one, same, one)]
    refused = one.post("/v1/reports", json={"findings": URGENT})
    assert [*statuses, refused.status_code] == [200, 200, 200, 429]
    assert refused.get_json(force=True)["type"] == "/problems/rate-exceeded"
    assert 0 < int(refused.headers["Retry-After"]) <= 3600
    assert same.get("/v1/status").status_code == 429
    assert other.get("/v1/rulesets").status_code == 200
    assert keys.store.health.get_backlog(0).pending == 0


def test_two_keys_do_not_allow_twice_as_much(keys: Keys) -> None:
    """The rate of a client is that of its newest key."""
    old = keys.caller("clinic-1", Scope.READ, rate="100/hour")
    keys.make("clinic-1", Scope.READ, rate="2/hour")
    assert [old.get("/v1/rulesets").status_code for _ in range(3)] == [200, 200, 429]


def test_a_batch_costs_its_reports(keys: Keys) -> None:
    """Else a batch is the way around the rate. One that is too large for what is left uses up nothing."""
    caller = keys.caller("clinic-1", Scope.REPORT, rate="10/hour")

    def batch(count: int) -> TestResponse:
        lines = (json.dumps({"findings": ROUTINE}) + "\n") * count
        return caller.post("/v1/reports/batch", data=lines, headers={"Content-Type": "application/x-ndjson"})

    assert batch(11).get_json(force=True)["type"] == "/problems/batch-refused"
    assert batch(6).status_code == 202
    assert batch(6).get_json(force=True)["type"] == "/problems/rate-exceeded"
    assert [caller.get("/v1/rulesets").status_code for _ in range(3)] == [200, 200, 429]
    assert keys.store.health.get_backlog(0).pending == 6


def test_a_count_that_cannot_be_kept_stops_nobody(keys: Keys, redis_client: redis.Redis) -> None:
    """With its memory full Redis takes no count; what is stored can still be read, when it is needed most."""
    caller = keys.caller("board", Scope.READ)
    redis_client.config_set("maxmemory", 1)
    try:
        assert caller.get("/v1/status").status_code == 200
    finally:
        redis_client.config_set("maxmemory", 0)


def test_a_key_costs_a_request_one_round_trip(keys: Keys, http: Caller, redis_client: redis.Redis) -> None:
    """The count of its rate; the keys themselves are kept for a moment. Without keys, none."""
    caller = keys.caller("form", Scope.REPORT)

    def asked(own: Caller) -> list[str]:
        own.post("/v1/reports", json={"findings": ROUTINE})
        with redis_client.monitor() as monitor:
            assert own.post("/v1/reports", json={"findings": ROUTINE}).status_code == 202
            redis_client.echo("end")
            told = list(itertools.takewhile(lambda one: one["command"] != "ECHO end", monitor.listen()))
        celerys = ("triage:celery:", "_kombu")
        commands = [one["command"] for one in told if one["client_type"] != "lua"]
        return [command for command in commands if not any(word in command for word in celerys)]

    # live rulesets, or the keys, may just be asked for anew
    plain, keyed = (min((asked(own) for _ in range(5)), key=len) for own in (http, caller))
    assert len(keyed) == len(plain) + 1
    assert "triage:limits" in next(command for command in keyed if command not in plain)


# --- what strangers are told ---


def test_readiness_tells_strangers_what_fails_but_not_why(keys: Keys) -> None:
    """A probe needs the status and the name of the check; a ruleset's name or a limit helps only attackers."""
    keys.store.rulesets.deploy("secret-name", "1.0.0", "sha256:0", b"{}", time.time_ns() // 1_000_000, by=TESTER)
    time.sleep(0.25)
    stranger = keys.stranger.get("/readyz")
    assert stranger.status_code == 503
    told = stranger.get_json(force=True)
    assert [name for name, check in told["checks"].items() if not check["ok"]] == ["rulesets", "workers"]
    assert "secret-name" not in stranger.get_data(as_text=True)
    assert "30 seconds" not in stranger.get_data(as_text=True)
    known = keys.caller("probe", Scope.READ).get("/readyz").get_data(as_text=True)
    assert "secret-name" in known
    assert "30 seconds" in known


def test_strangers_see_no_findings_of_live_rulesets(keys: Keys) -> None:
    """What a ruleset asks is for those who have a key."""
    assert "temperature_c" not in json.dumps(
        keys.stranger.description["components"]["schemas"].get("Findings-glass-test")
    )
    answer = keys.caller("form", Scope.REPORT).get("/openapi.json")
    assert "Findings-glass-test" in answer.get_json()["components"]["schemas"]
    assert answer.headers["Vary"] == "Authorization"
    assert "Findings-glass-test" not in keys.stranger.get("/docs").get_data(as_text=True)
    assert "Findings-glass-test" in keys.caller("form", Scope.REPORT).get("/docs").get_data(as_text=True)


# --- other sites' pages, where there are no keys ---


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://[bad"}],
    ids=str,
)
def test_without_keys_other_sites_pages_cannot_do_what_operators_do(http: Caller, headers: dict[str, str]) -> None:
    """Any page in a browser on this machine can send a POST here, or give its own name this machine's address."""
    for method, route in CALLS:
        if NEEDED[method, route] <= {Scope.DEPLOY, Scope.ADMIN}:
            response = http(method, path_of(route), headers=headers)
            assert response.status_code == 403
            assert response.get_json(force=True)["type"] == "/problems/foreign-origin"
    assert http.get("/v1/audit", headers={"Origin": "http://localhost"}).status_code == 200
    assert http.get("/v1/audit", headers={"Host": "127.0.0.1:8080"}).status_code == 200
    assert http.get("/v1/audit", headers={"Host": "[::1]:8080"}).status_code == 200


def test_without_keys_nothing_of_ours_is_answered_under_another_name(http: Caller) -> None:
    """A page whose name was given this machine's address could otherwise post reports, and read what comes of them."""
    elsewhere = {"Host": "evil.example:8080"}
    for method, route in CALLS:
        assert http(method, path_of(route), headers=elsewhere).status_code == 403
    assert http.post("/v1/reports", json={"findings": URGENT}, headers=elsewhere).status_code == 403
    assert http.client.get("/nowhere", headers=elsewhere).status_code == 403
    assert http.get("/livez", headers=elsewhere).status_code == 200
    form = {"Origin": "http://localhost:3000"}  # a form under development: browsers ask before they let it send JSON
    assert http.post("/v1/reports", json={"findings": URGENT}, headers=form).status_code == 202


# --- operators ---


BUDGETED = glass_personas.PERSONAS.replace("bases:", "budget: {median_screens: 1}\nbases:")


def files(**more: str) -> dict[str, Any]:
    names = ("ruleset.yaml", "cases.yaml")
    return {"files": {name: (GLASS_TEST / name).read_text(encoding="utf-8") for name in names} | more}


def test_a_ruleset_is_deployed_and_rolled_back_over_http(keys: Keys, deployed: Bundle) -> None:
    """And it is written down who did so."""
    caller = keys.caller("workbench", Scope.DEPLOY)
    changed = files()
    changed["files"]["ruleset.yaml"] = changed["files"]["ruleset.yaml"].replace("title: Spots", "title: All spots")
    told = caller.post("/v1/deployments", json=changed).get_json()
    assert (told["name"], told["version"], told["cases"]) == ("glass-test", "1.0.0", 2)
    assert told["previous"] == deployed.digest
    assert keys.store.rulesets.get_live()["glass-test"].digest == told["digest"] != deployed.digest
    assert any(deployed.digest in warning for warning in told["warnings"])
    assert caller.get("/v1/rulesets/glass-test").get_json()["title"].startswith("All spots")
    back = caller.post("/v1/rulesets/glass-test/rollback").get_json()
    assert back["digest"] == deployed.digest
    refused = caller.post("/v1/rulesets/glass-test/rollback")
    assert (refused.status_code, refused.get_json()["type"]) == (409, "/problems/no-earlier-deployment")
    assert "no earlier deployment to return to" in refused.get_json()["detail"]
    entries = keys.caller("chief", Scope.ADMIN).get("/v1/audit").get_json()["entries"]
    deeds = [(one["action"], one["actor"], one["via"]) for one in entries if one["action"] in ("deploy", "rollback")]
    assert deeds[:2] == [("rollback", "workbench", "http"), ("deploy", "workbench", "http")]


def test_personas_are_deployed_over_http_and_a_failing_one_is_refused(http: Caller, store: RedisStore) -> None:
    """The budget is only a promise: a longer interview is a warning."""
    rules = glass_personas.rules()
    deployed_now = http.post(
        "/v1/deployments", json=files(**{"ruleset.yaml": rules, "personas.yaml": BUDGETED})
    ).get_json()
    assert deployed_now["interviews"] == {"personas": 3, "median_screens": 2, "budget": 1}
    assert any("takes 2 screens, over the budget of 1" in warning for warning in deployed_now["warnings"])
    assert store.rulesets.get_files(deployed_now["digest"])["personas.yaml"] == BUDGETED
    changed = rules.replace("title: Spots", "title: All spots")
    wrong = http.post("/v1/deployments", json=files(**{"ruleset.yaml": changed, "personas.yaml": glass_personas.WRONG}))
    assert (wrong.status_code, wrong.get_json(force=True)["type"]) == (422, "/problems/ruleset-refused")
    (fault,) = wrong.get_json(force=True)["errors"]
    assert (fault["file"], fault["line"]) == ("personas.yaml", 9)
    assert store.rulesets.get_live()["glass-test"].digest == deployed_now["digest"]


def test_a_refused_ruleset_gets_every_fault_with_its_place(http: Caller, deployed: Bundle) -> None:
    """The same checks as at the command line; what is live stays."""
    broken = files()
    broken["files"]["ruleset.yaml"] = broken["files"]["ruleset.yaml"].replace("is: does_not_blanch", "is: dont_blanch")
    broken["files"]["ruleset.yaml"] = broken["files"]["ruleset.yaml"].replace("version: 1.0.0", "version: one")
    refused = http.post("/v1/deployments", json=broken)
    assert refused.status_code == 422
    told = refused.get_json(force=True)
    assert told["type"] == "/problems/ruleset-refused"
    first = told["errors"][0]
    assert (first["file"], first["line"], first["code"]) == ("ruleset.yaml", 4, "ruleset_fault")
    assert any("dont_blanch" in one["detail"] and one["column"] > 1 for one in told["errors"])
    assert "/tmp" not in refused.get_data(as_text=True)
    failing = files()
    failing["files"]["cases.yaml"] = failing["files"]["cases.yaml"].replace("level: routine", "level: urgent")
    told = http.post("/v1/deployments", json=failing).get_json(force=True)
    assert [(one["file"], one["line"]) for one in told["errors"]] == [("cases.yaml", 6)]
    assert "spots-that-itch" in told["errors"][0]["detail"]
    assert http.get("/v1/rulesets").get_json()["rulesets"][0]["digest"] == deployed.digest


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ([], "", "required"),
        ({}, "/files", "required"),
        ({"files": []}, "/files", "required"),
        ({"files": {"cases.yaml": "x"}}, "/files/ruleset.yaml", "required"),
        ({"files": {"ruleset.yaml": 1, "cases.yaml": "x"}}, "/files/ruleset.yaml", "wrong_type"),
        ({"files": {"ruleset.yaml": "x" * (2 * 1024**2 + 1), "cases.yaml": "x"}}, "/files/ruleset.yaml", "too_large"),
        (files(**{"../../etc/cron.d/x": "x"}), "/files", "unknown_field"),
        (files(**{"/etc/passwd": "x"}), "/files", "unknown_field"),
        ({**files(), "folder": "/etc"}, "", "unknown_field"),
    ],
)
def test_only_the_files_of_a_ruleset_are_taken(http: Caller, body: Any, pointer: str, code: str) -> None:
    """Under fixed names: a name from outside is never a path here."""
    refused = http.post("/v1/deployments", json=body)
    assert refused.status_code == 422
    told = refused.get_json(force=True)
    assert told["type"] == "/problems/deployment-refused"
    assert (pointer, code) in {(one["pointer"], one["code"]) for one in told["errors"]}
    assert "etc" not in refused.get_data(as_text=True)


def test_a_subject_is_erased_over_http(keys: Keys, redis_url: str) -> None:
    """Of the one client that is meant; the log says who did it, and not of whom."""
    admin = keys.caller("chief", Scope.ADMIN)
    paths = {}
    for client in ("clinic-1", "clinic-2"):
        caller = keys.caller(client, Scope.REPORT)
        body = {"findings": ROUTINE, "subject": "zq7marker"}
        paths[client] = caller.post("/v1/reports", json=body).headers["Location"]
    assert admin.post("/v1/erasures", json={"subject": "zq7marker"}).status_code == 409
    assert admin.post("/v1/erasures", json={"subject": "clinic-1\nzq7marker"}).status_code == 422
    told = admin.post("/v1/erasures", json={"subject": "zq7marker", "client": "clinic-1"}).get_json()
    assert told["reports"] == 1
    assert told["append_only_file"] in ("done", "running", "none")
    reader = keys.caller("board", Scope.READ)
    assert [reader.get(path).status_code for path in paths.values()] == [404, 200]
    assert admin.post("/v1/erasures", json={"subject": "zq7marker"}).get_json()["reports"] == 1
    assert not any(b"zq7marker" in value for value in everything(redis_url).values())
    assert admin.get("/v1/audit").get_json()["entries"][0]["actor"] == "chief"


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ([], {""}),
        ("zq7marker", {""}),
        ({}, {"/subject"}),
        ({"subject": ""}, {"/subject"}),
        ({"subject": 7}, {"/subject"}),
        ({"subject": "zq7marker" * 20}, {"/subject"}),
        ({"subject": "clinic-1\nzq7marker"}, {"/subject"}),
        ({"subject": " zq7marker"}, {"/subject"}),
        ({"subject": None, "client": "a b"}, {"/subject", "/client"}),
        ({"subject": "x", "zq7marker": 1}, {""}),
    ],
)
def test_an_erasure_must_say_whose(http: Caller, body: Any, pointers: set[str]) -> None:
    """And no refusal repeats the subject."""
    refused = http.post("/v1/erasures", json=body)
    assert refused.status_code == 422
    assert {one["pointer"] for one in refused.get_json(force=True)["errors"]} == pointers
    assert "zq7marker" not in refused.get_data(as_text=True)


def test_dead_letters_name_the_report_and_the_reason(http: Caller, store: RedisStore, deployed: Bundle) -> None:
    """And no answer."""
    report_id = http.post("/v1/reports", json={"findings": URGENT}).get_json()["id"]
    Worker(store, deployed).bury(report_id)
    told = http.get("/v1/dead-letters").get_json()
    assert told["total"] == 1
    (letter,) = told["dead_letters"]
    assert (letter["report"], letter["reason"], letter["attempts"]) == (report_id, "poison", 1)
    assert "does_not_blanch" not in json.dumps(told)


def test_a_dead_letter_is_tried_anew_and_its_report_decided(http: Caller, store: RedisStore, deployed: Bundle) -> None:
    """In between it is queued, as on its first day."""
    report_id = http.post("/v1/reports", json={"findings": URGENT}).get_json()["id"]
    worker, path = Worker(store, deployed), f"/v1/dead-letters/{report_id}/redrive"
    assert http.post(path).status_code == 409
    worker.bury(report_id)
    assert http.post(path).get_json()["status"] == "queued"
    assert http.get("/v1/dead-letters").get_json()["total"] == 0
    worker.decide(report_id)
    told = http.get(f"/v1/reports/{report_id}").get_json()
    assert (told["status"], told["result"]["level"]) == ("done", "urgent")


def test_a_report_tells_who_takes_care_of_it(keys: Keys, deployed: Bundle) -> None:
    """The client, not the key."""
    form, nurse = keys.caller("form", Scope.REPORT), keys.caller("nurse", Scope.READ)
    report_id = form.post("/v1/reports", json={"findings": URGENT}).get_json()["id"]
    path = f"/v1/reports/{report_id}/acknowledgement"
    assert nurse.post(path).status_code == 409
    Worker(keys.store, deployed).decide(report_id)
    said = nurse.post(path).get_json()
    assert said["acknowledged_by"] == "nurse"
    told = form.get(f"/v1/reports/{report_id}").get_json()
    assert (told["acknowledged_by"], told["acknowledged_at"]) == ("nurse", said["acknowledged_at"])
    assert nurse("DELETE", path).get_json()["acknowledged_by"] is None
    assert "acknowledged_by" not in form.get(f"/v1/reports/{report_id}").get_json()


def test_no_page_of_another_site_takes_care_of_reports(http: Caller) -> None:
    """Without keys, any page in a browser on this machine can send such a request."""
    foreign = http.post(f"/v1/reports/{'0' * 32}/acknowledgement", headers={"Origin": "https://elsewhere.example"})
    assert foreign.status_code == 403


def test_the_audit_call_tells_of_tampering(http: Caller, redis_client: redis.Redis) -> None:
    """The whole log is verified, and shown as it stands."""
    told = http.get("/v1/audit").get_json()
    assert (told["total"], told["faults"]) == (1, [])
    assert told["head"] == told["entries"][0]["hash"]
    redis_client.xadd("triage:audit", {"number": "9", "details": "{"})
    told = http.get("/v1/audit").get_json()
    assert told["total"] == 2
    assert told["faults"]
