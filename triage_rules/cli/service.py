"""Commands against a running service that need no engine: withdraw, status, post, follow."""

from __future__ import annotations

import contextlib
import itertools
import json
import urllib.error
import urllib.request
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

import click

from triage_rules.cli import actor
from triage_rules.cli.output import (
    CANNOT_RUN,
    FORMATS,
    HAS_FINDINGS,
    LEVEL_COLOURS,
    as_json,
    exit_with,
    handle_errors,
    result_text,
    warn_not_approved,
    write_data,
    write_message,
)
from triage_rules.cli.store import open_store
from triage_rules.foundation.settings import Settings
from triage_rules.foundation.timestamps import timestamp
from triage_rules.records.audit import Actor
from triage_rules.records.consumer_groups import Groups
from triage_rules.store.redis import RedisStore
from triage_rules.store.rulesets import LiveRuleset

LEVELS = click.Choice(["routine", "monitor", "urgent"])


@click.command()
@click.argument("name")
@actor.by
@handle_errors
def withdraw(name: str, by: Actor) -> None:
    """Take a ruleset out of service: reports for it are refused from now on, and what was accepted is still decided.

    `triage deploy` makes it live again.
    """
    with open_store(Settings.from_environment()) as store:
        left = store.rulesets.withdraw(name, store.now_ms(), by=by)
        others = sorted(store.rulesets.get_live())
    write_data(f"{left.name} {left.version} {left.digest} is live no more")
    write_message(f"Live: {', '.join(others) or 'nothing, so every report is refused'}.")


@click.command()
@click.option("--format", "form", type=FORMATS, default="text", show_default=True)
@handle_errors
def status(form: str) -> None:
    """Say what is live, what waits, and which workers were heard from, and how far consumer groups are."""
    settings = Settings.from_environment()
    with open_store(settings) as store:
        now = store.now_ms()
        backlog = store.health.get_backlog(now)
        workers = store.health.get_workers(now, settings.worker_within_ms)
        stalled = store.health.get_stalled_workers(now, settings.worker_within_ms)
        groups = store.consumer_groups.get_all()
        live = store.rulesets.get_live()
        approved = {name: _approver(store, ruleset) for name, ruleset in sorted(live.items())}
    if form == "json":
        rulesets = {
            name: {
                "version": one.version,
                "digest": one.digest,
                "previous": one.previous,
                "approved_by": approved[name],
                "activated_at": timestamp(one.activated_ms),
            }
            for name, one in live.items()
        }
        waiting = {"pending": backlog.pending, "oldest_ms": backlog.oldest_ms, "dead": backlog.dead}
        write_data(as_json({"rulesets": rulesets, "backlog": waiting, "results": backlog.results, "workers": workers,
                      "workers_stalled": stalled, "groups": [asdict(group) for group in groups.shown],
                      "groups_left_out": groups.left_out}))  # fmt: skip
    else:
        for name, one in sorted(live.items()):
            write_data(f"{name} {one.version} {one.digest}, live since {timestamp(one.activated_ms)}")
        write_data(f"{backlog.pending} reports wait, the oldest for {backlog.oldest_ms / 1000:.1f} s; "
             f"{backlog.results} results, {backlog.dead} dead letters; "
             f"{len(workers)} workers heard from, {len(stalled)} stalled")  # fmt: skip
        _tell_groups(groups)
    for name, approver in approved.items():
        warn_not_approved(name, approver)
    if not live:
        exit_with("No ruleset is live.", HAS_FINDINGS)


def _approver(store: RedisStore, live: LiveRuleset) -> str | None:
    """Return the clinician who approved a live ruleset, or None. Reading it takes no engine."""
    if live.is_approval_stored:
        return live.approved_by
    ruleset: dict[str, Any] = json.loads(store.rulesets.get_bundle(live.digest))["ruleset"]
    return ruleset.get("approved_by")


def _tell_groups(groups: Groups) -> None:
    for one in groups.shown:
        lag = "unknown how many" if one.lag is None else one.lag
        write_data(f"group {one.name}: {lag} results to come, {one.pending} in hand, {one.dead} dead letters")
        if one.dead:
            write_message(f"`triage redrive --group {one.name}` shows them, and puts them back.")
    if groups.left_out:
        write_data(f"and {groups.left_out} more groups")


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--url", default=None, help="The service.  [default: where TRIAGE_HOST and PORT say]")
@click.option("--wait", default=10, show_default=True, help="Seconds to wait for each result; 0 doesn't wait.")
@click.option("--format", "form", type=FORMATS, default="text", show_default=True)
@handle_errors
def post(files: tuple[Path, ...], url: str | None, wait: int, form: str) -> None:
    """Post reports to the service and show what came of them. Sends TRIAGE_API_KEY, if set."""
    settings = Settings.from_environment()
    base = url or settings.own_url
    found = []
    for file in files:
        answer = post_report(f"{base.rstrip('/')}/v1/reports", file.read_bytes(), wait, settings.api_key)
        found.append({"file": str(file), **answer})
        if form == "text":
            write_data(f"{file.stem}")
            result = answer.get("result")
            write_data("\n".join(f"  {line}" for line in result_text(result)) if result else f"  {answer['status']}")
    if form == "json":
        write_data(as_json(found))


def post_report(url: str, body: bytes, wait: int, key: str) -> dict[str, Any]:
    """What the service answers to a posted report; `key` is sent if not empty. Exits with its faults if refused."""
    headers = {"Content-Type": "application/json", **({"Prefer": f"wait={wait}"} if wait else {})}
    headers |= {"Authorization": f"Bearer {key}"} if key else {}
    request = urllib.request.Request(url, body, headers)  # noqa: S310 (the user names the service)
    try:
        with urllib.request.urlopen(request, timeout=wait + 10) as answer:  # noqa: S310 (as above)
            found: dict[str, Any] = json.load(answer)
            return found
    except urllib.error.HTTPError as error:
        _refused(error.code, error.read())
    except (urllib.error.URLError, TimeoutError) as error:
        exit_with(f"{url} can't be reached: {getattr(error, 'reason', error)}", CANNOT_RUN)


def _refused(status_code: int, body: bytes) -> NoReturn:
    problem = json.loads(body)
    write_message(f"{status_code}: {problem.get('title')} {problem.get('detail') or ''}")
    for error in problem.get("errors", []):
        write_message(f"  {error['pointer'] or '(whole report)'}: {error['detail']}")
    exit_with("The report was not accepted.", HAS_FINDINGS)


@click.command()
@click.option("--from-start", is_flag=True, help="Begin with the oldest result that is kept.")
@click.option("--level", "levels", multiple=True, type=LEVELS, help="Only these levels (and failed evaluations).")
@click.option("--count", type=click.IntRange(min=1), default=None, help="Stop after this many.")
@click.option("--format", "form", type=FORMATS, default="text", show_default=True)
@handle_errors
def follow(*, from_start: bool, levels: tuple[str, ...], count: int | None, form: str) -> None:
    """Show results as they are published, until Ctrl-C."""
    from triage_rules import consumer

    settings = Settings.from_environment()
    start = "0" if from_start else "$"
    events = consumer.follow(settings.redis_url, start, encryption_keys=settings.encryption)
    wanted = (event for event in events if not levels or event.level is None or event.level.word in levels)
    with contextlib.suppress(KeyboardInterrupt):
        for event in itertools.islice(wanted, count):
            if form == "json":
                write_data(json.dumps(event.result, ensure_ascii=False))
            else:
                write_data(_line(event.result))


def _line(result: dict[str, Any]) -> str:
    level = result["level"]
    head = click.style(level or "human review now", fg=LEVEL_COLOURS[level], bold=True)
    rules = ", ".join(rule["id"] for rule in [*result["rules"], *result["safety_net"]])
    return f"{result['evaluated_at']} {result['id']} {head} {result['disposition'] or ''} {rules}"
