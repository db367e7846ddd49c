"""A consumer group's dead letters, for `triage redrive --group`: list or requeue them."""

from __future__ import annotations

from triage_rules.cli.exit_codes import ExitCode
from triage_rules.cli.output import exit_with, write_data, write_message
from triage_rules.records.audit import Actor
from triage_rules.records.consumer_groups import GroupLetter, PutBack
from triage_rules.store.redis import RedisStore

REASON_SHOWN = 200


def show(store: RedisStore, group: str) -> None:
    """List the oldest dead letters of the group: entry, time, report, reason.

    Raises GroupNotFound if there is neither such a group nor a letter of it.
    """
    pages = store.consumer_groups.page_dead_letters(group)
    letters = next(pages, [])
    for letter in letters:
        write_data(
            _printable(f"{letter.entry or letter.id} {letter.at} {letter.report} {letter.reason[:REASON_SHOWN]}")
        )
    if not letters:
        store.consumer_groups.check_exists(group)
        write_message(f"{_printable(group)} has no dead letters.")
    else:
        more = "; there are more" if next(pages, None) else ""
        write_message(f"Nothing was changed{more}. To requeue them, give their entries or --all.")


def requeue(store: RedisStore, group: str, entries: tuple[str, ...], by: Actor) -> None:
    """Requeue the letters of these entries, or all current ones. Raises GroupNotFound.

    Exits with 1 if some can't be requeued.
    """
    wanted, seen, failed, done = set(entries), set[str](), 0, 0
    store.consumer_groups.check_exists(group)
    for page in store.consumer_groups.page_dead_letters(group):
        letters = [letter for letter in page if not wanted or letter.entry in wanted]
        seen |= {letter.entry for letter in letters}
        for letter, fate in zip(
            letters, store.consumer_groups.requeue(group, letters, store.now_ms(), by=by), strict=True
        ):
            write_data(_printable(_describe(letter, fate, group)))
            done += fate is PutBack.DONE
            failed += fate is not PutBack.DONE
    for entry in sorted(wanted - seen):
        write_data(_printable(f"{entry} is not a dead letter of {group}."))
        failed += 1
    if done:
        write_message(f"Consumers of {_printable(group)} get them within a quarter of their claim_after.")
    if failed:
        exit_with(f"{failed} of {done + failed} can't be requeued.", ExitCode.FINDINGS)
    if not done:
        write_message(f"{_printable(group)} has no dead letters.")


def _describe(letter: GroupLetter, fate: PutBack, group: str) -> str:
    entry = letter.entry or f"letter {letter.id}"
    match fate:
        case PutBack.DONE:
            return f"{entry} is queued in {group} again."
        case PutBack.TRIMMED:
            return f"{entry} is no longer in the stream of results, so it can't be requeued; its dead letter stays."
        case PutBack.GONE:
            return f"{entry} is no longer a dead letter of {group}."


def _printable(text: str) -> str:
    """Replace control characters: the text comes from consumers, and could steer the terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
