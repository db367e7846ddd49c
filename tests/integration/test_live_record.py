"""Who approved a live ruleset stands in its record, so that `triage status` needs no engine."""

from __future__ import annotations

import json

import pytest
import redis
from click.testing import CliRunner

from triage_rules.cli import main
from triage_rules.records.audit import Actor, Via
from triage_rules.store.redis import RedisStore

BY = Actor("ada", Via.CLI)
LIVE, DEPLOYMENTS = "triage:live", "triage:deployments:rash"


def bundle(approver: str | None) -> bytes:
    return json.dumps({"format": 1, "ruleset": {"ruleset": "rash", "approved_by": approver}}).encode()


def deploy(store: RedisStore, version: str, approver: str | None) -> None:
    store.rulesets.deploy("rash", version, f"sha256:{version}", bundle(approver), 1, by=BY, approved_by=approver)


@pytest.fixture
def status(redis_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TRIAGE_REDIS_URL", redis_url)

    def run() -> tuple[str | None, str]:
        result = CliRunner().invoke(main, ["status", "--format", "json"], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)["rulesets"]["rash"]["approved_by"], result.stderr

    return run


def test_status_names_the_clinician_of_the_live_version_also_after_a_rollback(store: RedisStore, status) -> None:
    deploy(store, "1", "Dr Adams")
    deploy(store, "2", None)
    assert store.rulesets.get_live()["rash"].approved_by is None
    approver, notes = status()
    assert approver is None
    assert "no clinician has approved the ruleset `rash`" in notes
    store.rulesets.roll_back("rash", 2, by=BY)
    approver, notes = status()
    assert approver == "Dr Adams"
    assert "no clinician" not in notes


def test_status_reads_no_bundle_if_the_record_has_the_approval(
    store: RedisStore, redis_client: redis.Redis, status
) -> None:
    deploy(store, "1", "Dr Adams")
    redis_client.delete("triage:bundle:sha256:1")
    assert status()[0] == "Dr Adams"


def test_of_a_record_of_an_older_version_the_bundle_says_who_approved(
    store: RedisStore, redis_client: redis.Redis, status
) -> None:
    """Nobody has to deploy again after an update."""
    deploy(store, "1", "Dr Adams")
    deploy(store, "2", "Dr Brown")
    record = json.loads(redis_client.hget(LIVE, "rash"))
    del record["approved_by"]
    redis_client.hset(LIVE, "rash", json.dumps(record))
    redis_client.lset(DEPLOYMENTS, 1, json.dumps({"digest": "sha256:1", "version": "1"}))
    assert not store.rulesets.get_live()["rash"].is_approval_stored
    assert status()[0] == "Dr Brown"
    store.rulesets.roll_back("rash", 2, by=BY)
    assert not store.rulesets.get_live()["rash"].is_approval_stored
    assert status()[0] == "Dr Adams"
