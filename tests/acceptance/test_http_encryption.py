"""The service on an encrypted store: as ever with the keys, and a clear refusal without."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import redis
from cryptography.fernet import Fernet

from service.boot.app import create_app
from tests.support.services.http_calls import URGENT, Caller
from triage_rules.evaluation.result import Identity, failed_result
from triage_rules.foundation.settings import Settings
from triage_rules.foundation.timestamps import now_ms
from triage_rules.language.bundle import Bundle
from triage_rules.store.redis import RedisStore

REPORT = {"ruleset": "glass-test", "subject": "p", "findings": URGENT}


@pytest.fixture
def encrypted(settings: Settings) -> Iterator[RedisStore]:
    told = replace(settings, encryption_keys=Fernet.generate_key().decode(), index_secret="s" * 32)
    with RedisStore(told) as store:
        yield store


def test_reports_are_accepted_and_shown_as_ever(settings: Settings, encrypted: RedisStore, deployed: Bundle) -> None:
    """Whoever posts needn't know."""
    http = Caller(create_app(settings, encrypted))
    report_id = http.post("/v1/reports", json=REPORT).get_json()["id"]
    delivery = encrypted.work.begin(report_id, now_ms())
    assert delivery is not None and delivery.report.answers == URGENT
    identity = Identity(report_id, deployed.name, deployed.version, deployed.digest, now_ms(), now_ms())
    encrypted.work.bury(report_id, failed_result(identity, "worker_lost"), "worker_lost", now_ms())
    assert http.get(f"/v1/reports/{report_id}").get_json()["result"]["flags"] == ["human_review_now"]


def test_with_other_keys_nothing_is_accepted_and_readyz_says_why(
    settings: Settings, encrypted: RedisStore, store: RedisStore, deployed: Bundle, redis_client: redis.Redis
) -> None:
    """503 to who posts; the sentence to who runs it; nothing in plain text is stored beside what is encrypted."""
    encrypted.health.check_encryption()
    http = Caller(create_app(settings, store))
    refused = http.post("/v1/reports", json=REPORT)
    assert (refused.status_code, refused.get_json()["type"]) == (503, "/problems/store-sealed")
    assert int(refused.headers["Retry-After"]) > 0
    assert redis_client.keys("triage:report:*") == []
    check = http.get("/readyz").get_json(force=True)["checks"]["encryption"]
    assert check["ok"] is False and "no encryption key is set" in check["detail"]


def test_a_result_that_can_t_be_opened_is_a_503_and_its_report_still_acknowledged(
    settings: Settings, encrypted: RedisStore, deployed: Bundle, redis_client: redis.Redis
) -> None:
    """Its client asks again; the next report is none the worse."""
    http = Caller(create_app(settings, encrypted))
    first = http.post("/v1/reports", json=REPORT, headers={"Idempotency-Key": "k"}).get_json()["id"]
    redis_client.hset(f"triage:report:{first}", mapping={"status": "done", "result": "sealed:spoilt"})
    assert http.get(f"/v1/reports/{first}").status_code == 503
    again = http.post("/v1/reports", json=REPORT, headers={"Idempotency-Key": "k"})
    assert (again.status_code, again.get_json()["id"]) == (202, first)
