"""Posting reports and asking for them: what a form's engineer relies on."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
import redis
from flask import Flask
from werkzeug.test import TestResponse

from service.boot.app import create_app
from service.http.parts import WAITERS, Parts
from service.use.dispatch import CeleryDispatch
from tests.support.actors import TESTER
from tests.support.services.http_calls import (
    ROUTINE,
    URGENT,
    Caller,
    Worker,
    check_problem,
    everything,
    glass_test,
    now,
    working,
)
from triage_rules.foundation.settings import Settings
from triage_rules.language.bundle import Bundle, digest_of
from triage_rules.records.reports import Accepted, Idempotency, Lane, NewReport
from triage_rules.records.tasks import EVALUATE, EVALUATE_MANY
from triage_rules.store.redis import RedisStore
from triage_rules.store.reports import Reports

NDJSON = {"Content-Type": "application/x-ndjson"}
QUEUE = "triage:celery:"


@pytest.fixture
def worker(store: RedisStore, deployed: Bundle) -> Worker:
    return Worker(store, deployed)


def queued(client: redis.Redis, lane: Lane) -> list[tuple[str, Any]]:
    """(task, argument) of what waits in a lane, oldest first."""
    messages = [json.loads(text) for text in reversed(client.lrange(QUEUE + lane.value, 0, -1))]
    found = []
    for message in messages:
        assert message["content-type"] == "application/json"
        args, kwargs, _ = json.loads(base64.b64decode(message["body"]))
        assert kwargs == {}
        found.append((message["headers"]["task"], *args))
    return found


def outcomes(response: TestResponse) -> list[dict[str, Any]]:
    return [json.loads(line) for line in response.get_data(as_text=True).splitlines()]


# --- posting one ---


def test_a_posted_report_is_accepted_stored_and_enqueued(http: Caller, redis_client: redis.Redis) -> None:
    """The whole promise of a 202: its id, where to ask, the report kept as pending, a worker told."""
    response = http.post("/v1/reports", json={"ruleset": "glass-test", "findings": ROUTINE})

    told = response.get_json()
    assert response.status_code == 202
    assert response.headers["Location"] == told["links"]["self"] == f"/v1/reports/{told['id']}"
    assert response.headers["Cache-Control"] == "no-store"
    assert told["status"] == "queued"
    assert redis_client.zrange("triage:pending", 0, -1) == [told["id"]]
    assert queued(redis_client, Lane.NORMAL) == [(EVALUATE, told["id"])]
    assert queued(redis_client, Lane.URGENT) == []


@pytest.mark.parametrize("key", [None, "k"])
def test_a_report_whose_acceptance_had_to_be_asked_for_twice_is_enqueued(
    settings: Settings, deployed: Bundle, redis_client: redis.Redis, key: str | None
) -> None:
    """A connection that dies before the answer comes is made again: the report must not wait for the sweep for that."""

    class Asking(Reports):
        def accept(self, report: NewReport, idempotency: Idempotency | None = None, task: str = "") -> Accepted:
            super().accept(report, idempotency, task)
            return super().accept(report, idempotency, task)

    with RedisStore(settings) as asking:
        asking.reports = Asking(asking.connection)
        headers = {} if key is None else {"Idempotency-Key": key}
        told = (
            Caller(create_app(settings, asking)).post("/v1/reports", json={"findings": {}}, headers=headers).get_json()
        )
    assert queued(redis_client, Lane.NORMAL) == [(EVALUATE, told["id"])]


def test_a_report_that_looks_urgent_goes_by_the_urgent_lane(http: Caller, redis_client: redis.Redis) -> None:
    """It must not wait behind a batch."""
    told = http.post("/v1/reports", json={"findings": URGENT}).get_json()

    assert queued(redis_client, Lane.URGENT) == [(EVALUATE, told["id"])]
    assert queued(redis_client, Lane.NORMAL) == []


def test_ids_can_not_be_guessed(http: Caller) -> None:
    """Who knows an id can read the result: 128 random bits each."""
    ids = [http.post("/v1/reports", json={"findings": {}}).get_json()["id"] for _ in range(20)]
    assert len(set(ids)) == 20
    assert all(len(one) == 32 and int(one, 16) >= 0 for one in ids)


def test_what_was_accepted_is_what_was_posted(http: Caller, worker: Worker) -> None:
    """Typed, also what is unknown, with subject and time."""
    answers = URGENT | {"itchy": "unknown", "free_text": "Nackensteife, é, 雪"}
    posted = {"findings": answers, "subject": "case-4711", "reported_at": "2020-01-01T00:00:00Z"}
    posted["reported_at"] = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
    report_id = http.post("/v1/reports", json=posted).get_json()["id"]

    delivery = worker.store.work.begin(report_id, now())

    assert delivery is not None
    assert delivery.report.answers == answers
    assert (delivery.report.subject, delivery.report.reported_at) == ("case-4711", posted["reported_at"])


def test_utf8_may_be_named(http: Caller) -> None:
    """Many HTTP libraries add the charset by themselves."""
    headers = {"Content-Type": "application/json; charset=UTF-8"}
    assert http.post("/v1/reports", data=b'{"findings": {}}', headers=headers).status_code == 202


def test_a_report_without_any_answer_is_a_report(http: Caller, worker: Worker) -> None:
    """Nothing answered is not nothing wrong: it gets the ruleset's default, and questions."""
    report_id = http.post("/v1/reports", json={"findings": {}}).get_json()["id"]
    worker.decide(report_id)

    result = http.get(f"/v1/reports/{report_id}").get_json()["result"]
    assert (result["level"], result["could_be"], result["determined"]) == ("monitor", "urgent", False)


# --- asking for one ---


def test_a_report_is_queued_until_it_is_done(http: Caller, worker: Worker) -> None:
    """And then has its result, as it was published."""
    path = http.post("/v1/reports", json={"findings": URGENT}).headers["Location"]
    before = http.get(path)
    result = worker.decide(before.get_json()["id"])
    after = http.get(path)

    assert (before.get_json()["status"], "result" in before.get_json()) == ("queued", False)
    assert before.headers["Retry-After"] == "1"
    assert after.get_json()["status"] == "done"
    assert after.get_json()["result"] == result
    assert result["level"] == "urgent"
    assert "Retry-After" not in after.headers


def test_a_report_that_could_not_be_decided_asks_for_a_human(http: Caller, worker: Worker) -> None:
    """A dead letter is never routine, and never silent."""
    path = http.post("/v1/reports", json={"findings": URGENT}).headers["Location"]
    worker.bury(path.rpartition("/")[2])

    told = http.get(path).get_json()
    assert told["status"] == "dead"
    assert told["result"]["level"] is None
    assert "human_review_now" in told["result"]["flags"]


def test_polling_is_cheap_while_nothing_changes(http: Caller, worker: Worker) -> None:
    """304 while it is as it was; 200 as soon as it isn't."""
    path = http.post("/v1/reports", json={"findings": URGENT}).headers["Location"]
    etag = http.get(path).headers["ETag"]
    unchanged = http.get(path, headers={"If-None-Match": etag})
    worker.decide(path.rpartition("/")[2])
    changed = http.get(path, headers={"If-None-Match": etag})
    settled = http.get(path, headers={"If-None-Match": f'"other", {changed.headers["ETag"]}'})

    assert (unchanged.status_code, unchanged.headers["ETag"]) == (304, etag)
    assert changed.status_code == 200
    assert settled.status_code == 304


def test_if_match_does_not_change_the_answer(http: Caller) -> None:
    """It is for those who change something; a 412 with the report in it would be an answer of two minds."""
    path = http.post("/v1/reports", json={"findings": URGENT}).headers["Location"]
    assert http.get(path, headers={"If-Match": '"other"'}).status_code == 200
    assert http.get(path, headers={"If-Match": '"other"', "If-None-Match": "*"}).status_code == 304


def test_the_path_of_batches_is_no_report(http: Caller) -> None:
    """Not "no such report": a caller who used the wrong method must be told so."""
    response = http.get("/v1/reports/batch")
    assert (response.status_code, response.headers["Allow"]) == (405, "OPTIONS, POST")


# --- Prefer: wait ---


def test_who_waits_gets_the_result_at_once(http: Caller, worker: Worker, redis_client: redis.Redis) -> None:
    """One request instead of three."""
    with working(worker, redis_client):
        response = http.post("/v1/reports", json={"findings": URGENT}, headers={"Prefer": "wait=5"})

    assert response.status_code == 200
    assert response.headers["Preference-Applied"] == "wait=5"
    assert response.get_json()["result"]["level"] == "urgent"
    assert response.headers["Location"] == response.get_json()["links"]["self"]


def test_who_waits_in_vain_gets_the_202(http: Caller) -> None:
    """No worker: after the time that was asked for, and not much later."""
    started = time.monotonic()
    response = http.post("/v1/reports", json={"findings": URGENT}, headers={"Prefer": "wait=1"})

    assert 0.9 < time.monotonic() - started < 3
    assert response.status_code == 202
    assert response.headers["Preference-Applied"] == "wait=1"


@pytest.mark.parametrize(
    ("prefer", "applied"),
    [
        ("wait=0", "wait=0"),
        ("WAIT=0", "wait=0"),
        ('wait="0"', "wait=0"),
        ("respond-async, wait=0", "wait=0"),
        ("wait=0; because=slow", "wait=0"),
        ("wait=0, wait=9", "wait=0"),
        ("return=minimal", None),
        ("wait", None),
        ("wait=", None),
        ("wait=-1", None),
        ("wait=soon", None),
        ("wait=1e9", None),
        ("wait=٣", None),
        (",,;=;,", None),
    ],
)
def test_preferences_are_read_by_rfc_7240(prefer: str, applied: str | None, http: Caller) -> None:
    """The first one counts; what can't be understood is ignored, not refused."""
    environ = {"HTTP_PREFER": prefer.encode().decode("latin-1")}
    response = http.post("/v1/reports", json={"findings": {}}, environ_overrides=environ)

    assert response.status_code == 202
    assert response.headers.get("Preference-Applied") == applied


def test_nobody_waits_longer_than_the_limit(settings: Settings, store: RedisStore, deployed: Bundle) -> None:
    """`wait=3600` would hold a thread for an hour."""
    capped = Settings(redis_url=settings.redis_url, data_dir=settings.data_dir, wait_max_seconds=0)
    caller = Caller(create_app(capped, store))

    response = caller.post("/v1/reports", json={"findings": {}}, headers={"Prefer": "wait=3600"})

    assert (response.status_code, response.headers["Preference-Applied"]) == (202, "wait=0")


def test_when_too_many_wait_the_next_is_answered_at_once(http: Caller, http_app: Flask) -> None:
    """Those who wait may not take every thread; the report is accepted all the same."""
    own = http_app.extensions["triage"]
    assert isinstance(own, Parts)
    for _ in range(WAITERS):
        assert own.waiters.acquire(blocking=False)

    response = http.post("/v1/reports", json={"findings": {}}, headers={"Prefer": "wait=5"})

    assert response.status_code == 202
    assert "Preference-Applied" not in response.headers


# --- Idempotency-Key ---


def test_a_report_sent_again_is_the_same_report(http: Caller, redis_client: redis.Redis) -> None:
    """A lost answer must not make a second patient. Spelling doesn't count: blanks, order, 38 or 38.0."""
    headers = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324", "Content-Type": "application/json"}
    first = http.post("/v1/reports", data=b'{"findings": {"age_years": 4, "temperature_c": 38}}', headers=headers)
    again = http.post("/v1/reports", data=b'{ "findings":{"temperature_c":38.0,"age_years":4.0} }\n', headers=headers)

    assert (first.status_code, again.status_code) == (202, 202)
    assert again.get_json() == first.get_json()
    assert again.headers["Location"] == first.headers["Location"]
    assert redis_client.zcard("triage:pending") == 1
    assert len(queued(redis_client, Lane.NORMAL)) == 1


def test_a_key_may_stand_in_quotation_marks(http: Caller) -> None:
    """The draft makes it a structured field; most clients send it bare. Both are one key."""
    bare = http.post("/v1/reports", json={"findings": {}}, headers={"Idempotency-Key": "one"})
    quoted = http.post("/v1/reports", json={"findings": {}}, headers={"Idempotency-Key": '"one"'})
    assert quoted.get_json()["id"] == bare.get_json()["id"]


def test_a_report_sent_again_after_its_result_tells_so(http: Caller, worker: Worker) -> None:
    """The 202 says where the report is by now; who waits gets the result."""
    headers = {"Idempotency-Key": "one"}
    first = http.post("/v1/reports", json={"findings": URGENT}, headers=headers).get_json()
    worker.decide(first["id"])

    again = http.post("/v1/reports", json={"findings": URGENT}, headers=headers)
    waiting = http.post("/v1/reports", json={"findings": URGENT}, headers=headers | {"Prefer": "wait=5"})

    assert (again.status_code, again.get_json()["id"], again.get_json()["status"]) == (202, first["id"], "done")
    assert (waiting.status_code, waiting.get_json()["result"]["level"]) == (200, "urgent")


def changed(bundle: Bundle) -> Bundle:
    """Another version of the small ruleset, which has renamed a question."""
    data = bundle.data.replace(b'"version":"1.0.0"', b'"version":"2.0.0"').replace(b"age_years", b"years_of_age")
    return Bundle(bundle.name, "2.0.0", digest_of(data), data)


def test_a_report_sent_again_is_found_though_the_ruleset_changed(http: Caller, store: RedisStore) -> None:
    """Its answers would be refused by the new version; it was accepted by the old one, and that stands."""
    headers = {"Idempotency-Key": "one"}
    posted = {"findings": {"age_years": 4}}
    first = http.post("/v1/reports", json=posted, headers=headers).get_json()
    new = changed(glass_test())
    store.rulesets.deploy(new.name, new.version, new.digest, new.data, now(), by=TESTER)
    time.sleep(0.25)

    assert http.post("/v1/reports", json=posted, headers=headers).get_json()["id"] == first["id"]
    assert http.post("/v1/reports", json=posted).status_code == 422


def test_refused_reports_use_up_no_key(http: Caller) -> None:
    """The corrected report may come with the same key."""
    headers = {"Idempotency-Key": "one"}
    assert http.post("/v1/reports", json={"findings": {"age_years": -1}}, headers=headers).status_code == 422
    assert http.post("/v1/reports", json={"findings": {"age_years": 1}}, headers=headers).status_code == 202


# --- rulesets that change or are many ---


def test_a_ruleset_deployed_a_moment_ago_decides(http: Caller, store: RedisStore) -> None:
    """The web's own knowledge of what is live may be old; the store's word counts, and nobody notices."""
    http.post("/v1/reports", json={"findings": {}})
    new = changed(glass_test())
    store.rulesets.deploy(new.name, new.version, new.digest, new.data, now(), by=TESTER)

    response = http.post("/v1/reports", json={"findings": {}})

    assert response.status_code == 202
    assert store.reports.get(response.get_json()["id"]).digest == new.digest


def test_with_several_rulesets_one_must_be_named(http: Caller, store: RedisStore) -> None:
    """Guessing which rules a report was meant for would be worse than asking."""
    other = changed(glass_test())
    data = other.data.replace(b'"ruleset":"glass-test"', b'"ruleset":"other"')
    store.rulesets.deploy("other", "2.0.0", digest_of(data), data, now(), by=TESTER)
    time.sleep(0.25)

    unnamed = http.post("/v1/reports", json={"findings": {"age_years": 4}})
    named = http.post("/v1/reports", json={"ruleset": "other", "findings": {"years_of_age": 4}})

    assert named.status_code == 202
    (fault,) = unnamed.get_json(force=True)["errors"]
    assert (fault["pointer"], fault["code"]) == ("/ruleset", "required")
    assert "`glass-test`, `other`" in fault["detail"]


# --- batches ---


def test_a_batch_is_accepted_line_by_line(http: Caller, redis_client: redis.Redis) -> None:
    """One patient's fault is not another's: good lines count, bad ones say why, line numbers are the body's."""
    body = "\n".join(
        [
            json.dumps({"findings": ROUTINE}),
            "",
            json.dumps({"findings": {"age_years": "4"}}),
            "{broken",
            "   \r",
            json.dumps({"findings": URGENT, "subject": "case-1"}) + "\r",
            json.dumps({"findings": {}, "ruleset": "none"}),
            json.dumps({"findings": {}}),
            "",
        ]
    )
    response = http.post("/v1/reports/batch", data=body, headers=NDJSON)

    told = outcomes(response)
    assert response.status_code == 202
    assert [(one["line"], one["status"]) for one in told] == [
        (1, 202),
        (3, 422),
        (4, 400),
        (6, 202),
        (7, 422),
        (8, 202),
    ]
    assert [fault["pointer"] for one in told for fault in one.get("errors", [])] == [
        "/findings/age_years",
        "",
        "/ruleset",
    ]
    accepted = {one["line"]: one["id"] for one in told if one["status"] == 202}
    assert queued(redis_client, Lane.URGENT) == [(EVALUATE, accepted[6])]
    assert queued(redis_client, Lane.NORMAL) == [(EVALUATE_MANY, [accepted[1], accepted[8]])]
    assert redis_client.zcard("triage:pending") == 3
    for line, report_id in accepted.items():
        assert told[[one["line"] for one in told].index(line)]["links"]["self"] == f"/v1/reports/{report_id}"


def test_a_refused_line_is_told_of_as_a_line(http: Caller) -> None:
    """Others of the batch were accepted, so it must not say that nothing was, nor blame the body."""
    lines = [b'{"findings": {}}', b"\xff", b"[" * 30, b" {" * 40_000, b'{"findings": {"age_years": -1}}']
    told = outcomes(http.post("/v1/reports/batch", data=b"\n".join(lines), headers=NDJSON))
    assert [one["status"] for one in told] == [202, 400, 400, 400, 422]
    for one in told[1:]:
        said = " ".join([one["title"], one["detail"], *(fault["detail"] for fault in one["errors"])])
        assert "body" not in said
        assert "Nothing" not in said
    assert [one["errors"][0]["detail"].split(" is ")[0] for one in told[1:4]] == ["the line"] * 3


def test_a_large_batch_goes_to_workers_in_chunks(http: Caller, redis_client: redis.Redis) -> None:
    """One task for each report would cost more than deciding it."""
    body = (json.dumps({"findings": ROUTINE}) + "\n") * 120

    told = outcomes(http.post("/v1/reports/batch", data=body, headers=NDJSON))

    chunks = queued(redis_client, Lane.NORMAL)
    assert [task for task, _ in chunks] == [EVALUATE_MANY] * 3
    assert [len(ids) for _, ids in chunks] == [50, 50, 20]
    assert [one["id"] for one in told] == [report_id for _, ids in chunks for report_id in ids]


def test_a_batch_sent_again_makes_no_second_report(http: Caller, redis_client: redis.Redis) -> None:
    """Its key counts line by line: a line that was corrected, or came later, is new."""
    headers = NDJSON | {"Idempotency-Key": "one"}
    good, bad = json.dumps({"findings": ROUTINE}), json.dumps({"findings": {"age_years": -1}})
    first = outcomes(http.post("/v1/reports/batch", data=f"{good}\n{bad}\n{good}", headers=headers))
    again = outcomes(http.post("/v1/reports/batch", data=f"{good}\n{good}\n{good}\n{good}", headers=headers))

    assert [one["status"] for one in first] == [202, 422, 202]
    assert [one["status"] for one in again] == [202, 202, 202, 202]
    assert (again[0]["id"], again[2]["id"]) == (first[0]["id"], first[2]["id"])
    assert redis_client.zcard("triage:pending") == 4


def test_a_line_that_was_changed_under_its_key_is_refused(http: Caller) -> None:
    """As for a single report."""
    headers = NDJSON | {"Idempotency-Key": "one"}
    one, other = json.dumps({"findings": ROUTINE}), json.dumps({"findings": URGENT})
    http.post("/v1/reports/batch", data=f"{one}\n{one}", headers=headers)

    told = outcomes(http.post("/v1/reports/batch", data=f"{one}\n{other}", headers=headers))

    assert [line["status"] for line in told] == [202, 422]
    assert told[1]["type"] == "/problems/idempotency-key-reused"


def test_a_batch_during_a_deployment_is_read_by_the_new_ruleset(http: Caller, store: RedisStore) -> None:
    """Lines that the change caught are read anew, not refused."""
    http.post("/v1/reports", json={"findings": {}})
    new = changed(glass_test())
    store.rulesets.deploy(new.name, new.version, new.digest, new.data, now(), by=TESTER)
    body = '{"findings": {}}\n{"findings": {"years_of_age": 4}}\n{"findings": {"age_years": 4}}'

    told = outcomes(http.post("/v1/reports/batch", data=body, headers=NDJSON))

    assert told[0]["status"] == 202
    assert store.reports.get(told[0]["id"]).digest == new.digest


# --- what if ---


def test_a_what_if_gives_the_result_and_leaves_nothing(http: Caller, redis_url: str) -> None:
    """For forms that ask as they go: no report, no event, no count."""
    before = everything(redis_url)

    response = http.post("/v1/evaluate", json={"findings": URGENT, "subject": "case-1"})

    assert response.status_code == 200
    assert response.get_json()["level"] == "urgent"
    assert [rule["id"] for rule in response.get_json()["rules"]] == ["R08"]
    assert everything(redis_url) == before


def test_a_what_if_stands_in_its_subjects_history(http: Caller) -> None:
    """Two reports and the what-if make three: the safety net raises it. The what-if itself is never counted."""
    posted = {
        "findings": {"blanches_on_pressure": "blanches", "itchy": True, "fever_reported": False, "temperature_c": 36.6}
    }
    levels = [http.post("/v1/evaluate", json=posted | {"subject": "case-1"}).get_json()["level"] for _ in range(4)]
    for _ in range(2):
        http.post("/v1/reports", json=posted | {"subject": "case-1"})
    raised = http.post("/v1/evaluate", json=posted | {"subject": "case-1"}).get_json()
    other = http.post("/v1/evaluate", json=posted | {"subject": "case-2"}).get_json()

    assert levels == ["routine"] * 4
    assert raised["level"] == "monitor"
    assert other["level"] == "routine"


def test_a_what_if_and_a_worker_say_the_same(http: Caller, worker: Worker) -> None:
    """A form that shows the what-if shows what will be decided; only the what-if plans the next screen."""
    tried = http.post("/v1/evaluate", json={"findings": URGENT}).get_json()
    decided = worker.decide(http.post("/v1/reports", json={"findings": URGENT}).get_json()["id"])

    assert tried["interview"].pop("next") is None
    own = ("id", "received_at", "evaluated_at", "valid_until")
    assert {k: v for k, v in tried.items() if k not in own} == {k: v for k, v in decided.items() if k not in own}


# --- when something is away ---


@pytest.fixture
def away(settings: Settings, tmp_path: object) -> Caller:
    """An app whose Redis isn't there."""
    return Caller(create_app(Settings(redis_url="redis://127.0.0.1:1/0", data_dir=settings.data_dir)))


@pytest.mark.parametrize("key", [None, "one"])
def test_without_redis_nothing_is_accepted_and_the_caller_is_told_when_to_retry(away: Caller, key: str | None) -> None:
    """503 for every way in, at once."""
    headers = {} if key is None else {"Idempotency-Key": key}
    started = time.monotonic()
    responses = [
        away.post("/v1/reports", json={"findings": {}}, headers=headers),
        away.post("/v1/reports/batch", data=b'{"findings": {}}\n' * 500, headers=NDJSON | headers),
        away.post("/v1/evaluate", json={"findings": {}}),
        away.get("/v1/reports/" + "0" * 32),
        away.get("/v1/rulesets"),
        away.get("/v1/status"),
    ]

    assert [response.status_code for response in responses] == [503] * 6
    assert {response.get_json(force=True)["type"] for response in responses} == {"/problems/ledger-unavailable"}
    assert time.monotonic() - started < 5


def test_without_a_live_ruleset_nothing_is_accepted(settings: Settings, store: RedisStore, redis_url: str) -> None:
    """503, not 422: the report has no fault, and a form must send it again."""
    caller = Caller(create_app(settings, store))
    before = everything(redis_url)
    responses = [
        caller.post("/v1/reports", json={"findings": {}, "ruleset": "glass-test"}),
        caller.post("/v1/reports/batch", data=b'{"findings": {}}', headers=NDJSON),
        caller.post("/v1/evaluate", json={"findings": {}}),
    ]

    assert [response.status_code for response in responses] == [503] * 3
    assert {response.get_json(force=True)["type"] for response in responses} == {"/problems/no-ruleset-live"}
    assert responses[0].get_json(force=True)["detail"] == "Not accepted: no ruleset is live."
    assert everything(redis_url) == before


def test_an_old_queue_takes_no_more(http: Caller, store: RedisStore, redis_client: redis.Redis, redis_url: str) -> None:
    """Better told to call somebody than accepted and forgotten. What was accepted before is still found by its key."""
    headers = {"Idempotency-Key": "one"}
    first = http.post("/v1/reports", json={"findings": URGENT}, headers=headers).get_json()
    for queue in ("triage:pending", "triage:pending:urgent"):
        redis_client.zadd(queue, {first["id"]: now() - 401_500})
    before = everything(redis_url)

    refused = http.post("/v1/reports", json={"findings": URGENT})
    batch = http.post("/v1/reports/batch", data=b'{"findings": {}}\n{"findings": {"age_years": -1}}', headers=NDJSON)
    again = http.post("/v1/reports", json={"findings": URGENT}, headers=headers)

    for response in (refused, batch):
        check_problem(response)
        assert response.get_json(force=True)["type"] == "/problems/queue-too-old"
    assert refused.headers["Retry-After"] == "101"
    assert (again.status_code, again.get_json()["id"]) == (202, first["id"])
    assert everything(redis_url) == before


def test_what_looks_urgent_is_accepted_while_others_wait_too_long(
    http: Caller, store: RedisStore, redis_client: redis.Redis
) -> None:
    """It goes before the others, so it won't wait like them. Web stays ready: else nobody would send it there."""
    waits = http.post("/v1/reports", json={"findings": {}}).get_json()
    redis_client.zadd("triage:pending", {waits["id"]: now() - 301_000})
    store.health.record_heartbeat("worker", now())

    assert http.post("/v1/reports", json={"findings": {}}).status_code == 503
    assert http.post("/v1/reports", json={"findings": URGENT}).status_code == 202
    assert http.get("/readyz").status_code == 200

    redis_client.zadd("triage:pending:urgent", dict.fromkeys(redis_client.zrange("triage:pending:urgent", 0, -1), 1))
    assert http.post("/v1/reports", json={"findings": URGENT}).status_code == 503
    assert http.get("/readyz").status_code == 503


def test_a_report_that_was_accepted_behind_a_lost_answer_is_enqueued_when_its_client_asks_again(
    settings: Settings, store: RedisStore, deployed: Bundle, redis_client: redis.Redis
) -> None:
    """The sweep would bring it only half a minute later. Asked twice in a moment, it is enqueued once."""
    headers = {"Idempotency-Key": "one"}
    heard = Caller(create_app(settings, store))
    first = heard.post("/v1/reports", json={"findings": URGENT}, headers=headers)
    redis_client.zadd("triage:due", {first.get_json()["id"]: now() - 1_500})
    redis_client.delete("triage:celery:urgent")  # as if the web that accepted it had died before it was enqueued

    for _ in range(2):
        again = heard.post("/v1/reports", json={"findings": URGENT}, headers=headers)
        assert (again.status_code, again.get_json()["id"]) == (202, first.get_json()["id"])

    assert redis_client.llen("triage:celery:urgent") == 1


def test_a_batch_is_accepted_though_no_worker_could_be_told(
    settings: Settings, store: RedisStore, deployed: Bundle, redis_client: redis.Redis
) -> None:
    """The broker may die between storing and telling: the sweep brings the report, so the client needn't know."""
    deaf = CeleryDispatch(Settings(redis_url="redis://127.0.0.1:1/0", data_dir=settings.data_dir))
    caller = Caller(create_app(settings, store, deaf))

    response = caller.post("/v1/reports/batch", data=b'{"findings": {}}', headers=NDJSON)

    assert response.status_code == 202
    assert redis_client.zrange("triage:due", 0, -1) == [outcomes(response)[0]["id"]]


def test_a_ruleset_that_breaks_takes_no_more_though_the_last_good_one_still_answers(
    http: Caller, store: RedisStore, redis_client: redis.Redis
) -> None:
    """A report must be decided by what is live. Readiness says so; a what-if still gets the last good opinion."""
    assert http.post("/v1/reports", json={"findings": {}}).status_code == 202
    store.health.record_heartbeat("worker", now())
    assert http.get("/readyz").status_code == 200
    store.rulesets.deploy("glass-test", "1.0.1", "sha256:0", b"", now(), by=TESTER)
    time.sleep(0.25)

    single = http.post("/v1/reports", json={"findings": {}})
    batch = http.post("/v1/reports/batch", data=b'{"findings": {}}', headers=NDJSON)

    for response in (single, batch):
        assert response.get_json(force=True)["type"] == "/problems/ruleset-broken"
    assert redis_client.zcard("triage:pending") == 1
    assert http.post("/v1/evaluate", json={"findings": {}}).status_code == 200
    (fault,) = http.get("/readyz").get_json(force=True)["errors"]
    assert fault["pointer"] == "/checks/rulesets"


def test_a_broken_bundle_accepts_nothing(settings: Settings, store: RedisStore, redis_client: redis.Redis) -> None:
    """A ruleset that isn't what its digest says decides nothing."""
    bundle = glass_test()
    store.rulesets.deploy(bundle.name, bundle.version, bundle.digest, bundle.data + b" ", now(), by=TESTER)
    caller = Caller(create_app(settings, store))

    for path in ("/v1/reports", "/v1/evaluate"):
        response = caller.post(path, json={"findings": {}})
        assert response.status_code == 503
        assert response.get_json(force=True)["type"] == "/problems/ruleset-broken"
    assert caller.get("/v1/rulesets").status_code == 503
    assert redis_client.zcard("triage:pending") == 0
