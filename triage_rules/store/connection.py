"""The connection to Redis that all parts of the store share, and StoreUnavailable for each way in which it can fail."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources

import redis
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.exceptions import ClusterDownError, InvalidResponse, NoPermissionError, NoScriptError
from redis.retry import Retry

from triage_rules.foundation.encryption import Encryption
from triage_rules.foundation.errors import CredentialsRefused, StoreUnavailable
from triage_rules.foundation.settings import Settings
from triage_rules.store.clock import StoreClock
from triage_rules.store.keyspace import ENCRYPTION_CHECK

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 5.0
"""How long a reply may take. Blocking reads must ask for less."""

ENCRYPTION_CHECKED_SECONDS = 10.0
ENCRYPTION_CHECK_TEXT = "encrypted"

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
"""Error replies of a Redis that can be reached and can't serve now, or has lost a group with its data.

Any other error reply is a bug of ours.
"""

_REFUSED = (
    redis.ConnectionError,
    redis.TimeoutError,
    redis.OutOfMemoryError,
    redis.ReadOnlyError,
    NoPermissionError,
    ClusterDownError,  # also of a replica without its master
    NoScriptError,  # forgotten again between loading and calling it
)
"""redis-py's classes for some of these replies; it removes the code word from their text."""

_IN_A_PIPELINE = "pipeline caused error: "
"""redis-py's prefix to an error of a pipeline: the code word is no longer the first."""


def connect(url: str, *, any_bytes: bool = False) -> redis.Redis:
    """Return a client with text replies that connects at the first call.

    any_bytes: bytes that are not UTF-8 become lone surrogates; otherwise they raise UnicodeDecodeError.

    A command on a dead connection is sent a second time (every script may run twice). A command without a reply in time
    is not: Redis is too slow already.
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


def load_script(client: redis.Redis, name: str, *functions: str) -> Script:
    """Return the Lua script of that name; it is sent to the server at the first call.

    functions: names of files whose functions the script calls; they are read in front of it.
    """
    folder = resources.files("triage_rules.store")
    texts = [folder.joinpath(f"{each}.lua").read_text(encoding="utf-8") for each in (*functions, name)]
    return client.register_script("\n".join(texts))


@contextmanager
def refusals_translated() -> Iterator[None]:
    """Raise StoreUnavailable when Redis is away, full, busy or only a replica."""
    try:
        yield
    except redis.AuthenticationError as error:
        raise CredentialsRefused("Redis refuses this name and password") from error
    except InvalidResponse as error:
        raise StoreUnavailable("what answers there is no Redis; look at TRIAGE_REDIS_URL") from error
    except (redis.ConnectionError, redis.TimeoutError) as error:
        raise StoreUnavailable(f"Redis can't be reached ({type(error).__name__})") from error
    except redis.ResponseError as error:
        if is_refusal(error):
            raise StoreUnavailable(f"Redis refuses ({type(error).__name__})") from error
        raise


def is_refusal(error: Exception) -> bool:
    """Return whether an error reply means "not now". Older servers wrap the code word in the text of a script error."""
    if isinstance(error, _REFUSED):
        return True
    words = str(error).rpartition(_IN_A_PIPELINE)[2].split()
    return bool(words) and (words[0] in (*REFUSALS, NO_GROUP) or any(f"-{word}" in words for word in REFUSALS))


class Connection:
    """Client, settings, encryption and clock of one store. Connects at the first call."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.client = connect(settings.redis_url)
        self.encryption = Encryption.from_settings(settings)
        self.clock = StoreClock(self._read_time_ms)
        self._next_encryption_check = float("-inf")

    def script(self, name: str, *functions: str) -> Script:
        """Return the Lua script of that name; `functions` as in `load_script`."""
        return load_script(self.client, name, *functions)

    def check_encryption(self) -> None:
        """Raise DecryptionError if the store is encrypted under other keys than those that are set, or none is set."""
        with refusals_translated():
            stored = self.client.get(ENCRYPTION_CHECK)
            if stored is None and self.encryption:
                encrypted = self.encryption.encrypt(ENCRYPTION_CHECK_TEXT, "", ENCRYPTION_CHECK)
                self.client.set(ENCRYPTION_CHECK, encrypted, nx=True)
                stored = self.client.get(ENCRYPTION_CHECK)
        if stored is not None:
            self.encryption.decrypt(str(stored), "", ENCRYPTION_CHECK)

    def ensure_encryption(self) -> None:
        """Check the encryption every few seconds: call it before a write that other processes must be able to read."""
        now = time.monotonic()
        if now >= self._next_encryption_check:
            self.check_encryption()
            self._next_encryption_check = now + ENCRYPTION_CHECKED_SECONDS

    def close(self) -> None:
        """Close the client's connections."""
        self.client.close()

    def _read_time_ms(self) -> int:
        with refusals_translated():
            seconds, microseconds = self.client.time()
        return int(seconds) * 1000 + int(microseconds) // 1000
