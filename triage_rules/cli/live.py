"""Commands against a running service: deploy, rollback, status, post, follow."""

from __future__ import annotations

import contextlib
import itertools
import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from triage_rules.bundles import bundle_of, open_bundle
from triage_rules.cases import read_cases, run_case
from triage_rules.cli.rulesets import FORMATS, result_text
from triage_rules.cli.talking import (
    CANNOT_RUN,
    FOUND,
    LEVEL_COLOURS,
    as_json,
    data,
    give_up,
    not_approved,
    refusing,
    say,
)
from triage_rules.evaluating import Evaluator
from triage_rules.ledger import LiveRuleset
from triage_rules.ledger.redis import RedisLedger
from triage_rules.messages import now_ms, timestamp
from triage_rules.reading import read_with_document
from triage_rules.settings import Settings

LEVELS = click.Choice(["routine", "monitor", "urgent"])


@click.command()
@click.argument("folder", metavar="RULESET", type=click.Path(path_type=Path, exists=True, file_okay=False))
@refusing
def deploy(folder: Path) -> None:
    """Check a ruleset, run its cases, and make it live in one step; if anything fails, the live one stays."""
    with RedisLedger(Settings.from_environment()) as ledger:
        deploy_folder(ledger, folder)


def deploy_folder(ledger: RedisLedger, folder: Path) -> None:
    """Run the cases on exactly what would go live, and make it live. Exits, and leaves what is live, if one fails.

    Raises RulesetError, RulesetNotFound, EngineLimitError.
    """
    _, document = read_with_document(folder)
    bundle = bundle_of(document)
    evaluator = Evaluator(open_bundle(bundle.data, bundle.digest), bundle.digest)
    outcomes = [run_case(evaluator, case) for case in read_cases(folder, evaluator.ruleset)]
    failed = [outcome for outcome in outcomes if not outcome.passed]
    for outcome in failed:
        say(f"case {outcome.case.id}: {'; '.join(outcome.differences)}")
    if failed or not outcomes:
        give_up(f"Refused: {len(failed)} of {len(outcomes)} cases failed. What is live stays.", FOUND)
    live = ledger.deploy(bundle.name, bundle.version, bundle.digest, bundle.data, now_ms())
    say(f"{len(outcomes)} cases passed.")
    _tell_live(live)
    not_approved(bundle.name, evaluator.ruleset.approved_by)


@click.command()
@click.argument("name")
@refusing
def rollback(name: str) -> None:
    """Make the ruleset that was live before live again, in one step. If it can't be opened, what is live stays."""
    with RedisLedger(Settings.from_environment()) as ledger:
        there = ledger.live().get(name)
        if there is not None and there.previous is not None:
            open_bundle(ledger.bundle(there.previous), there.previous)
        live = ledger.rollback(name, now_ms())
        ruleset = open_bundle(ledger.bundle(live.digest), live.digest)
    _tell_live(live)
    not_approved(name, ruleset.approved_by)


def _tell_live(live: LiveRuleset) -> None:
    data(f"{live.name} {live.version} {live.digest} is live")
    if live.previous:
        say(f"`triage rollback {live.name}` returns to {live.previous}.")


@click.command()
@click.option("--format", "form", type=FORMATS, default="text", show_default=True)
@refusing
def status(form: str) -> None:
    """Say what is live, what waits, and which workers were heard from."""
    settings = Settings.from_environment()
    now = now_ms()
    with RedisLedger(settings) as ledger:
        backlog = ledger.backlog(now)
        workers = ledger.workers(now, settings.worker_within_ms)
        live = ledger.live()
        approved = {
            name: open_bundle(ledger.bundle(one.digest), one.digest).approved_by for name, one in sorted(live.items())
        }
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
        data(as_json({"rulesets": rulesets, "backlog": waiting, "results": backlog.results, "workers": workers}))
    else:
        for name, one in sorted(live.items()):
            data(f"{name} {one.version} {one.digest}, live since {timestamp(one.activated_ms)}")
        data(f"{backlog.pending} reports wait, the oldest for {backlog.oldest_ms / 1000:.1f} s; "
             f"{backlog.results} results, {backlog.dead} dead letters; {len(workers)} workers heard from")  # fmt: skip
    for name, approver in approved.items():
        not_approved(name, approver)
    if not live:
        give_up("No ruleset is live.", FOUND)


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--url", default=None, help="The service.  [default: http://127.0.0.1:$PORT]")
@click.option("--wait", default=10, show_default=True, help="Seconds to wait for each result; 0 doesn't wait.")
@click.option("--format", "form", type=FORMATS, default="text", show_default=True)
@refusing
def post(files: tuple[Path, ...], url: str | None, wait: int, form: str) -> None:
    """Post reports to the service and show what came of them. Sends the first key of TRIAGE_API_KEYS, if any."""
    settings = Settings.from_environment()
    base = url or f"http://127.0.0.1:{settings.port}"
    found = []
    for file in files:
        answer = post_report(f"{base.rstrip('/')}/v1/reports", file.read_bytes(), wait, settings.keys)
        found.append({"file": str(file), **answer})
        if form == "text":
            data(f"{file.stem}")
            result = answer.get("result")
            data("\n".join(f"  {line}" for line in result_text(result)) if result else f"  {answer['status']}")
    if form == "json":
        data(as_json(found))


def post_report(url: str, body: bytes, wait: int, keys: Sequence[str]) -> dict[str, Any]:
    """What the service answers to a posted report; the first of `keys` is sent. Exits with its faults if refused."""
    headers = {"Content-Type": "application/json", **({"Prefer": f"wait={wait}"} if wait else {})}
    headers |= {"Authorization": f"Bearer {keys[0]}"} if keys else {}
    request = urllib.request.Request(url, body, headers)  # noqa: S310 (the user names the service)
    try:
        with urllib.request.urlopen(request, timeout=wait + 10) as answer:  # noqa: S310 (as above)
            found: dict[str, Any] = json.load(answer)
            return found
    except urllib.error.HTTPError as error:
        _refused(error.code, error.read())
    except (urllib.error.URLError, TimeoutError) as error:
        give_up(f"{url} can't be reached: {getattr(error, 'reason', error)}", CANNOT_RUN)


def _refused(status_code: int, body: bytes) -> NoReturn:
    problem = json.loads(body)
    say(f"{status_code}: {problem.get('title')} {problem.get('detail') or ''}")
    for error in problem.get("errors", []):
        say(f"  {error['pointer'] or '(whole report)'}: {error['detail']}")
    give_up("The report was not accepted.", FOUND)


@click.command()
@click.option("--from-start", is_flag=True, help="Begin with the oldest result that is kept.")
@click.option("--level", "levels", multiple=True, type=LEVELS, help="Only these levels (and failed evaluations).")
@click.option("--count", type=click.IntRange(min=1), default=None, help="Stop after this many.")
@click.option("--format", "form", type=FORMATS, default="text", show_default=True)
@refusing
def follow(*, from_start: bool, levels: tuple[str, ...], count: int | None, form: str) -> None:
    """Show results as they are published, until Ctrl-C."""
    from triage_rules import consumer

    events = consumer.follow(Settings.from_environment().redis_url, start="0" if from_start else "$")
    wanted = (event for event in events if not levels or event.level is None or event.level.word in levels)
    with contextlib.suppress(KeyboardInterrupt):
        for event in itertools.islice(wanted, count):
            if form == "json":
                data(json.dumps(event.result, ensure_ascii=False))
            else:
                data(_line(event.result))


def _line(result: dict[str, Any]) -> str:
    level = result["level"]
    head = click.style(level or "human review now", fg=LEVEL_COLOURS[level], bold=True)
    rules = ", ".join(rule["id"] for rule in [*result["rules"], *result["safety_net"]])
    return f"{result['evaluated_at']} {result['id']} {head} {result['disposition'] or ''} {rules}"
