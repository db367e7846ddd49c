"""The board's pages, asked without a browser; and what they say in words."""

from __future__ import annotations

import re
import uuid
from dataclasses import replace
from itertools import pairwise

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.boot.app import create_app
from service.pages import board_wording
from service.pages.board_wording import (
    HEIGHT,
    SPANS,
    WIDTH,
    build_chart,
    describe_due,
    describe_reason,
    format_duration,
)
from tests.support.actors import TESTER
from tests.support.reports import HOUR_MS, NOW_MS, a_report, a_result, deployed
from triage_rules.foundation.settings import Settings
from triage_rules.language.model import Level
from triage_rules.records.board import RANKS, Bar, Group, Noted
from triage_rules.records.chains import ChainPlace, ChainStanding
from triage_rules.records.reports import NewReport
from triage_rules.store.redis import RedisStore

PART = {"HX-Request": "true"}


@pytest.fixture
def app(settings: Settings, store: RedisStore) -> Flask:
    deployed(store)
    return create_app(settings, store)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def settled(store: RedisStore, level: str | None = "urgent", minutes: int | None = 60, ago_ms: int = 0) -> NewReport:
    report = replace(a_report(subject="p <b>", received_ms=store.now_ms() - ago_ms), id=uuid.uuid4().hex)
    store.reports.accept(report)
    result = a_result(report, level) | {"act_within_minutes": minutes}
    if level is None:
        store.work.bury(report.id, result, "evaluation_failed: EngineError", store.now_ms())
    else:
        store.work.settle(report.id, result, store.now_ms())
    return report


def shown(client: FlaskClient, path: str) -> list[str]:
    return re.findall(r'id="row-(\w+)"', client.get(path).get_data(as_text=True))


def csrf(client: FlaskClient) -> str:
    found = re.search(r'name="csrf" value="(\w+)"', client.get("/board?show=all").get_data(as_text=True))
    assert found is not None
    return found[1]


def test_an_unchanged_board_is_a_304(client: FlaskClient, store: RedisStore) -> None:
    """It is asked for every few seconds by every screen."""
    settled(store)
    first = client.get("/board", headers=PART)
    assert (first.status_code, first.headers["Cache-Control"]) == (200, "no-store")
    again = client.get("/board", headers=PART | {"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    settled(store)
    changed = client.get("/board", headers=PART | {"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200


def test_filters_stand_in_the_address(client: FlaskClient, store: RedisStore) -> None:
    urgent, late = settled(store), settled(store, ago_ms=2 * HOUR_MS)
    dead, routine = settled(store, None, 0), settled(store, "routine", None)
    store.board.acknowledge(routine.id, store.now_ms(), by=TESTER)
    assert shown(client, "/board") == [late.id, urgent.id, dead.id]
    assert shown(client, "/board?level=urgent") == [late.id, urgent.id]
    assert shown(client, "/board?level=undecided") == [dead.id]
    assert late.id in shown(client, "/board?overdue=1")
    assert urgent.id not in shown(client, "/board?overdue=1")
    assert shown(client, "/board?show=acknowledged") == [routine.id]
    assert set(shown(client, "/board?show=all")) == {urgent.id, late.id, dead.id, routine.id}
    assert shown(client, "/board?order=newest")[-1] == late.id
    assert shown(client, "/board?ruleset=moles") == []


@pytest.mark.parametrize(
    "query",
    ["level=x", "show=x", "after=x", "letters=1-1-1", "ruleset=A%00", "span=x", "every=0", "after=9" + "0" * 40],
)
def test_what_no_filter_says_is_ignored(client: FlaskClient, store: RedisStore, query: str) -> None:
    """Anybody can type an address."""
    report = settled(store)
    assert shown(client, f"/board?{query}") == [report.id]


def test_pages_lead_on_to_the_last_row(client: FlaskClient, store: RedisStore) -> None:
    made = {settled(store, "monitor").id for _ in range(60)}
    path, found = "/board", []
    while path:
        text = client.get(path).get_data(as_text=True)
        found += re.findall(r'id="row-(\w+)"', text)
        more = re.search(r'href="([^"]+)">More results', text)
        path = more[1].replace("&amp;", "&") if more else ""
    assert len(found) == 60
    assert set(found) == made


def test_what_a_subject_says_is_text(client: FlaskClient, store: RedisStore) -> None:
    settled(store)
    assert "p &lt;b&gt;" in client.get("/board").get_data(as_text=True)
    assert "p <b>" not in client.get("/board").get_data(as_text=True)


def test_a_chain_is_one_row_that_says_what_it_amends_and_lowers(client: FlaskClient, store: RedisStore) -> None:
    first = settled(store)
    second = replace(a_report(subject="p <b>", received_ms=store.now_ms(), amends=first.id), id=uuid.uuid4().hex)
    store.reports.accept(second)
    lowers = {"level": "urgent", "disposition": "X1_example"}
    result = a_result(second, "monitor") | {"amends": first.id, "lowers": lowers}
    standing = ChainStanding(ChainPlace.FRONT, first.id)
    assert store.work.settle(second.id, result, store.now_ms(), None, standing)
    assert shown(client, "/board?show=all") == [second.id]
    text = client.get("/board").get_data(as_text=True)
    assert f'amends <a href="/results/{first.id}?view=clinician">report {first.id[:8]}</a>' in text
    assert "lowers urgent, X1_example" in text
    amended = client.get(f"/results/{first.id}").get_data(as_text=True)
    assert "There are newer answers" in amended
    assert f'href="/results/{second.id}"' in amended
    for view in ("patient", "clinician"):
        newest = client.get(f"/results/{second.id}?view={view}").get_data(as_text=True)
        assert "Less urgent than before" in newest
        assert f"/results/{first.id}" in newest
        assert "There are newer answers" not in newest


def test_who_came_second_learns_who_takes_care(client: FlaskClient, store: RedisStore) -> None:
    report = settled(store)
    token = csrf(client)
    store.board.acknowledge(report.id, store.now_ms(), by=TESTER)
    answer = client.post("/board/acknowledge", data={"csrf": token, "report": report.id})
    assert answer.status_code == 303
    told = client.get(answer.headers["Location"]).get_data(as_text=True)
    assert f"{TESTER.name} has already acknowledged" in told


def test_a_form_of_another_site_does_nothing(client: FlaskClient, store: RedisStore) -> None:
    report = settled(store, None, 0)
    for path in ("/board/acknowledge", "/board/redrive"):
        assert client.post(path, data={"report": report.id}).status_code == 403
    assert store.reports.get(report.id).acknowledged is None
    assert len(store.dead_letters.page(5)) == 1


def test_a_form_without_scripts_sends_no_origin_and_is_taken(client: FlaskClient, store: RedisStore) -> None:
    """Under `no-referrer` browsers send `null`; the token says that the form is ours."""
    report = settled(store)
    data, headers = {"csrf": csrf(client), "report": report.id}, {"Origin": "null"}
    assert client.post("/board/acknowledge", data=data, headers=headers).status_code == 303
    assert store.reports.get(report.id).acknowledged is not None


def test_what_can_t_be_done_any_more_is_told_on_the_board(client: FlaskClient, store: RedisStore) -> None:
    """Somebody else was quicker."""
    report = settled(store, None, 0)
    token = csrf(client)
    store.dead_letters.requeue(report.id, store.now_ms(), by=TESTER)
    for path, words in (("redrive", "Not requeued"), ("acknowledge", "Not acknowledged")):
        answer = client.post(f"/board/{path}?show=all", data={"csrf": token, "report": report.id})
        assert "show=all" in answer.headers["Location"]
        assert words in client.get(answer.headers["Location"]).get_data(as_text=True)
    assert client.post("/board/acknowledge", data={"csrf": token, "report": "../x"}).status_code == 404


def test_the_page_refreshes_by_itself_only_where_a_person_asked_for_it(client: FlaskClient) -> None:
    """Without scripts; a page that reloads while it is read out begins anew."""
    assert 'http-equiv="refresh"' not in client.get("/board").get_data(as_text=True)
    assert '<noscript><meta http-equiv="refresh"' in client.get("/board?every=30").get_data(as_text=True)


# --- in words -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ms", "words"),
    [
        (-5, "under 1 min"),
        (59_999, "under 1 min"),
        (60_000, "1 min"),
        (3_600_000, "1 h 00 min"),
        (47 * 3_600_000 + 60_000, "47 h 01 min"),
        (48 * 3_600_000, "2 days"),
    ],
)
def test_times_are_told_as_people_say_them(ms: int, words: str) -> None:
    assert format_duration(ms) == words


def test_it_is_told_until_when_somebody_must_act() -> None:
    def of(within_ms: int | None, ago_ms: int) -> tuple[str, bool]:
        told = describe_due(Noted(Group("r", Level.URGENT, within_ms), NOW_MS - ago_ms, "a"), NOW_MS)
        return told.words, told.is_over

    assert of(HOUR_MS, 0) == ("in 1 h 00 min", False)
    assert of(HOUR_MS, 2 * HOUR_MS) == ("overdue by 1 h 00 min", True)
    assert of(0, 1) == ("at once", True)
    assert of(None, 10**9) == ("no limit", False)


def test_why_a_report_is_dead_is_told_in_a_sentence() -> None:
    assert describe_reason("worker_lost") == "The worker process died at every attempt."
    assert describe_reason("evaluation_failed: EngineError") == "The evaluation failed. (EngineError)"
    assert describe_reason("something else") == "something else"


@pytest.mark.parametrize("most", [0, 1, 2, 3, 7, 10, 11, 99, 100, 12_345])
def test_the_chart_s_pieces_stay_in_it_and_stand_on_each_other(most: int) -> None:
    """Urgent on top; the lines' counts are whole and reach beyond the highest bar."""
    span = SPANS["day"]
    starts, end = span.starts(NOW_MS)
    assert (len(starts), end - starts[0]) == (24, 24 * HOUR_MS)
    assert starts[-1] <= NOW_MS < end
    counts = {level: most // 4 + (most % 4 if level is None else 0) for level in RANKS}
    made = build_chart([Bar(start, counts) for start in starts], span)
    assert made.lines[-1][1] >= most
    assert all(0 <= piece.x <= piece.x + piece.width <= WIDTH for piece in made.pieces)
    assert all(0 <= piece.y <= piece.y + piece.height <= HEIGHT for piece in made.pieces)
    first = [piece for piece in made.pieces if piece.x == made.pieces[0].x]
    assert all(abs(lower.y - higher.y - higher.height) < 0.1 for lower, higher in pairwise(first))
    assert sum(made.total.values()) == 24 * most
    assert set(board_wording.WORDS) == set(RANKS)
