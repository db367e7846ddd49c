"""A connection to Redis, and the one word for all the ways in which Redis can be away: LedgerUnavailable."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import redis
from redis.backoff import NoBackoff
from redis.exceptions import ClusterDownError, InvalidResponse, NoPermissionError, NoScriptError
from redis.retry import Retry

from triage_rules.foundation.errors import CredentialsRefused, LedgerUnavailable

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 5.0
"""How long an answer may take. Blocking reads must ask for less."""

REFUSALS = (
    "OOM",
    "READONLY",
    "BUSY",
    "LOADING",
    "MISCONF",
    "NOREPLICAS",
    "MASTERDOWN",
    "CLUSTERDOWN",
    "NOAUTH",
    "NOPERM",
)
NO_GROUP = "NOGROUP"
"""Replies by which a Redis that can be reached says that it can't serve now, or that a group is lost with its data.

Any other error reply is a bug of ours.
"""

_REFUSED = (
    redis.ConnectionError,
    redis.TimeoutError,
    redis.OutOfMemoryError,
    redis.ReadOnlyError,
    NoPermissionError,
    ClusterDownError,  # also of a replica without its master
    NoScriptError,  # forgotten once more between teaching and calling it
)
"""As redis-py names some of them; it takes their word off the text."""

_IN_A_PIPELINE = "pipeline caused error: "
"""What redis-py puts before the text of an error, after the command; so the word is no longer the first."""


def connect(url: str, *, any_bytes: bool = False) -> redis.Redis:
    """A client with text answers that connects at first use.

    `any_bytes`: bytes that are no UTF-8 come as lone surrogates; else they raise UnicodeDecodeError.

    A command whose connection turns out to be dead is sent once more (every script may run twice);
    one that got no answer in time isn't: Redis is too slow already.
    """
    return redis.Redis.from_url(
        url,
        decode_responses=True,
        encoding_errors="surrogateescape" if any_bytes else "strict",
        protocol=2,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        socket_keepalive=True,
        health_check_interval=30,
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
    )


@contextmanager
def refusals_translated() -> Iterator[None]:
    """Turn what Redis says when it is away, full, busy or only a replica into LedgerUnavailable."""
    try:
        yield
    except redis.AuthenticationError as error:
        raise CredentialsRefused("Redis refuses this name and password") from error
    except InvalidResponse as error:
        raise LedgerUnavailable("what answers there is no Redis; look at TRIAGE_REDIS_URL") from error
    except (redis.ConnectionError, redis.TimeoutError) as error:
        raise LedgerUnavailable(f"Redis can't be reached ({type(error).__name__})") from error
    except redis.ResponseError as error:
        if is_refusal(error):
            raise LedgerUnavailable(f"Redis refuses ({type(error).__name__})") from error
        raise


def is_refusal(error: Exception) -> bool:
    """Whether an error reply means "not now". Older servers wrap the word in the text of a script error."""
    if isinstance(error, _REFUSED):
        return True
    words = str(error).rpartition(_IN_A_PIPELINE)[2].split()
    return bool(words) and (words[0] in (*REFUSALS, NO_GROUP) or any(f"-{word}" in words for word in REFUSALS))
