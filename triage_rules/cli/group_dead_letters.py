"""What `triage redrive --group` does: show a consumer group's dead letters, or put them back."""

from __future__ import annotations

from triage_rules.cli.exit_codes import ExitCode
from triage_rules.cli.output import exit_with, write_data, write_message
from triage_rules.records.audit import Actor
from triage_rules.records.consumer_groups import GroupLetter, PutBack
from triage_rules.store.redis import RedisStore

REASON_SHOWN = 200


def show(store: RedisStore, group: str) -> None:
    """The oldest dead letters of the group: the entry, since when, its report, why."""
    pages = store.consumer_groups.page_dead_letters(group)
    letters = next(pages, [])
    for letter in letters:
        write_data(
            _printable(f"{letter.entry or letter.id} {letter.at} {letter.report} {letter.reason[:REASON_SHOWN]}")
        )
    if not letters:
        write_message(f"{_printable(group)} has no dead letters.")
    else:
        more = "; there are more" if next(pages, None) else ""
        write_message(f"Nothing was done{more}. To put them back, name their entries, or say --all.")


def put_back(store: RedisStore, group: str, entries: tuple[str, ...], by: Actor) -> None:
    """Put back the letters of these entries, or all that there are now. Exits with 1 if some can't be."""
    wanted, found, failed, done = set(entries), set[str](), 0, 0
    store.consumer_groups.requeue(group, [], store.now_ms(), by=by)  # is there such a group?
    for page in store.consumer_groups.page_dead_letters(group):
        letters = [letter for letter in page if not wanted or letter.entry in wanted]
        found |= {letter.entry for letter in letters}
        for letter, fate in zip(
            letters, store.consumer_groups.requeue(group, letters, store.now_ms(), by=by), strict=True
        ):
            write_data(_printable(_told(letter, fate, group)))
            done += fate is PutBack.DONE
            failed += fate is not PutBack.DONE
    for entry in sorted(wanted - found):
        write_data(_printable(f"{entry} is no dead letter of {group}."))
        failed += 1
    if done:
        write_message(
            f"Consumers of {_printable(group)} get them when they next look for what was left (claim_after / 4)."
        )
    if failed:
        exit_with(f"{failed} of {done + failed} can't be put back.", ExitCode.FINDINGS)
    if not done:
        write_message(f"{_printable(group)} has no dead letters.")


def _told(letter: GroupLetter, fate: PutBack, group: str) -> str:
    entry = letter.entry or f"letter {letter.id}"
    match fate:
        case PutBack.DONE:
            return f"{entry} waits in {group} again."
        case PutBack.TRIMMED:
            return f"{entry} is no longer in the stream of results, so nobody can get it from there; its letter stays."
        case PutBack.GONE:
            return f"{entry} is no dead letter of {group} any more."


def _printable(text: str) -> str:
    """Without what a terminal would obey: consumers wrote it."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
