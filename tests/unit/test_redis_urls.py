"""What a URL of Redis may say."""

from __future__ import annotations

import ssl

import pytest
from kombu.utils.url import parse_url

from triage_rules.foundation.errors import SettingsError
from triage_rules.foundation.settings import Settings

TLS = "rediss://web:s%40cret@cache:6380/0"


@pytest.mark.parametrize(
    "query", ["ssl_cert_reqs=none", "ssl_check_hostname=false", "ssl_ca_certs=/ca&ssl_cert_reqs=", "x"]
)
def test_nobody_can_switch_off_the_verification(query: str) -> None:
    """A connection to whoever answers is no better than a plain one."""
    with pytest.raises(SettingsError, match="ssl_ca_certs") as refused:
        Settings(redis_url=f"{TLS}?{query}")
    assert "cret" not in str(refused.value)


def test_celery_is_told_to_verify() -> None:
    """Without a word on it, kombu takes any certificate."""
    told = parse_url(Settings(redis_url=f"{TLS}?ssl_ca_certs=/etc/ca%20file.pem").broker_url)
    assert told["ssl"] == {
        "ssl_ca_certs": "/etc/ca file.pem",
        "ssl_cert_reqs": ssl.CERT_REQUIRED,
        "ssl_check_hostname": True,
    }
    assert (told["userid"], told["password"], told["hostname"], told["port"]) == ("web", "s@cret", "cache", 6380)
    assert parse_url(Settings(redis_url=TLS).broker_url)["ssl"]["ssl_cert_reqs"] == ssl.CERT_REQUIRED


def test_a_plain_url_stays_as_it_is() -> None:
    url = "redis://:s@cache:6379/1"
    assert Settings(redis_url=url).broker_url == url
