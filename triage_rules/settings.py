"""The environment: read once, typed, refused by name.

The table in docs/settings.md is made from the fields below; a test keeps both equal.
"""

from __future__ import annotations

import dataclasses
import difflib
import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, cast
from urllib.parse import urlsplit

from triage_rules.errors import SettingsError

PREFIX = "TRIAGE_"
PORT_MAX = 65_535
KEY_MIN = 32
_KEY = re.compile(r"[!-<>-~]+=*")
"""What arrives as it is in `Authorization: Bearer`; with `=` in its middle it would be taken for parameters."""

URL_FILE = "redis-url"
"""Where, in the data directory, `triage up` leaves the URL of the Redis that it runs."""

FILE_SUFFIX = "_FILE"
"""A secret NAME may be given as NAME_FILE instead: the path of a file that holds it."""


def _setting(  # noqa: PLR0913 - all but two by name
    default: Any, says: str, *, unit: str = "", env: str = "", minimum: int = 1, secret: bool = False
) -> Any:
    """A field with its meaning. `minimum` counts for numbers; `env` if the name isn't TRIAGE_ and the field's."""
    metadata = {"says": says, "unit": unit, "env": env, "minimum": minimum, "secret": secret}
    return field(default=default, metadata=metadata, repr=not secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings. Times in the unit that the name says."""

    redis_url: str = _setting(
        "redis://127.0.0.1:6379/0", "Where Redis is: `redis://` or `rediss://`, with its password if any.", secret=True
    )
    data_dir: Path = _setting(Path("var"), "Where this machine's processes keep files.")  # noqa: RUF009 - makes a field
    host: str = _setting("127.0.0.1", "Address that the service listens on. Other than loopback only with API keys.")
    api_keys: str = _setting(
        "", "API keys, one a line or with commas between: at least 32 characters each.", secret=True
    )
    port: int = _setting(8080, "Port that the service listens on.", env="PORT")
    source: str = _setting("triage-rules", "`ce_source` of the published events.")
    second_opinion: bool = _setting(True, "Decide each report a second time with the reference evaluator: on or off.")
    max_deliveries: int = _setting(5, "Attempts at a report before it becomes a dead letter.")
    sweep_seconds: int = _setting(5, "How often forgotten reports are looked for.", unit="s")
    pending_seconds: int = _setting(30, "A report that waits longer is enqueued again.", unit="s")
    max_queue_age_seconds: int = _setting(300, "If the oldest report waits longer, no more are accepted.", unit="s")
    task_soft_seconds: int = _setting(10, "An evaluation that takes longer is interrupted.", unit="s")
    task_hard_seconds: int = _setting(20, "A worker process whose task takes longer is killed.", unit="s")
    worker_concurrency: int = _setting(2, "Processes of one worker.")
    heartbeat_seconds: int = _setting(5, "How often a worker says that it is there.", unit="s")
    retention_days: int = _setting(30, "How long settled reports and results are kept.", unit="days")
    max_report_bytes: int = _setting(65_536, "Largest report.", unit="bytes")
    max_batch_bytes: int = _setting(8_388_608, "Largest batch.", unit="bytes")
    batch_chunk: int = _setting(50, "Reports of a batch that go to a worker together.")
    wait_max_seconds: int = _setting(10, "Longest time that `Prefer: wait` is obeyed for.", unit="s", minimum=0)

    def __post_init__(self) -> None:
        if not _is_redis_url(self.redis_url):
            raise SettingsError("TRIAGE_REDIS_URL: expected redis://HOST:PORT/DB or rediss://HOST:PORT/DB")
        if not 0 < self.port <= PORT_MAX:
            raise SettingsError(f"PORT: {self.port} is no port; expected 1 to {PORT_MAX}")
        if any(len(key) < KEY_MIN for key in self.keys):
            raise SettingsError(
                f"TRIAGE_API_KEYS: a key is shorter than {KEY_MIN} characters; try `openssl rand -hex 32`"
            )
        if not all(_KEY.fullmatch(key) for key in self.keys):
            raise SettingsError(
                "TRIAGE_API_KEYS: a key has a character that a header can't carry; expected visible ASCII characters, "
                "and `=` only at the end; try `openssl rand -hex 32`"
            )
        if not _is_loopback(self.host) and not self.keys:
            raise SettingsError(
                f"TRIAGE_HOST: {self.host} can be reached from elsewhere, so TRIAGE_API_KEYS or TRIAGE_API_KEYS_FILE "
                "is required; without keys only 127.0.0.1 will do"
            )
        _check_order(self, "task_soft_seconds", "task_hard_seconds")
        _check_order(self, "sweep_seconds", "max_queue_age_seconds")
        _check_order(self, "pending_seconds", "max_queue_age_seconds")

    @property
    def keys(self) -> tuple[str, ...]:
        """The API keys; none: every call from this machine is answered."""
        return tuple(self.api_keys.replace(",", " ").split())

    @property
    def worker_within_ms(self) -> int:
        """A worker that was silent for longer is not counted as there: three heartbeats, at least half a minute."""
        return max(30, 3 * self.heartbeat_seconds) * 1000

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Raises SettingsError for an unknown TRIAGE_* name and for a value that can't be."""
        fields = {_env(f): f for f in _fields()}
        _refuse_unknown(environ, fields)
        values = {}
        for name, one in fields.items():
            text = _text(environ, name, secret=one.metadata["secret"])
            if text is not None:
                values[one.name] = _typed(name, text, type(one.default), one.metadata)
        if "redis_url" not in values:
            values |= _embedded(values.get("data_dir", cls.__dataclass_fields__["data_dir"].default))
        return cls(**values)


def names_redis(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the environment says where Redis is, so that none needs to be started."""
    return f"{PREFIX}REDIS_URL" in environ or f"{PREFIX}REDIS_URL{FILE_SUFFIX}" in environ


def _embedded(data_dir: Path) -> dict[str, str]:
    """The Redis that `triage up` runs with that directory, if it does: so that other commands find it."""
    file = data_dir / URL_FILE
    return {"redis_url": file.read_text(encoding="utf-8").strip()} if file.exists() else {}


def settings_table() -> str:
    """All settings as a Markdown table, in the order of the fields."""
    rows = ["| name | default | meaning |", "|---|---|---|"]
    for one in _fields():
        meta = one.metadata
        unit = f" {meta['unit']}" if meta["unit"] else ""
        says = meta["says"] + (f" Also as `{_env(one)}{FILE_SUFFIX}`." if meta["secret"] else "")
        default = f"`{_shown(one.default)}`{unit}" if one.default != "" else "not set"
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
    said = []
    for name in unknown:
        near = difflib.get_close_matches(name, sorted(known), n=1)
        said.append(f"{name}: unknown setting" + (f"; did you mean {near[0]}?" if near else ""))
    raise SettingsError("\n".join(said))


def _text(environ: Mapping[str, str], name: str, *, secret: bool) -> str | None:
    """The setting as written, from the environment or, for a secret, from the file that it names."""
    file_name = name + FILE_SUFFIX
    if not secret or file_name not in environ:
        return environ.get(name)
    if name in environ:
        raise SettingsError(f"{name} and {file_name} are both set; expected one of them")
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


def _is_redis_url(text: str) -> bool:
    try:
        url = urlsplit(text)
        return url.scheme in ("redis", "rediss") and bool(url.hostname) and url.port != 0
    except ValueError:  # a port or an address that is none
        return False


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_order(settings: Settings, less: str, more: str) -> None:
    low, high = getattr(settings, less), getattr(settings, more)
    if low >= high:
        raise SettingsError(f"{PREFIX}{less.upper()} ({low}) must be less than {PREFIX}{more.upper()} ({high})")
