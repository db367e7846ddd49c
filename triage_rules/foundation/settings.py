"""Settings: environment variables, read once, typed, rejected by name.

The tables in docs/reference/settings.md are generated from the fields below; a test keeps both equal.
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
from triage_rules.foundation.contacts import CONTACT_SETTING, ContactChoice, is_contact_setting, read_contact_choice
from triage_rules.foundation.errors import SettingsError
from triage_rules.foundation.patterns import KEY, RATE, is_encryption_key

PREFIX = "TRIAGE_"
PORT_MAX = 65_535
REDIS_PORT = 6379
SECRET_MIN = 32
URL_FILE = "redis-url"
"""The file in the data directory to which `triage up` writes the URL of its Redis."""

PAGES_FILE = "pages-secret"
"""The file to which `triage up` writes the pages' secret: links outlive a restart, and commands can sign them."""

FILE_SUFFIX = "_FILE"
"""The suffix for the path of a file that holds a secret: NAME_FILE instead of NAME."""


def _setting(  # noqa: PLR0913 - all but two by name
    default: Any,
    meaning: str,
    *,
    group: str,
    unit: str = "",
    env: str = "",
    minimum: int = 1,
    secret: bool = False,
    kind: type | None = None,
) -> Any:
    """Make a field with its meaning and the heading it is documented under.

    `minimum` counts for numbers. `env`: the name, if it isn't TRIAGE_ and the field's. `kind`: the type, if the default
    has another.
    """
    metadata = {"meaning": meaning, "group": group, "unit": unit, "env": env, "minimum": minimum, "secret": secret}
    return field(default=default, metadata=metadata | {"kind": kind}, repr=not secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings. Times are in the unit in the name."""

    redis_url: str = _setting(
        "redis://127.0.0.1:6379/0",
        "The URL of Redis: `redis://`, or `rediss://` for TLS, with user and password if any; see docs/howto/redis.md.",
        secret=True,
        group="Redis and files",
    )
    data_dir: Path = _setting(  # noqa: RUF009 - makes a field
        Path("var"), "The folder for files of this machine's processes.", group="Redis and files"
    )
    log_megabytes: int = _setting(
        10,
        "The size at which `triage up` starts a new log; it keeps one older log.",
        unit="MB",
        group="Redis and files",
    )
    host: str = _setting(
        "127.0.0.1", "The address that the service listens on. Other than loopback only with API keys.", group="Service"
    )
    port: int = _setting(8080, "The port that the service listens on.", env="PORT", group="Service")
    auth: bool | None = _setting(
        None,
        "Whether callers need an API key: on or off. If not set: off on loopback, otherwise on; off is rejected "
        "elsewhere.",
        kind=bool,
        group="Service",
    )
    rate_limit: str = _setting(
        "6000/minute",
        "The limit for each client where API keys are on; each report of a batch counts. A key may have its own limit.",
        group="Service",
    )
    wait_max_seconds: int = _setting(
        10, "The longest time that `Prefer: wait` is honoured for.", unit="s", minimum=0, group="Service"
    )
    max_report_bytes: int = _setting(65_536, "The largest report.", unit="bytes", group="Service")
    max_batch_bytes: int = _setting(8_388_608, "The largest batch.", unit="bytes", group="Service")
    source: str = _setting("triage-rules", "`ce_source` of the published events.", group="Evaluation")
    second_opinion: bool = _setting(
        True, "Decide each report a second time with the reference evaluator: on or off.", group="Evaluation"
    )
    publish_next_screen: bool = _setting(
        False,
        "Add the next screen of the interview (`interview.next`) to published results: on or off. It takes a worker "
        "some milliseconds a report.",
        group="Evaluation",
    )
    country: str = _setting(
        "",
        "The country whose contacts, such as the emergency number, stand in texts: two capitals (ISO 3166-1), such as "
        "`GB`. Without it they have their defaults in the ruleset. Web and workers need the same.",
        group="Evaluation",
    )
    contacts: tuple[tuple[str, str], ...] = _setting(
        (),
        "A contact's value in place of the country's, by its name: `TRIAGE_CONTACT_EMERGENCY_NUMBER` for "
        "`{emergency_number}`.",
        env=f"{CONTACT_SETTING}…",
        group="Evaluation",
    )
    max_deliveries: int = _setting(5, "The attempts at a report before it becomes a dead letter.", group="Evaluation")
    batch_chunk: int = _setting(50, "The reports of a batch that go to a worker together.", group="Queue")
    sweep_seconds: int = _setting(
        5, "The time between two searches for reports that were accepted and never evaluated.", unit="s", group="Queue"
    )
    pending_seconds: int = _setting(30, "A report that waits longer is enqueued again.", unit="s", group="Queue")
    max_queue_age_seconds: int = _setting(
        300,
        "If the oldest report waits longer, no more are accepted; for urgent ones, if the oldest urgent one does.",
        unit="s",
        group="Queue",
    )
    worker_concurrency: int = _setting(2, "The processes of one worker.", group="Workers")
    task_soft_seconds: int = _setting(10, "An evaluation that takes longer is interrupted.", unit="s", group="Workers")
    task_hard_seconds: int = _setting(
        20, "A worker process whose task takes longer is killed.", unit="s", group="Workers"
    )
    heartbeat_seconds: int = _setting(5, "The time between two heartbeats of a worker.", unit="s", group="Workers")
    stuck_seconds: int = _setting(
        60,
        "A worker that finishes nothing for this long, although reports wait, exits, to be started again.",
        unit="s",
        group="Workers",
    )
    retention_days: int = _setting(
        30, "How long settled reports are kept, with their results.", unit="days", group="Retention"
    )
    event_retention_days: int = _setting(
        30,
        "How long results stay in the stream; for a group that has not read them, up to twice as long.",
        unit="days",
        group="Retention",
    )
    dead_letter_retention_days: int = _setting(
        30, "How long dead letters are kept, those of groups too.", unit="days", group="Retention"
    )
    proposal_retention_days: int = _setting(
        30, "How long proposals to make a ruleset live are kept.", unit="days", group="Retention"
    )
    idempotency_hours: int = _setting(24, "How long an Idempotency-Key is remembered.", unit="h", group="Retention")
    history_hours: int = _setting(
        48, "How long a subject's published levels are remembered.", unit="h", minimum=24, group="Retention"
    )
    api_key: str = _setting("", "The API key that `triage post` sends.", secret=True, group="Secrets")
    encryption_keys: str = _setting(
        "",
        "Fernet keys, one a line or separated by commas: the first encrypts stored reports, all decrypt. "
        "See docs/howto/privacy.md.",
        secret=True,
        group="Secrets",
    )
    index_secret: str = _setting(
        "",
        f"The secret for hashes of subjects and idempotency keys, at least {SECRET_MIN} characters; "
        "required with encryption keys. Keep it when you change those.",
        secret=True,
        group="Secrets",
    )
    pages_secret: str = _setting(
        "",
        f"The secret that signs the pages' sessions and links to forms, at least {SECRET_MIN} characters. Without it "
        "there are no such links, and people sign in again after each restart.",
        secret=True,
        group="Secrets",
    )

    def __post_init__(self) -> None:
        if fault := redis_urls.fault_of(self.redis_url):
            raise SettingsError(f"TRIAGE_REDIS_URL: {fault}")
        if not 0 < self.port <= PORT_MAX:
            raise SettingsError(f"PORT: {self.port}; expected 1 to {PORT_MAX}")
        if self.auth is False and not is_loopback(self.host):
            raise SettingsError(
                f"TRIAGE_AUTH: off, but TRIAGE_HOST {self.host} can be reached from other machines; "
                "without API keys use a loopback address, such as 127.0.0.1"
            )
        if self.api_key and not KEY.fullmatch(self.api_key):
            raise SettingsError("TRIAGE_API_KEY: expected a key as printed by `triage key make`, trk_...")
        if not RATE.fullmatch(self.rate_limit):
            raise SettingsError(f"TRIAGE_RATE_LIMIT: {self.rate_limit!r}; expected a rate such as 600/minute")
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
                f"({self.retention_days} days): a key would lead to an expired report"
            )

    @property
    def contact_choice(self) -> ContactChoice:
        """Return the choice of the contacts in texts."""
        return ContactChoice(self.country or None, self.contacts)

    @property
    def auth_on(self) -> bool:
        """Return whether callers need an API key; if not, every call from this machine is answered."""
        return not is_loopback(self.host) if self.auth is None else self.auth

    @property
    def address(self) -> str:
        """Return the address that the service listens on: `HOST:PORT`, a version 6 address in brackets."""
        return f"{_bracketed(self.host)}:{self.port}"

    @property
    def own_url(self) -> str:
        """Return the URL at which a program on this machine reaches the service."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - listens on all, calls one
        return f"http://{_bracketed(host)}:{self.port}"

    @property
    def broker_url(self) -> str:
        """Return the URL of the same Redis for Celery."""
        return redis_urls.for_celery(self.redis_url)

    @property
    def redis_place(self) -> str:
        """Return the address of Redis for people: `HOST:PORT/DB`, without user and password."""
        url = urlsplit(self.redis_url)
        return f"{_bracketed(url.hostname or '')}:{url.port or REDIS_PORT}/{url.path.strip('/') or 0}"

    @property
    def encryption(self) -> tuple[str, ...]:
        """Return the encryption keys; without keys nothing is encrypted."""
        return tuple(self.encryption_keys.replace(",", " ").split())

    @property
    def worker_within_ms(self) -> int:
        """Return the silence after which a worker no longer counts: three heartbeats, at least half a minute."""
        return max(30, 3 * self.heartbeat_seconds) * 1000

    @property
    def stalled_seconds(self) -> float:
        """Return the time without progress after which a worker isn't ready: longer than any task, before it exits."""
        return max(self.stuck_seconds / 2, self.task_hard_seconds)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read the settings. Raises SettingsError for an unknown TRIAGE_* name or an invalid value."""
        settings = {_env(setting): setting for setting in _fields() if setting.name != "contacts"}
        _refuse_unknown(environ, settings)
        values: dict[str, Any] = {"contacts": read_contact_choice(environ).own}
        for name, setting in settings.items():
            text = _text(environ, name, secret=setting.metadata["secret"])
            if text is not None:
                kind = setting.metadata["kind"] or type(setting.default)
                values[setting.name] = _typed(name, text, kind, setting.metadata)
        data_dir = values.get("data_dir", cls.__dataclass_fields__["data_dir"].default)
        for name, file in (("redis_url", URL_FILE), ("pages_secret", PAGES_FILE)):
            if name not in values:
                values |= _written_by_up(name, data_dir / file)
        return cls(**values)


def names_redis(environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether the environment names a Redis, so that none needs to be started."""
    return f"{PREFIX}REDIS_URL" in environ or f"{PREFIX}REDIS_URL{FILE_SUFFIX}" in environ


def _written_by_up(name: str, file: Path) -> dict[str, str]:
    """Return the value that `triage up` wrote to its data directory, if any, so that other commands find it."""
    try:
        return {name: file.read_text(encoding="utf-8").strip()} if file.exists() else {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"TRIAGE_DATA_DIR: {file} can't be read ({type(error).__name__})") from None


def settings_table() -> str:
    """Return all settings as Markdown: a heading and a table for each group."""
    groups: dict[str, list[str]] = {}
    for setting in _fields():
        meta = setting.metadata
        unit = f" {meta['unit']}" if meta["unit"] else ""
        meaning = meta["meaning"] + (f" Also as `{_env(setting)}{FILE_SUFFIX}`." if meta["secret"] else "")
        default = f"`{_shown(setting.default)}`{unit}" if setting.default not in ("", None, ()) else "not set"
        groups.setdefault(meta["group"], []).append(f"| `{_env(setting)}` | {default} | {meaning} |\n")
    head = "| name | default | meaning |\n|---|---|---|\n"
    return "\n".join(f"## {group}\n\n{head}{''.join(rows)}" for group, rows in groups.items())


def _fields() -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(Settings)


def _env(setting: dataclasses.Field[Any]) -> str:
    return cast(str, setting.metadata["env"]) or PREFIX + setting.name.upper()


def _shown(value: object) -> str:
    match value:
        case bool():
            return "on" if value else "off"
        case Path():
            return f"./{value}"
        case _:
            return str(value)


def _refuse_unknown(environ: Mapping[str, str], settings: Mapping[str, dataclasses.Field[Any]]) -> None:
    secrets = {name for name, setting in settings.items() if setting.metadata["secret"]}
    known = set(settings) | {name + FILE_SUFFIX for name in secrets}
    own = [name for name in environ if name.startswith(PREFIX) and not is_contact_setting(name)]
    unknown = sorted(name for name in own if name not in known)
    if not unknown:
        return
    short = {name.removeprefix(PREFIX): name for name in known}  # the prefix would make every name look similar
    faults = []
    for name in unknown:
        near = difflib.get_close_matches(name.removeprefix(PREFIX), sorted(short), n=1)
        faults.append(f"{name}: unknown setting" + (f"; did you mean {short[near[0]]}?" if near else ""))
    raise SettingsError("\n".join(faults))


def _text(environ: Mapping[str, str], name: str, *, secret: bool) -> str | None:
    """Return the setting as written, from the environment or, for a secret, from the file that it names."""
    file_name = name + FILE_SUFFIX
    if not secret or file_name not in environ:
        return environ.get(name)
    if name in environ:
        raise SettingsError(f"{name} and {file_name} are both set; set only one of them")
    if not environ[file_name].strip():
        raise SettingsError(f"{file_name}: is empty; set it to the path of a file, or unset it")
    try:
        return Path(environ[file_name]).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file_name}: the file can't be read ({type(error).__name__})") from None


def _typed(name: str, text: str, kind: type, meta: Mapping[str, Any]) -> Any:
    """Convert `text` to a `kind`. Errors repeat only numbers and switches, as these are no secrets."""
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
    """Return whether only this machine reaches a host, given as a name or an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_encryption(settings: Settings) -> None:
    if not all(map(is_encryption_key, settings.encryption)):
        raise SettingsError(
            "TRIAGE_ENCRYPTION_KEYS: a key is not a Fernet key; make one with `openssl rand -base64 32 | tr '+/' '-_'`"
        )
    if settings.index_secret and len(settings.index_secret) < SECRET_MIN:
        raise SettingsError(f"TRIAGE_INDEX_SECRET: shorter than {SECRET_MIN} characters; try `openssl rand -hex 32`")
    if settings.encryption and not settings.index_secret:
        raise SettingsError("TRIAGE_ENCRYPTION_KEYS: TRIAGE_INDEX_SECRET is required too; try `openssl rand -hex 32`")


def _check_order(settings: Settings, less: str, more: str) -> None:
    low, high = getattr(settings, less), getattr(settings, more)
    if low >= high:
        raise SettingsError(f"{PREFIX}{less.upper()} ({low}) must be less than {PREFIX}{more.upper()} ({high})")
