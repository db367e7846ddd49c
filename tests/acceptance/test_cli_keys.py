"""`triage key`, and what deploy says: against a real store."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from click.testing import Result

from tests.support.actors import TESTER
from tests.support.command import run_triage
from tests.support.paths import GLASS_TEST
from triage_rules.foundation.patterns import KEY
from triage_rules.records.api_keys import Scope, find_caller, make_key
from triage_rules.store.redis import RedisStore

Desk = Callable[..., Result]


@pytest.fixture
def desk(redis_url: str) -> Desk:
    """Runs commands against the embedded server."""
    return partial(run_triage, TRIAGE_REDIS_URL=redis_url)


def test_a_key_is_shown_once_listed_and_revoked(desk: Desk, store: RedisStore) -> None:
    """Stdout has the key alone, to be put where it belongs."""
    made = desk(
        "key", "make", "clinic-1", "--scope", "report", "--scope", "read", "--expires", "30", "--rate", "5/second"
    )
    assert made.exit_code == 0
    text = made.stdout.strip()
    assert KEY.fullmatch(text)
    now = time.time_ns() // 1_000_000
    caller = find_caller(text, store.api_keys.get_all(), now, "1/day")
    assert caller is not None
    assert (caller.client, caller.scopes, caller.rate) == ("clinic-1", {Scope.REPORT, Scope.READ}, "5/second")
    assert find_caller(text, store.api_keys.get_all(), now + 31 * 86_400_000, "1/day") is None

    listed = desk("key", "list")
    assert text.split("_")[2] not in listed.stdout + listed.stderr
    [told] = json.loads(desk("key", "list", "--format", "json").stdout)["keys"]
    assert (told["client"], told["scopes"], told["rate"], told["usable"]) == (
        "clinic-1", ["report", "read"], "5/second", True)  # fmt: skip

    gone = desk("key", "revoke", told["id"])
    assert (gone.exit_code, "has no other key" in gone.stderr) == (0, True)
    assert find_caller(text, store.api_keys.get_all(), now, "1/day") is None
    assert "revoked" in desk("key", "list").stdout
    actions = [(one["action"], json.loads(one["details"])["id"]) for one in store.audit.read_entries()]
    assert actions == [("key.make", told["id"]), ("key.revoke", told["id"])]
    assert not any(text.split("_")[2] in value for one in store.audit.read_entries() for value in one.values())


def test_a_whole_key_can_be_revoked_by_itself(desk: Desk, store: RedisStore) -> None:
    """Whoever finds one in the open has the key, not its id. Revoking again changes nothing."""
    text, key = make_key("form", [Scope.REPORT], 0)
    store.api_keys.add(key, by=TESTER)
    assert desk("key", "revoke", text).exit_code == desk("key", "revoke", key.id).exit_code == 0
    assert [one["action"] for one in store.audit.read_entries()] == ["key.make", "key.revoke"]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["key", "make", "form"], 2, "--scope"),
        (["key", "make", "form", "--scope", "all"], 2, "report"),
        (["key", "make", "a b", "--scope", "read"], 2, "letters"),
        (["key", "make", "form", "--scope", "read", "--rate", "many"], 2, "600/minute"),
        (["key", "make", "form", "--scope", "read", "--expires", "0"], 2, "--expires"),
        (["key", "revoke", "0" * 12], 2, "triage key list"),
        (["key", "list"], 0, "triage key make"),
    ],
)
def test_what_cannot_be_is_told(desk: Desk, arguments: list[str], code: int, says: str) -> None:
    ran = desk(*arguments)
    assert (ran.exit_code, ran.stdout) == (code, "")
    assert says in ran.stderr
    assert "Traceback" not in ran.stderr


def test_deploying_other_content_under_a_known_version_is_warned_of(desk: Desk, tmp_path: Path) -> None:
    """Two contents of one version confuse whoever reads results; the digest tells them apart. Same content is fine."""
    folder = tmp_path / "glass-test"
    shutil.copytree(GLASS_TEST, folder)
    first = desk("deploy", str(folder))
    assert first.exit_code == 0
    again = desk("deploy", str(folder))
    assert "deployed before" not in first.stderr + again.stderr
    file = folder / "ruleset.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("title: Spots", "title: All spots"), encoding="utf-8")
    other = desk("deploy", str(folder))
    assert other.exit_code == 0
    assert "Warning: version 1.0.0 of `glass-test` was deployed before with other content" in other.stderr
    file.write_text(file.read_text(encoding="utf-8").replace("version: 1.0.0", "version: 1.1.0"), encoding="utf-8")
    assert "deployed before" not in desk("deploy", str(folder)).stderr


def test_failing_cases_are_told_with_their_places_and_nothing_goes_live(
    desk: Desk, store: RedisStore, tmp_path: Path
) -> None:
    folder = tmp_path / "glass-test"
    shutil.copytree(GLASS_TEST, folder)
    file = folder / "cases.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("level: routine", "level: urgent"), encoding="utf-8")
    ran = desk("deploy", str(folder))
    assert ran.exit_code == 1
    assert f"{file}:6:5: case `spots-that-itch`: level: wanted urgent, got routine" in ran.stderr
    assert "Refused: 1 of 2 cases failed. The live version stays." in ran.stderr
    assert store.rulesets.get_live() == {}


def test_the_commands_say_which_redis_they_talk_to(redis_url: str) -> None:
    """There may be several; the password is not told."""
    place = re.sub(r"^redis://", "", redis_url)
    with_password = redis_url.replace("redis://", "redis://default:s3cret@")
    for arguments in (["deploy", str(GLASS_TEST)], ["rollback", "glass-test"], ["status"]):
        ran = run_triage(*arguments, TRIAGE_REDIS_URL=with_password)
        assert f"Redis: {place}" in ran.stderr
        assert "s3cret" not in ran.stdout + ran.stderr
