"""`triage up`: everything on this machine, from the Procfile, with an embedded Redis unless one is set."""

from __future__ import annotations

import secrets
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from triage_rules.cli.actor import get_actor
from triage_rules.cli.api_keys import check_client, usable_keys
from triage_rules.cli.exit_codes import ExitCode
from triage_rules.cli.folder_deployment import deploy_folder
from triage_rules.cli.output import exit_with, handle_errors, result_text, write_data, write_message
from triage_rules.cli.service_client import post_report
from triage_rules.cli.up.embedded_redis import embedded_redis
from triage_rules.cli.up.processes import Processes, is_free, read_procfile
from triage_rules.foundation.settings import PAGES_FILE, Settings, names_redis
from triage_rules.language.bundle import make_bundle
from triage_rules.records.api_keys import Scope, make_key
from triage_rules.records.audit import Via
from triage_rules.store.redis import RedisStore

READY_SECONDS = 60
SAMPLES_CLIENT = "triage-up"
SAMPLES_KEY_MS = 600_000


class _Stop(Exception):
    """Request to stop, by a signal."""


@click.command()
@click.option(
    "--samples/--no-samples",
    default=True,
    show_default=True,
    help="Post the sample reports after the start, if the store has no reports.",
)
@click.option(
    "--new-key",
    metavar="CLIENT",
    callback=check_client,
    help="Make an API key with all scopes, and show it.",
)
@handle_errors
def up(*, samples: bool, new_key: str | None) -> None:
    """Run everything on this machine.

    Starts Redis, web, worker and beat, deploys the rulesets here that are not live, and posts the samples. Ctrl-C stops
    everything. A process that dies is started again. The logs are in TRIAGE_DATA_DIR/log.
    """
    settings = Settings.from_environment()
    if new_key and not settings.auth_on:
        raise click.UsageError("--new-key: API keys are not required here; TRIAGE_AUTH=on requires them")
    procfile = read_procfile(Path("Procfile"))
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    processes = Processes(settings.data_dir / "log", settings.log_megabytes * 1_000_000)
    try:
        _claim(settings, processes)
        if not is_free(settings.host, settings.port):
            exit_with(f"Port {settings.port} is in use; choose another with PORT=...", ExitCode.CANNOT_RUN)
        _leave_pages_secret(settings)
        with _redis(settings, processes) as url:
            processes.add_environment({"TRIAGE_REDIS_URL": url})
            settings = replace(settings, redis_url=url)
            with _keys(settings, new_key) as key:
                _deploy_missing(settings)
                _start(processes, procfile)
                if _wait_until_ready(settings, processes) and samples:
                    _post_samples(settings, key)
            _serve(settings, processes)
    except (KeyboardInterrupt, _Stop):
        write_message("\nStopping.")
    finally:
        processes.stop()


def _claim(settings: Settings, processes: Processes) -> None:
    try:
        processes.claim()
    except OSError as error:
        exit_with(
            f"TRIAGE_DATA_DIR: can't write files in {settings.data_dir} "
            f"({error.filename}: {error.strerror}); choose another directory.",
            ExitCode.CANNOT_RUN,
        )


def _serve(settings: Settings, processes: Processes) -> None:
    access = "with API keys" if settings.auth_on else "without API keys, only for this machine"
    write_message(f"\nServing on {settings.own_url} (API reference: /docs), {access}. Ctrl-C stops.", bold=True)
    processes.watch()


def _leave_pages_secret(settings: Settings) -> None:
    """Make a secret unless there is one. Signed links then survive a restart of web, and commands can sign links."""
    if settings.pages_secret:
        return
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    file = settings.data_dir / PAGES_FILE
    file.touch(mode=0o600)
    file.write_text(secrets.token_hex(32), encoding="utf-8")


@contextmanager
def _keys(settings: Settings, new_key: str | None) -> Iterator[str]:
    """Yield a temporary key for the samples, or nothing where no keys are required.

    Exits if there would be no other key: web wouldn't start. `new_key`: a client that gets a permanent key.
    """
    if not settings.auth_on:
        yield ""
        return
    by = get_actor(via=Via.UP)
    with RedisStore(settings) as store:
        now = store.now_ms()
        if new_key:
            text, made = make_key(new_key, Scope, now)
            store.api_keys.add(made, by=by)
            write_message(f"Key {made.id} of {new_key}, with all scopes. Save it now: it can't be shown again.")
            write_data(text)
        elif not usable_keys(store):
            exit_with(
                "API keys are required, and there is none: `triage up --new-key CLIENT` makes one.",
                ExitCode.CANNOT_RUN,
            )
        text, made = make_key(SAMPLES_CLIENT, [Scope.REPORT], now, expires_ms=now + SAMPLES_KEY_MS)
        store.api_keys.add(made, by=by)
        try:
            yield text
        finally:
            store.api_keys.revoke(made.id, store.now_ms(), by=by)


def _start(processes: Processes, procfile: dict[str, str]) -> None:
    for name, command in procfile.items():
        processes.start(name, command)


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    raise _Stop


@contextmanager
def _redis(settings: Settings, processes: Processes) -> Iterator[str]:
    """Yield the URL of the configured Redis, or of an embedded one that runs meanwhile."""
    if names_redis():
        yield settings.redis_url
        return
    with embedded_redis(settings.data_dir, processes) as url:
        write_message(f"Embedded Redis at {url}, data in {settings.data_dir}.")
        yield url


def _deploy_missing(settings: Settings) -> None:
    folders = sorted(path.parent for path in Path("rulesets").glob("*/ruleset.yaml"))
    with RedisStore(settings) as store:
        there = store.rulesets.get_live()
        for folder in folders:
            bundle = make_bundle(folder)
            if bundle.name not in there:
                deploy_folder(store, folder, get_actor(via=Via.UP))
            elif there[bundle.name].digest != bundle.digest:
                write_message(
                    f"`{bundle.name}` here differs from the live version; `triage deploy {folder}` makes it live.",
                    fg="yellow",
                )


def _wait_until_ready(settings: Settings, processes: Processes) -> bool:
    """Return whether the service is ready. Exits if web does not answer.

    If web answers that something else is not ready, return False: this service may be what works off a long queue.
    """
    url = f"{settings.own_url}/readyz"
    until = time.monotonic() + READY_SECONDS
    answered = False
    answer = "no answer"
    while time.monotonic() < until:
        processes.restart_dead()
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 (our own)
                return True
        except urllib.error.HTTPError as error:
            answered, answer = True, error.read().decode(errors="replace")
        except (OSError, urllib.error.URLError) as error:
            answered, answer = False, str(error)
        time.sleep(0.1)
    write_message(f"Not ready after {READY_SECONDS} s: {answer}\nSee the logs in {processes.logs}.", fg="yellow")
    if not answered:
        sys.exit(ExitCode.CANNOT_RUN)
    return False


def _has_reports(settings: Settings) -> bool:
    with RedisStore(settings) as store:
        backlog = store.health.get_backlog(store.now_ms())
    return bool(backlog.pending or backlog.results or backlog.dead)


def _post_samples(settings: Settings, key: str) -> None:
    """Post each sample over HTTP, and show the results as Redis publishes them; not into a store with reports."""
    from triage_rules import consumer

    url = f"{settings.own_url}/v1/reports"
    samples = sorted(Path("rulesets").glob("*/samples/*.json"))
    if _has_reports(settings):
        write_message(
            "The store has reports, so the samples are not posted; `triage post rulesets/*/samples/*.json` posts them."
        )
        return
    write_message(
        f"Posting {len(samples)} sample reports to {url} and reading their results from the stream triage:results.\n"
    )
    waiting: dict[str, Path] = {}
    with consumer.following(settings.redis_url, encryption_keys=settings.encryption) as events:
        for sample in samples:
            waiting[post_report(url, sample.read_bytes(), 0, key)["id"]] = sample
        for event in events:
            if event.subject in waiting:
                sample = waiting.pop(event.subject)
                write_data(click.style(sample.stem.replace("-", " "), bold=True))
                write_data("\n".join(f"  {line}" for line in result_text(event.result)) + "\n")
            if not waiting:
                return
