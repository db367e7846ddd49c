"""Settings: typed, refused by name, documented."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from triage_rules.foundation.errors import SettingsError
from triage_rules.foundation.settings import PAGES_FILE, URL_FILE, Settings, names_redis, settings_table

ROOT = Path(__file__).resolve().parents[2]


def test_an_empty_environment_gives_settings_that_work_on_one_machine() -> None:
    """A newcomer sets nothing."""
    settings = Settings.from_environment({"PATH": "/bin", "TRIAGE_DATA_DIR": "nowhere"})
    assert settings == Settings(data_dir=Path("nowhere"))
    assert (settings.host, settings.port, settings.max_deliveries) == ("127.0.0.1", 8080, 5)


def test_values_are_typed() -> None:
    """The rest of the program never parses a setting."""
    settings = Settings.from_environment(
        {"TRIAGE_SECOND_OPINION": "off", "TRIAGE_DATA_DIR": "/srv/triage", "PORT": "9000", "TRIAGE_SOURCE": "clinic-7"}
    )
    assert settings.second_opinion is False
    assert settings.data_dir == Path("/srv/triage")
    assert settings.port == 9000
    assert settings.source == "clinic-7"


def test_an_unknown_name_is_refused_with_the_likely_one() -> None:
    """A misspelt setting that is silently ignored is found in production."""
    with pytest.raises(
        SettingsError, match=r"TRIAGE_MAX_DELIVERY: unknown setting; did you mean TRIAGE_MAX_DELIVERIES\?"
    ):
        Settings.from_environment({"TRIAGE_MAX_DELIVERY": "3"})


def test_all_unknown_names_are_told_at_once() -> None:
    """One start, one list."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({"TRIAGE_REDISURL": "x", "TRIAGE_XYZZY_PLUGH": "x"})
    assert "TRIAGE_REDISURL" in str(caught.value)
    assert "TRIAGE_XYZZY_PLUGH" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("TRIAGE_MAX_DELIVERIES", "many", "whole number"),
        ("TRIAGE_MAX_DELIVERIES", "-1", "whole number"),
        ("TRIAGE_MAX_DELIVERIES", "0", "at least 1"),
        ("TRIAGE_MAX_DELIVERIES", "٣", "whole number"),
        ("TRIAGE_MAX_DELIVERIES", "", "is empty"),
        ("TRIAGE_SECOND_OPINION", "yes", "on or off"),
        ("TRIAGE_TASK_HARD_SECONDS", "10", "must be less than"),
        ("TRIAGE_SWEEP_SECONDS", "900", "must be less than"),
        ("TRIAGE_IDEMPOTENCY_HOURS", "721", "must not be more than"),
        ("TRIAGE_REDIS_URL", "http://example.org", "redis://"),
        ("TRIAGE_REDIS_URL", "redis://", "redis://"),
        ("TRIAGE_REDIS_URL", "redis://cache:port", "redis://"),
        ("TRIAGE_REDIS_URL", "redis://[::1", "redis://"),
        ("PORT", "70000", "PORT"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(name: str, value: str, says: str) -> None:
    """The refusal names the setting and what was expected."""
    with pytest.raises(SettingsError, match=says) as caught:
        Settings.from_environment({name: value})
    assert name in str(caught.value)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "triage.example.org"])
def test_where_others_can_reach_it_keys_are_required(host: str) -> None:
    """Reports are patients' data: without keys only this machine may post or read them."""
    assert Settings.from_environment({"TRIAGE_HOST": host}).auth_on
    with pytest.raises(SettingsError, match="TRIAGE_AUTH"):
        Settings.from_environment({"TRIAGE_HOST": host, "TRIAGE_AUTH": "off"})


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.0.0.2", "::1"])
def test_on_loopback_keys_may_be_required(host: str) -> None:
    """A clinic's own machine may have several users."""
    assert not Settings.from_environment({"TRIAGE_HOST": host}).auth_on
    assert not Settings.from_environment({"TRIAGE_HOST": host, "TRIAGE_AUTH": "off"}).auth_on
    assert Settings.from_environment({"TRIAGE_HOST": host, "TRIAGE_AUTH": "on"}).auth_on


@pytest.mark.parametrize("key", ["hunter2", "trk_1_2", f"trk_{'a' * 12}_{'b' * 63}", f"trk_{'a' * 12}_{'B' * 64}"])
def test_a_key_that_is_none_is_refused_and_not_repeated(key: str) -> None:
    """Else every call with it is a 401."""
    with pytest.raises(SettingsError, match="triage key make") as caught:
        Settings.from_environment({"TRIAGE_API_KEY": key})
    assert key not in str(caught.value)
    assert key not in repr(Settings(api_key=f"trk_{'a' * 12}_{'b' * 64}"))


@pytest.mark.parametrize("rate", ["600", "600/week", "0/minute", "many/minute", "-1/minute", "6e2/minute"])
def test_a_rate_that_is_none_is_refused(rate: str) -> None:
    with pytest.raises(SettingsError, match="600/minute"):
        Settings.from_environment({"TRIAGE_RATE_LIMIT": rate})


def test_the_table_says_in_words_what_is_not_set() -> None:
    """`none` as a value would be refused."""
    assert "| `TRIAGE_API_KEY` | not set |" in settings_table()
    assert "| `TRIAGE_AUTH` | not set |" in settings_table()


@pytest.mark.parametrize(
    ("host", "address", "url"),
    [
        ("127.0.0.1", "127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("::1", "[::1]:8080", "http://[::1]:8080"),
        ("::", "[::]:8080", "http://[::1]:8080"),
        ("0.0.0.0", "0.0.0.0:8080", "http://127.0.0.1:8080"),
        ("triage.example.org", "triage.example.org:8080", "http://triage.example.org:8080"),
    ],
)
def test_where_it_listens_and_where_it_is_called(host: str, address: str, url: str) -> None:
    """A version 6 address stands in brackets; nobody can call the address that means all."""
    settings = Settings(host=host)
    assert (settings.address, settings.own_url) == (address, url)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("redis://127.0.0.1:7777/2", "127.0.0.1:7777/2"),
        ("redis://user:s3cret@cache", "cache:6379/0"),
        ("rediss://:s3cret@[fd00::1]:6380/", "[fd00::1]:6380/0"),
    ],
)
def test_people_are_told_which_redis_without_its_password(url: str, place: str) -> None:
    assert Settings(redis_url=url).redis_place == place


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.0.0.2", "::1"])
def test_loopback_is_served(host: str) -> None:
    """All names of this machine for itself are fine."""
    assert Settings.from_environment({"TRIAGE_HOST": host}).host == host


def test_a_secret_can_come_from_a_file(tmp_path: Path) -> None:
    """Container secrets are files; their last newline is no part of them."""
    secret = tmp_path / "url"
    secret.write_text("redis://:s3cret@cache:6379/1\n")
    assert Settings.from_environment({"TRIAGE_REDIS_URL_FILE": str(secret)}).redis_url == "redis://:s3cret@cache:6379/1"


def test_a_secret_given_twice_or_in_no_file_is_refused(tmp_path: Path) -> None:
    """Nobody should have to guess which of two was taken."""
    with pytest.raises(SettingsError, match="both set"):
        Settings.from_environment({"TRIAGE_REDIS_URL": "redis://a", "TRIAGE_REDIS_URL_FILE": "/x"})
    with pytest.raises(SettingsError, match="can't be read"):
        Settings.from_environment({"TRIAGE_REDIS_URL_FILE": str(tmp_path / "missing")})


def test_the_redis_of_a_running_triage_up_is_found(tmp_path: Path) -> None:
    """Else `triage follow` beside `make run` needs a URL that nobody knows. What the environment says goes first."""
    (tmp_path / URL_FILE).write_text("redis://127.0.0.1:7777/0\n")
    beside = {"TRIAGE_DATA_DIR": str(tmp_path)}
    assert Settings.from_environment(beside).redis_url == "redis://127.0.0.1:7777/0"
    assert not names_redis(beside)
    told = {**beside, "TRIAGE_REDIS_URL": "redis://cache"}
    assert Settings.from_environment(told).redis_url == "redis://cache"
    assert names_redis(told)


def test_only_secrets_can_come_from_a_file() -> None:
    """A NAME_FILE for anything else is a misunderstanding, and is refused as such."""
    with pytest.raises(SettingsError, match="unknown setting"):
        Settings.from_environment({"TRIAGE_MAX_DELIVERIES_FILE": "/x"})


def test_a_password_is_in_no_text_that_could_be_logged() -> None:
    """Settings and their errors end up in logs."""
    assert "s3cret" not in repr(Settings(redis_url="redis://:s3cret@cache"))
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({"TRIAGE_REDIS_URL": "http://:s3cret@cache"})
    assert "s3cret" not in str(caught.value)


def test_the_documented_table_is_the_one_in_the_code() -> None:
    """docs/reference/settings.md can't fall behind."""
    assert settings_table() in (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")


def test_encryption_needs_real_keys_and_a_secret_and_never_shows_them() -> None:
    """A short secret is guessed; a key that is none would be found at the first report."""
    good, secret = Fernet.generate_key().decode(), "s" * 32
    settings = Settings(encryption_keys=f"{good}\n{good}", index_secret=secret)
    assert settings.encryption == (good, good)
    assert settings.encryption and not Settings().encryption
    assert good not in repr(settings) and secret not in repr(settings)
    for told, says in [
        ({"encryption_keys": "x" * 44, "index_secret": secret}, "not a Fernet key"),
        ({"encryption_keys": good}, "TRIAGE_INDEX_SECRET is required"),
        ({"encryption_keys": good, "index_secret": "tiny!"}, "shorter than 32"),
    ]:
        with pytest.raises(SettingsError, match=says) as refused:
            Settings(**told)
        assert not any(value in str(refused.value) for value in told.values())


def test_a_short_secret_of_the_pages_is_refused() -> None:
    """Whoever guesses it signs in as anybody."""
    with pytest.raises(SettingsError, match="TRIAGE_PAGES_SECRET"):
        Settings(pages_secret="s" * 31)
    assert "sss" not in repr(Settings(pages_secret="s" * 32))


def test_commands_find_the_secret_that_up_left(tmp_path: Path) -> None:
    (tmp_path / PAGES_FILE).write_text("s" * 32, encoding="utf-8")
    assert Settings.from_environment({"TRIAGE_DATA_DIR": str(tmp_path)}).pages_secret == "s" * 32
    own = {"TRIAGE_DATA_DIR": str(tmp_path), "TRIAGE_PAGES_SECRET": "t" * 32}
    assert Settings.from_environment(own).pages_secret == "t" * 32


@pytest.mark.parametrize(
    ("wrong", "meant"), [("TRIAGE_PROT", "PORT"), ("TRIAGE_PORT", "PORT"), ("TRIAGE_HSOT", "TRIAGE_HOST")]
)
def test_what_all_names_begin_with_makes_none_the_likelier(wrong: str, meant: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({wrong: "1"})
    assert str(caught.value) == f"{wrong}: unknown setting; did you mean {meant}?"


@pytest.mark.parametrize("empty", ["", " "])
def test_an_empty_name_of_a_file_is_told_as_such(empty: str) -> None:
    """Compose puts in an empty text for a variable that isn't set."""
    with pytest.raises(SettingsError, match="TRIAGE_INDEX_SECRET_FILE: is empty"):
        Settings.from_environment({"TRIAGE_INDEX_SECRET_FILE": empty})


def test_what_up_left_and_cannot_be_read_is_told_by_its_place(tmp_path: Path) -> None:
    (tmp_path / URL_FILE).mkdir()
    with pytest.raises(SettingsError, match=f"TRIAGE_DATA_DIR: .*{URL_FILE} can't be read"):
        Settings.from_environment({"TRIAGE_DATA_DIR": str(tmp_path)})
