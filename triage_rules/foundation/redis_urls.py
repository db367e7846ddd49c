"""URLs of Redis: `redis://` unchanged, `rediss://` only with verification of the server."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
"""Parameters of a `rediss://` URL: files of the CA of the server's certificate, our certificate, our key."""

_VERIFIED = {"ssl_cert_reqs": "required", "ssl_check_hostname": "true"}


def fault_of(url: str) -> str | None:
    """Return the fault of a URL, in words that repeat nothing of it; None if it is valid."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("redis", "rediss") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # an invalid port or address
        good = False
    if not good:
        return "expected redis://HOST:PORT/DB or rediss://HOST:PORT/DB"
    if parts.scheme == "rediss" and not all(name in _FILES for name, _ in _query(url)):
        return f"expected only {', '.join(_FILES)} after the `?`; the server is always verified"
    return None


def for_celery(url: str) -> str:
    """Return the URL for kombu, which verifies a `rediss://` server only if the URL asks for it."""
    if not url.startswith("rediss:"):
        return url
    return urlsplit(url)._replace(query=urlencode({**dict(_query(url)), **_VERIFIED})).geturl()


def _query(url: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(url).query, keep_blank_values=True)
