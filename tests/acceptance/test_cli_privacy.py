"""`triage erase` and `triage rekey` as an operator types them, against a real store."""

from __future__ import annotations

import os
import unicodedata
from dataclasses import replace

import pytest
import redis
from click.testing import CliRunner, Result
from cryptography.fernet import Fernet

from tests.support.reports import NOW_MS, a_report, a_result, deployed
from triage_rules.cli import main
from triage_rules.foundation.settings import Settings
from triage_rules.store.redis import RedisStore

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("TRIAGE_")]:
        monkeypatch.delenv(name)


def triage(redis_url: str, *arguments: str, stdin: str = "", keys: str = "") -> Result:
    environment = {"TRIAGE_REDIS_URL": redis_url}
    environment |= {"TRIAGE_ENCRYPTION_KEYS": keys, "TRIAGE_INDEX_SECRET": "s" * 32} if keys else {}
    return CliRunner().invoke(main, arguments, input=stdin, env=environment, catch_exceptions=False)


def test_a_subject_is_erased_by_standard_input_and_never_repeated(
    store: RedisStore, redis_url: str, redis_client: redis.Redis
) -> None:
    """Counts to stdout, what remains to be done to stderr; again it finds nothing."""
    deployed(store)
    report = a_report(subject="Zq-somebody")
    store.reports.accept(report)
    store.work.settle(report.id, a_result(report, "monitor"), NOW_MS)
    done = triage(redis_url, "erase", "--subject", "-", "--by", "Ada", stdin="Zq-somebody\n")
    assert (done.exit_code, done.stdout) == (0, "1 report, 1 event, 0 dead letters, 3 keys\n")
    assert "append-only file" in done.stderr and "Zq-somebody" not in done.stderr
    assert triage(redis_url, "erase", "--subject", "Zq-somebody").stdout.startswith("0 reports, 0 events")
    log = [(one["actor"], one["action"], one["details"]) for one in store.audit.read_entries()]
    assert log[1] == ("Ada", "erase", '{"reports":1,"events":1,"dead_letters":0,"keys":3}')


@pytest.mark.parametrize("client", [(), ("--client", "north"), ("--client", "south")])
def test_a_subject_that_is_spelled_otherwise_is_not_found_and_that_is_told(
    store: RedisStore, redis_url: str, client: tuple[str, ...]
) -> None:
    """Else somebody believes a person erased who isn't. No failure: whoever repeats an erasure finds nothing, either."""
    deployed(store)
    composed, decomposed = (unicodedata.normalize(form, "Zq-Zoë") for form in ("NFC", "NFD"))
    store.reports.accept(replace(a_report(subject=composed), client="north"))
    missed = triage(redis_url, "erase", "--subject", "-", *client, stdin=f"{decomposed}\n")
    assert (missed.exit_code, missed.stdout) == (0, "0 reports, 0 events, 0 dead letters, 0 keys\n")
    assert "Nothing was found under this name" in missed.stderr
    assert "Zq" not in missed.stderr
    found = triage(redis_url, "erase", "--subject", "-", stdin=f"{composed}\n")
    assert found.stdout.startswith("1 report, ")
    assert "Nothing was found" not in found.stderr


def test_a_subject_of_several_clients_is_refused_with_their_names(store: RedisStore, redis_url: str) -> None:
    """They may be two people."""
    deployed(store)
    for client in ("north", ""):
        store.reports.accept(replace(a_report(subject="17"), client=client))
    refused = triage(redis_url, "erase", "--subject", "17")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "  north" in refused.stderr and "  ''" in refused.stderr
    assert triage(redis_url, "erase", "--subject", "17", "--client", "").stdout.startswith("1 report, ")
    assert triage(redis_url, "erase", "--subject", "17").stdout.startswith("1 report, ")


@pytest.mark.parametrize("subject", ["", "x" * 129, "north\n17", "a\x1b[2J", " 17"])
def test_what_can_be_no_subject_is_wrong_usage(redis_url: str, subject: str) -> None:
    assert triage(redis_url, "erase", "--subject", subject).exit_code == 2


def test_rekey_tells_until_when_the_older_keys_are_needed(redis_url: str, settings: Settings) -> None:
    """And refuses without keys, and with keys that open nothing."""
    told = replace(settings, encryption_keys=OLD, index_secret="s" * 32)
    with RedisStore(told) as store:
        deployed(store)
        report = a_report(subject="p")
        store.reports.accept(report)
        store.work.settle(report.id, a_result(report, "monitor"), NOW_MS)
    assert triage(redis_url, "rekey").exit_code == 2
    wrong = triage(redis_url, "rekey", keys=NEW)
    assert wrong.exit_code == 3 and "none of the encryption keys" in wrong.stderr
    done = triage(redis_url, "rekey", keys=f"{NEW},{OLD}")
    assert (done.exit_code, done.stdout) == (0, "1 report\n")
    assert "Events and dead letters (1) stay as they are" in done.stderr
    plain = triage(redis_url, "rekey", "--plain", keys=NEW)
    assert (plain.exit_code, plain.stdout) == (0, "1 report\n")
    with RedisStore(settings) as store:
        assert store.reports.get(report.id).result is not None
