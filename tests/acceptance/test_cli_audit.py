"""`triage audit` as an operator types it, against a real store."""

from __future__ import annotations

import json
import os
import pwd

import pytest
import redis
from click.testing import CliRunner, Result

from tests.support.paths import GLASS_TEST
from triage_rules.cli import main

USER = pwd.getpwuid(os.getuid()).pw_name


def triage(redis_url: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, env={"TRIAGE_REDIS_URL": redis_url}, catch_exceptions=False)


def test_deploying_is_written_down_and_the_log_verified_to_its_end(redis_url: str, redis_client: redis.Redis) -> None:
    """Shown as text and JSON; one changed byte and a cut end are findings."""
    assert triage(redis_url, "audit", "verify").stdout.startswith("0 entries")
    assert triage(redis_url, "deploy", str(GLASS_TEST)).exit_code == 0
    (entry,) = json.loads(triage(redis_url, "audit", "show", "--format", "json").stdout)
    assert (entry["number"], entry["actor"], entry["via"], entry["action"]) == ("1", USER, "cli", "deploy")
    assert (entry["details"]["ruleset"], entry["details"]["previous"]) == ("glass-test", None)
    assert f"{USER} (cli)  deploy" in triage(redis_url, "audit", "show").stdout

    verified = triage(redis_url, "audit", "verify", "--format", "json")
    assert json.loads(verified.stdout) == {"entries": 1, "head": entry["hash"], "faults": []}
    assert (verified.exit_code, "--head" in verified.stderr) == (0, True)
    assert triage(redis_url, "audit", "verify", "--head", entry["hash"]).exit_code == 0

    ((number, fields),) = redis_client.xrange("triage:audit")
    redis_client.delete("triage:audit")
    cut = triage(redis_url, "audit", "verify", "--head", entry["hash"])
    assert (cut.exit_code, "its end was cut off" in cut.stdout) == (1, True)
    redis_client.xadd("triage:audit", fields | {"actor": b"\xff" + fields["actor"].encode()[1:]}, id=number)
    changed = triage(redis_url, "audit", "verify")
    assert (changed.exit_code, "entry 1 was changed" in changed.stdout) == (1, True)
    assert "\\udcff" in triage(redis_url, "audit", "show").stdout


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_entry_that_was_tampered_with_cannot_steer_the_terminal(
    redis_url: str, redis_client: redis.Redis, form: str
) -> None:
    """An escape sequence could hide the faults that are told behind it, a line break forge an entry."""
    tampered = "1\x1b[8m\x9b2J\r\n2  2027-01-01  Ada (cli)  deploy"
    entry = dict.fromkeys(("at", "actor", "via", "action", "details", "previous", "hash"), tampered)
    redis_client.xadd("triage:audit", {"number": tampered, **entry})
    for command in ("show", "verify"):
        told = triage(redis_url, "audit", command, "--format", form).stdout
        assert "[8m" in told
        assert all(one.isprintable() or one == "\n" for one in told)
        assert "\n2  2027" not in told


def test_a_log_that_was_replaced_is_told_in_a_sentence(redis_url: str, redis_client: redis.Redis) -> None:
    """By what is no log, or by an entry with a number that no integer holds: never a traceback."""
    redis_client.xadd("triage:audit", {"number": "9" * 5_000})
    verified = triage(redis_url, "audit", "verify")
    assert (verified.exit_code, "has missing or extra fields" in verified.stdout) == (1, True)
    redis_client.delete("triage:audit")
    redis_client.set("triage:audit", "x")
    for command in (["audit", "verify"], ["audit", "show"], ["deploy", str(GLASS_TEST)]):
        refused = triage(redis_url, *command)
        assert (refused.exit_code, "is not a log" in refused.stderr) == (3, True)
    assert not redis_client.exists("triage:live")


def test_who_does_it_may_be_said(redis_url: str) -> None:
    """Several people may share one user of the machine."""
    assert triage(redis_url, "deploy", str(GLASS_TEST), "--by", "Ann Example").exit_code == 0
    assert "  Ann Example (cli)  deploy  " in triage(redis_url, "audit", "show").stdout


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 101])
def test_a_name_that_would_spoil_the_log_is_wrong_usage(redis_url: str, name: str) -> None:
    refused = triage(redis_url, "rollback", "glass-test", "--by", name)
    assert (refused.exit_code, "expected 1 to 100 characters" in refused.stderr) == (2, True)


def test_a_head_that_is_no_hash_is_wrong_usage(redis_url: str) -> None:
    assert triage(redis_url, "audit", "verify", "--head", "abc").exit_code == 2
