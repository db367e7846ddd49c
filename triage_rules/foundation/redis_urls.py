"""What a URL of Redis may say: `redis://` as it is, `rediss://` only so that the other end is verified."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
"""May stand behind the `?` of a `rediss://` URL: files of the CA that vouches for Redis, our certificate, our key."""

_VERIFIED = {"ssl_cert_reqs": "required", "ssl_check_hostname": "true"}


def fault_of(url: str) -> str | None:
    """What is wrong with the URL, in words that repeat nothing of it; None: nothing."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("redis", "rediss") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port or an address that is none
        good = False
    if not good:
        return "expected redis://HOST:PORT/DB or rediss://HOST:PORT/DB"
    if parts.scheme == "rediss" and not all(name in _FILES for name, _ in _query(url)):
        return f"expected nothing behind the `?` but {', '.join(_FILES)}; who Redis is, is always verified"
    return None


def for_celery(url: str) -> str:
    """The URL for kombu, which verifies nothing of a `rediss://` unless it is told to."""
    if not url.startswith("rediss:"):
        return url
    return urlsplit(url)._replace(query=urlencode({**dict(_query(url)), **_VERIFIED})).geturl()


def _query(url: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(url).query, keep_blank_values=True)
