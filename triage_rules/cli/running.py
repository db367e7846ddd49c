"""`triage up`: everything on this machine, as the Procfile says, with an embedded Redis unless there is one."""

from __future__ import annotations

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

from triage_rules.bundles import make_bundle
from triage_rules.cli import live
from triage_rules.cli.embedded import embedded_redis
from triage_rules.cli.processes import Processes, is_free, read_procfile
from triage_rules.cli.rulesets import result_text
from triage_rules.cli.talking import CANNOT_RUN, data, give_up, refusing, say
from triage_rules.ledger.redis import RedisLedger
from triage_rules.settings import Settings, names_redis

READY_SECONDS = 60


class _Stop(Exception):
    """Somebody asked us to stop."""


@click.command()
@click.option("--samples/--no-samples", default=True, show_default=True, help="Post the sample reports once all is up.")
@refusing
def up(*, samples: bool) -> None:
    """Start Redis, web, worker and beat; deploy the rulesets here that are not live; post the samples; serve.

    Ctrl-C stops everything. A process that dies is started again. Their logs are in TRIAGE_DATA_DIR/log.
    """
    settings = Settings.from_environment()
    procfile = read_procfile(Path("Procfile"))
    if not is_free(settings.host, settings.port):
        give_up(f"Port {settings.port} is in use; choose another with PORT=...", CANNOT_RUN)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    processes = Processes(settings.data_dir / "log")
    try:
        with _redis(settings, processes) as url:
            processes.tell({"TRIAGE_REDIS_URL": url})
            _serve(replace(settings, redis_url=url), processes, procfile, samples=samples)
    except (KeyboardInterrupt, _Stop):
        say("\nStopping.")
    finally:
        processes.stop()


def _serve(settings: Settings, processes: Processes, procfile: dict[str, str], *, samples: bool) -> None:
    _deploy_missing(settings)
    for name, command in procfile.items():
        processes.start(name, command)
    ready = _wait_until_ready(settings, processes)
    if samples and ready:
        _post_samples(settings)
    keys = "with API keys" if settings.keys else "without API keys, for this machine alone"
    url = f"http://{settings.host}:{settings.port}"
    say(f"\nServing on {url} (API reference: /docs), {keys}. Ctrl-C stops.", bold=True)
    processes.watch()


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    raise _Stop


@contextmanager
def _redis(settings: Settings, processes: Processes) -> Iterator[str]:
    """The URL of the Redis that is set, or of an embedded one that lives as long as this."""
    if names_redis():
        yield settings.redis_url
        return
    with embedded_redis(settings.data_dir, processes) as url:
        say(f"Embedded Redis at {url}, its data in {settings.data_dir}.")
        yield url


def _deploy_missing(settings: Settings) -> None:
    folders = sorted(path.parent for path in Path("rulesets").glob("*/ruleset.yaml"))
    with RedisLedger(settings) as ledger:
        there = ledger.live()
        for folder in folders:
            bundle = make_bundle(folder)
            if bundle.name not in there:
                live.deploy_folder(ledger, folder)
            elif there[bundle.name].digest != bundle.digest:
                say(
                    f"`{bundle.name}` here differs from what is live; `triage deploy {folder}` makes it live.",
                    fg="yellow",
                )


def _wait_until_ready(settings: Settings, processes: Processes) -> bool:
    """Whether all is ready. Exits if nothing answers; goes on if web answers that something is not ready yet.

    A long queue of before, say, is best worked off by what runs here.
    """
    url = f"http://{settings.host}:{settings.port}/readyz"
    until = time.monotonic() + READY_SECONDS
    answered = False
    told = "no answer"
    while time.monotonic() < until:
        processes.restart_dead()
        try:
            with urllib.request.urlopen(url, timeout=2):
                return True
        except urllib.error.HTTPError as error:
            answered, told = True, error.read().decode(errors="replace")
        except (OSError, urllib.error.URLError) as error:
            answered, told = False, str(error)
        time.sleep(0.1)
    say(f"Not ready after {READY_SECONDS} s: {told}\nSee the logs in {processes.logs}.", fg="yellow")
    if not answered:
        sys.exit(CANNOT_RUN)
    return False


def _post_samples(settings: Settings) -> None:
    """Post each sample over HTTP, and show the results as they come out of Redis."""
    from triage_rules import consumer

    url = f"http://{settings.host}:{settings.port}/v1/reports"
    samples = sorted(Path("rulesets").glob("*/samples/*.json"))
    say(f"Posting {len(samples)} sample reports to {url} and reading their results from the stream triage:results.\n")
    waiting: dict[str, Path] = {}
    with consumer.following(settings.redis_url) as events:
        for sample in samples:
            waiting[live.post_report(url, sample.read_bytes(), 0, settings.keys)["id"]] = sample
        for event in events:
            if event.subject in waiting:
                sample = waiting.pop(event.subject)
                data(click.style(sample.stem.replace("-", " "), bold=True))
                data("\n".join(f"  {line}" for line in result_text(event.result)) + "\n")
            if not waiting:
                return
