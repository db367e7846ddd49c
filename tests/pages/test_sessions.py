"""Sessions and forms of the pages, asked without a browser."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.boot.app import create_app
from tests.support.actors import TESTER
from triage_rules.foundation.settings import Settings
from triage_rules.records.api_keys import Scope, make_key
from triage_rules.store.redis import RedisStore

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def key(store: RedisStore) -> str:
    text, made = make_key("nurse", [Scope.READ], store.now_ms())
    store.api_keys.add(made, by=TESTER)
    return text


@pytest.fixture
def app(redis_url: str, store: RedisStore, key: str) -> Flask:
    return create_app(Settings(redis_url=redis_url, auth=True, pages_secret="s" * 32), store)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def csrf(client: FlaskClient) -> str:
    found = re.search(r'name="csrf" value="(\w+)"', client.get("/sign-in").get_data(as_text=True))
    assert found is not None
    return found[1]


def signed_in(client: FlaskClient, key: str, to: str = "/") -> str:
    response = client.post("/sign-in", data={"csrf": csrf(client), "key": key, "next": to})
    assert response.status_code == 303
    return str(response.headers["Location"])


def test_the_cookie_is_signed_and_holds_no_key(client: FlaskClient, key: str) -> None:
    """Nor can a script read it, nor another site send it along."""
    response = client.post("/sign-in", data={"csrf": csrf(client), "key": key})
    cookie = response.headers["Set-Cookie"]
    assert key.rpartition("_")[2] not in cookie
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie


def test_a_session_opens_no_call_of_the_api(client: FlaskClient, key: str) -> None:
    """A browser sends its cookies along whatever page asks; only pages, which ask for a token, go by them."""
    signed_in(client, key)
    assert client.get("/v1/status").status_code == 401


@pytest.mark.parametrize("sent", [{}, {"csrf": ""}, {"csrf": "0" * 64}])
def test_a_form_of_another_site_is_refused(client: FlaskClient, key: str, sent: dict[str, str]) -> None:
    response = client.post("/sign-in", data={"key": key, **sent}, headers=HTML)
    assert response.status_code == 403
    assert response.mimetype == "text/html"
    assert "Set-Cookie" not in response.headers


def test_a_token_of_one_session_is_none_in_another(app: Flask, key: str) -> None:
    one, other = app.test_client(), app.test_client()
    signed_in(one, key)
    signed_in(other, key)
    assert one.post("/sign-out", data={"csrf": csrf(other)}).status_code == 403


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:1", ""])
def test_signing_in_leads_nowhere_else(client: FlaskClient, key: str, to: str) -> None:
    assert signed_in(client, key, to) == "/"


def test_a_revoked_key_ends_its_sessions(client: FlaskClient, key: str, store: RedisStore, app: Flask) -> None:
    """Within half a second, as for the API."""
    signed_in(client, key)
    assert "Sign out" in client.get("/").get_data(as_text=True)
    stored = next(one for one in store.api_keys.get_all().values() if one.client == "nurse")
    store.api_keys.revoke(stored.id, store.now_ms(), by=TESTER)
    later = create_app(Settings(redis_url=store_url(app), auth=True, pages_secret="s" * 32), store).test_client()
    later.set_cookie("triage_session", client.get_cookie("triage_session").value)
    assert "Sign out" not in later.get("/").get_data(as_text=True)


def store_url(app: Flask) -> str:
    own = app.extensions["triage"]
    return str(own.settings.redis_url)


def test_refusals_are_pages_for_people_and_problems_for_programs(client: FlaskClient) -> None:
    """What a program asks for is never answered by a page."""
    assert client.get("/v1/nothing", headers=HTML).mimetype == "application/problem+json"
    assert client.get("/nothing").mimetype == "application/problem+json"
    assert client.get("/nothing", headers=HTML).status_code == 303


def test_too_large_a_form_is_refused(client: FlaskClient) -> None:
    response = client.post("/sign-in", data={"csrf": csrf(client), "key": "k" * 300_000}, headers=HTML)
    assert response.status_code == 413
    assert response.mimetype == "text/html"


def test_without_keys_no_page_is_shown_under_another_name(settings: Settings, store: RedisStore) -> None:
    """Another site's page can give its own name this machine's address; it must not read what is here."""
    own = create_app(settings, store).test_client()
    assert own.get("/", headers=HTML).status_code == 200
    assert own.get("/", headers=HTML | {"Host": "elsewhere.example"}).status_code == 403
    assert own.get("/sign-in", headers=HTML | {"Host": "elsewhere.example"}).status_code == 403
