"""The environment: read once, typed, refused by name.

The table in docs/reference/settings.md is made from the fields below; a test keeps both equal.
"""

from __future__ import annotations

import dataclasses
import difflib
import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, cast
from urllib.parse import urlsplit

from triage_rules.foundation import redis_urls
from triage_rules.foundation.errors import SettingsError
from triage_rules.foundation.patterns import KEY, RATE, is_encryption_key

PREFIX = "TRIAGE_"
PORT_MAX = 65_535
REDIS_PORT = 6379
SECRET_MIN = 32
URL_FILE = "redis-url"
"""Where, in the data directory, `triage up` leaves the URL of the Redis that it runs."""

PAGES_FILE = "pages-secret"
"""Where `triage up` leaves the secret that it makes for the pages: links outlive it, and commands can sign them."""

FILE_SUFFIX = "_FILE"
"""A secret NAME may be given as NAME_FILE instead: the path of a file that holds it."""


def _setting(  # noqa: PLR0913 - all but two by name
    default: Any,
    says: str,
    *,
    unit: str = "",
    env: str = "",
    minimum: int = 1,
    secret: bool = False,
    kind: type | None = None,
) -> Any:
    """A field with its meaning. `minimum` counts for numbers; `env` if the name isn't TRIAGE_ and the field's.

    `kind`: if it can't be told from the default.
    """
    metadata = {"says": says, "unit": unit, "env": env, "minimum": minimum, "secret": secret, "kind": kind}
    return field(default=default, metadata=metadata, repr=not secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings. Times in the unit that the name says."""

    redis_url: str = _setting(
        "redis://127.0.0.1:6379/0",
        "Where Redis is: `redis://`, or `rediss://` for TLS, with user and password if any; see docs/howto/redis.md.",
        secret=True,
    )
    data_dir: Path = _setting(Path("var"), "Where this machine's processes keep files.")  # noqa: RUF009 - makes a field
    host: str = _setting("127.0.0.1", "Address that the service listens on. Other than loopback only with API keys.")
    auth: bool | None = _setting(
        None,
        "Whether callers need an API key: on or off. If not set: off on loopback, else on; off is refused elsewhere.",
        kind=bool,
    )
    api_key: str = _setting("", "The API key that `triage post` sends.", secret=True)
    rate_limit: str = _setting(
        "6000/minute",
        "Requests of one client, each report of a batch counted, where there are API keys; a key may say otherwise.",
    )
    port: int = _setting(8080, "Port that the service listens on.", env="PORT")
    source: str = _setting("triage-rules", "`ce_source` of the published events.")
    second_opinion: bool = _setting(True, "Decide each report a second time with the reference evaluator: on or off.")
    max_deliveries: int = _setting(5, "Attempts at a report before it becomes a dead letter.")
    sweep_seconds: int = _setting(5, "How often forgotten reports are looked for.", unit="s")
    pending_seconds: int = _setting(30, "A report that waits longer is enqueued again.", unit="s")
    max_queue_age_seconds: int = _setting(
        300,
        "If the oldest report waits longer, no more are accepted; for urgent ones, if the oldest urgent one does.",
        unit="s",
    )
    task_soft_seconds: int = _setting(10, "An evaluation that takes longer is interrupted.", unit="s")
    task_hard_seconds: int = _setting(20, "A worker process whose task takes longer is killed.", unit="s")
    worker_concurrency: int = _setting(2, "Processes of one worker.")
    heartbeat_seconds: int = _setting(5, "How often a worker says that it is there.", unit="s")
    stuck_seconds: int = _setting(
        60,
        "A worker that gets nothing done for so long, although work waits, ends itself, to be started anew.",
        unit="s",
    )
    retention_days: int = _setting(30, "How long settled reports are kept, with their results.", unit="days")
    event_retention_days: int = _setting(
        30,
        "How long results are kept in the stream; for a group that hasn't finished, up to twice as long.",
        unit="days",
    )
    dead_letter_retention_days: int = _setting(30, "How long dead letters are kept, also those of groups.", unit="days")
    proposal_retention_days: int = _setting(30, "How long proposals to make a ruleset live are kept.", unit="days")
    idempotency_hours: int = _setting(24, "How long an Idempotency-Key is remembered.", unit="h")
    history_hours: int = _setting(48, "How long a subject's published levels are remembered.", unit="h", minimum=24)
    log_megabytes: int = _setting(10, "Size at which `triage up` begins a log anew; one older is kept.", unit="MB")
    encryption_keys: str = _setting(
        "",
        "Fernet keys, one a line or with commas between: the first encrypts what is stored of reports, all decrypt. "
        "See docs/howto/privacy.md.",
        secret=True,
    )
    index_secret: str = _setting(
        "",
        f"Secret that subjects and idempotency keys are hashed with, at least {SECRET_MIN} characters; "
        "required if there are encryption keys. Stays the same when these are changed.",
        secret=True,
    )
    pages_secret: str = _setting(
        "",
        f"Secret that signs the pages' sessions and links to forms, at least {SECRET_MIN} characters. Without it there "
        "are no such links, and people sign in again after each restart.",
        secret=True,
    )
    max_report_bytes: int = _setting(65_536, "Largest report.", unit="bytes")
    max_batch_bytes: int = _setting(8_388_608, "Largest batch.", unit="bytes")
    batch_chunk: int = _setting(50, "Reports of a batch that go to a worker together.")
    wait_max_seconds: int = _setting(10, "Longest time that `Prefer: wait` is obeyed for.", unit="s", minimum=0)

    def __post_init__(self) -> None:
        if fault := redis_urls.fault_of(self.redis_url):
            raise SettingsError(f"TRIAGE_REDIS_URL: {fault}")
        if not 0 < self.port <= PORT_MAX:
            raise SettingsError(f"PORT: {self.port} is no port; expected 1 to {PORT_MAX}")
        if self.auth is False and not is_loopback(self.host):
            raise SettingsError(
                f"TRIAGE_AUTH: off, but TRIAGE_HOST {self.host} can be reached from elsewhere; "
                "without API keys only loopback will do, such as 127.0.0.1"
            )
        if self.api_key and not KEY.fullmatch(self.api_key):
            raise SettingsError("TRIAGE_API_KEY: expected a key as `triage key make` shows it, trk_...")
        if not RATE.fullmatch(self.rate_limit):
            raise SettingsError(f"TRIAGE_RATE_LIMIT: {self.rate_limit!r}; expected, for instance, 600/minute")
        if self.pages_secret and len(self.pages_secret) < SECRET_MIN:
            raise SettingsError(
                f"TRIAGE_PAGES_SECRET: shorter than {SECRET_MIN} characters; try `openssl rand -hex 32`"
            )
        _check_encryption(self)
        _check_order(self, "task_soft_seconds", "task_hard_seconds")
        _check_order(self, "task_hard_seconds", "stuck_seconds")
        _check_order(self, "sweep_seconds", "max_queue_age_seconds")
        _check_order(self, "pending_seconds", "max_queue_age_seconds")
        if self.idempotency_hours > self.retention_days * 24:
            raise SettingsError(
                f"TRIAGE_IDEMPOTENCY_HOURS ({self.idempotency_hours}) must not be more than TRIAGE_RETENTION_DAYS "
                f"({self.retention_days} days): a key would lead to a report that is gone"
            )

    @property
    def auth_on(self) -> bool:
        """Whether callers need an API key; without, every call from this machine is answered."""
        return not is_loopback(self.host) if self.auth is None else self.auth

    @property
    def address(self) -> str:
        """Where the service listens: `HOST:PORT`, a version 6 address in brackets."""
        return f"{_bracketed(self.host)}:{self.port}"

    @property
    def own_url(self) -> str:
        """Where a program on this machine reaches the service."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - listens on all, calls one
        return f"http://{_bracketed(host)}:{self.port}"

    @property
    def broker_url(self) -> str:
        """The same Redis, for Celery."""
        return redis_urls.for_celery(self.redis_url)

    @property
    def redis_place(self) -> str:
        """The Redis that is meant, for people: `HOST:PORT/DB`, no user and no password."""
        url = urlsplit(self.redis_url)
        return f"{_bracketed(url.hostname or '')}:{url.port or REDIS_PORT}/{url.path.strip('/') or 0}"

    @property
    def encryption(self) -> tuple[str, ...]:
        """The encryption keys; none: nothing is encrypted."""
        return tuple(self.encryption_keys.replace(",", " ").split())

    @property
    def worker_within_ms(self) -> int:
        """A worker that was silent for longer is not counted as there: three heartbeats, at least half a minute."""
        return max(30, 3 * self.heartbeat_seconds) * 1000

    @property
    def stalled_seconds(self) -> float:
        """A worker that gets nothing done for longer isn't ready: half the time to its end, more than any task has."""
        return max(self.stuck_seconds / 2, self.task_hard_seconds)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Raises SettingsError for an unknown TRIAGE_* name and for a value that can't be."""
        fields = {_env(f): f for f in _fields()}
        _refuse_unknown(environ, fields)
        values = {}
        for name, one in fields.items():
            text = _text(environ, name, secret=one.metadata["secret"])
            if text is not None:
                values[one.name] = _typed(name, text, one.metadata["kind"] or type(one.default), one.metadata)
        data_dir = values.get("data_dir", cls.__dataclass_fields__["data_dir"].default)
        for name, left in (("redis_url", URL_FILE), ("pages_secret", PAGES_FILE)):
            if name not in values:
                values |= _left_by_up(name, data_dir / left)
        return cls(**values)


def names_redis(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the environment says where Redis is, so that none needs to be started."""
    return f"{PREFIX}REDIS_URL" in environ or f"{PREFIX}REDIS_URL{FILE_SUFFIX}" in environ


def _left_by_up(name: str, file: Path) -> dict[str, str]:
    """What `triage up` left in its data directory, if it did: so that other commands find it."""
    try:
        return {name: file.read_text(encoding="utf-8").strip()} if file.exists() else {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"TRIAGE_DATA_DIR: {file} can't be read ({type(error).__name__})") from None


def settings_table() -> str:
    """All settings as a Markdown table, in the order of the fields."""
    rows = ["| name | default | meaning |", "|---|---|---|"]
    for one in _fields():
        meta = one.metadata
        unit = f" {meta['unit']}" if meta["unit"] else ""
        says = meta["says"] + (f" Also as `{_env(one)}{FILE_SUFFIX}`." if meta["secret"] else "")
        default = f"`{_shown(one.default)}`{unit}" if one.default not in ("", None) else "not set"
        rows.append(f"| `{_env(one)}` | {default} | {says} |")
    return "\n".join(rows) + "\n"


def _fields() -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(Settings)


def _env(one: dataclasses.Field[Any]) -> str:
    return cast(str, one.metadata["env"]) or PREFIX + one.name.upper()


def _shown(value: object) -> str:
    match value:
        case bool():
            return "on" if value else "off"
        case Path():
            return f"./{value}"
        case _:
            return str(value)


def _refuse_unknown(environ: Mapping[str, str], fields: Mapping[str, dataclasses.Field[Any]]) -> None:
    known = set(fields) | {name + FILE_SUFFIX for name, one in fields.items() if one.metadata["secret"]}
    unknown = sorted(name for name in environ if name.startswith(PREFIX) and name not in known)
    if not unknown:
        return
    short = {name.removeprefix(PREFIX): name for name in known}  # what all begin with makes none the likelier
    said = []
    for name in unknown:
        near = difflib.get_close_matches(name.removeprefix(PREFIX), sorted(short), n=1)
        said.append(f"{name}: unknown setting" + (f"; did you mean {short[near[0]]}?" if near else ""))
    raise SettingsError("\n".join(said))


def _text(environ: Mapping[str, str], name: str, *, secret: bool) -> str | None:
    """The setting as written, from the environment or, for a secret, from the file that it names."""
    file_name = name + FILE_SUFFIX
    if not secret or file_name not in environ:
        return environ.get(name)
    if name in environ:
        raise SettingsError(f"{name} and {file_name} are both set; expected one of them")
    if not environ[file_name].strip():
        raise SettingsError(f"{file_name}: is empty; expected the path of a file, or unset it")
    try:
        return Path(environ[file_name]).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file_name}: the file can't be read ({type(error).__name__})") from None


def _typed(name: str, text: str, kind: type, meta: Mapping[str, Any]) -> Any:
    """`text` as a `kind`. A secret is never repeated in the error, so only numbers and switches show theirs."""
    if not text.strip():
        raise SettingsError(f"{name}: is empty; unset it for the default")
    if kind is bool:
        if text not in ("on", "off"):
            raise SettingsError(f"{name}: {text!r}; expected on or off")
        return text == "on"
    if kind is int:
        if not (text.isascii() and text.isdigit()):
            raise SettingsError(f"{name}: {text!r}; expected a whole number")
        if int(text) < meta["minimum"]:
            raise SettingsError(f"{name}: {text}; expected at least {meta['minimum']}")
        return int(text)
    return kind(text)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches that host: a name or an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_encryption(settings: Settings) -> None:
    if not all(map(is_encryption_key, settings.encryption)):
        raise SettingsError(
            "TRIAGE_ENCRYPTION_KEYS: a key is no Fernet key; make one with `openssl rand -base64 32 | tr '+/' '-_'`"
        )
    if settings.index_secret and len(settings.index_secret) < SECRET_MIN:
        raise SettingsError(f"TRIAGE_INDEX_SECRET: shorter than {SECRET_MIN} characters; try `openssl rand -hex 32`")
    if settings.encryption and not settings.index_secret:
        raise SettingsError("TRIAGE_ENCRYPTION_KEYS: TRIAGE_INDEX_SECRET is required too; try `openssl rand -hex 32`")


def _check_order(settings: Settings, less: str, more: str) -> None:
    low, high = getattr(settings, less), getattr(settings, more)
    if low >= high:
        raise SettingsError(f"{PREFIX}{less.upper()} ({low}) must be less than {PREFIX}{more.upper()} ({high})")
