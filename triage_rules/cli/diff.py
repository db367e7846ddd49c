"""`triage diff`: two versions of a ruleset, what is written otherwise and for whom results differ."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from triage_rules.cli.output import (
    CANNOT_RUN,
    HAS_FINDINGS,
    as_json,
    exit_with,
    handle_errors,
    warn_not_approved,
    write_data,
    write_message,
)
from triage_rules.cli.ruleset_argument import evaluator_of

if TYPE_CHECKING:
    from triage_rules.assurance.diff.outcomes import ResultDifference

Json = dict[str, Any]

SECONDS = 60.0

LOWER, COMPLETE = "lower", "complete"
"""The words of `Way` and `State`."""


@click.command()
@click.argument("old")
@click.argument("new")
@click.option("--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True)
@click.option("--fail-on", type=click.Choice(["any", "lower"]), default="any", show_default=True,
              help="What makes the exit code 1: any difference in results, or only less urgent ones.")  # fmt: skip
@click.option("--kinds", type=click.IntRange(min=1), default=None,
              help="Show so many kinds of report of each way to differ.  [default: 1 to 5]")  # fmt: skip
@click.option("--seconds", type=click.FloatRange(min=0), default=SECONDS, show_default=True,
              help="Give up after that time; what is not proved by then is told so.")  # fmt: skip
@handle_errors
def diff(old: str, new: str, *, form: str, fail_on: str, kinds: int | None, seconds: float) -> None:  # noqa: PLR0913 - click
    """Compare two versions of a ruleset: what is written otherwise, and for which reports the result differs.

    \b
    OLD and NEW are each one of
      rulesets/red-dots           a folder, or a ruleset file
      HEAD~1:rulesets/red-dots    a folder or file in a revision of this git repository, seen from its top
      red-dots                    what is live under that name (TRIAGE_REDIS_URL)
      sha256:...                  a bundle that was deployed, by its digest

    A file or folder of that name comes first. Every report is looked at by proof, not by sample: for each kind of
    report that differs, less urgent ones first, there is a smallest example with both results; where there is none
    (or no more), the command says "proved", and where the time ran out "gave up". Examples were evaluated by engine
    and reference evaluator of both versions.

    \b
    Exit: 0 no result differs (or with --fail-on lower: none is less urgent), 1 some do,
    2 wrong usage, 3 could not run, or gave up before it found or excluded a difference.
    """  # noqa: D301 - click wants the backspace itself
    from triage_rules.assurance.diff import report
    from triage_rules.assurance.diff.outcomes import DifferenceSearch
    from triage_rules.assurance.solver.solver import Budget  # the solver takes long to load
    from triage_rules.assurance.solver.witness import EncoderBugError

    before, after = evaluator_of(old), evaluator_of(new)
    try:
        found = list(_with_progress(DifferenceSearch(before, after, Budget(seconds), kinds).all()))
    except EncoderBugError as error:
        exit_with(f"A fault of this program, nothing is shown: {error}", CANNOT_RUN)
    told = report.as_data(before, after, found)
    if form == "json":
        write_data(as_json(told))
    else:
        write_data("\n".join(markdown(told) if form == "markdown" else text(told)))
    warn_not_approved(after.ruleset.name, after.ruleset.approved_by)
    _leave([one for one in found if fail_on == "any" or one.way == LOWER])


def _with_progress(differences: Iterable[ResultDifference]) -> Iterator[ResultDifference]:
    started = time.monotonic()
    for one in differences:
        kinds = f"{len(one.kinds)} kind{'' if len(one.kinds) == 1 else 's'}" if one.kinds else "none"
        write_message(
            f"{one.aspect.value}, {one.way.value}: {kinds}, {one.state.value} ({time.monotonic() - started:.1f} s)"
        )
        yield one


def _leave(counting: list[ResultDifference]) -> None:
    if any(one.kinds for one in counting):
        exit_with("Results differ.", HAS_FINDINGS)
    if any(one.state != COMPLETE for one in counting):
        exit_with("Gave up before every difference was found or excluded; try more --seconds.", CANNOT_RUN)


# --- words ---


def _heads(found: Json) -> str:
    return " -> ".join(f"{one['name']} {one['version']} ({one['digest'][:19]})" for one in (found["old"], found["new"]))


def _one_alone(found: Json) -> Iterator[str]:
    if found["accepted_by_one_alone"]:
        yield (
            "Only one version accepts some answers to, or has: "
            f"{', '.join(found['accepted_by_one_alone'])}. What it does with these alone is not compared."
        )


def _line(line: Json) -> str:
    if line["edit"] is not None:
        return f"{line['what']}: {line['edit']}"
    if line["before"] is None:
        return f"{line['what']}: {line['after']}"
    if line["after"] is None:
        return f"{line['what']}, taken away: {line['before']}"
    return f"{line['what']}: {line['after']}; before: {line['before']}"


def _result(one: Json) -> str:
    return f"{one['level']}, {one['disposition']} ({', '.join(one['rules'])})"


def _kind(aspect: str, kind: Json) -> str:
    if kind["old"]["disposition"] != kind["new"]["disposition"]:
        return f"{kind['before'][0]} before, {kind['after'][0]} now"
    if aspect == "disposition":
        return f"{kind['before'][0]} with another time"
    told = [f"no longer: {value}" for value in kind["before"]] + [f"now: {value}" for value in kind["after"]]
    return f"{aspect}, {'; '.join(told)}"


def example_words(example: Json) -> list[str]:
    """The answers of an example and what was counted, a line each."""
    lines = [f"{item['question']} {item['answer']}" for item in example["in_words"]]
    history = example["history"]
    if history["reports_last_48h"]:
        lines.append(f"Earlier reports in the last 48 hours: {history['reports_last_48h']}")
    if history["highest_level_24h"]:
        lines.append(f"Highest level in the last 24 hours: {history['highest_level_24h']}")
    return lines or ["nothing answered"]


def text(found: Json) -> Iterator[str]:
    """The lines for a terminal. `found`: as `report.as_data` makes it."""
    yield click.style(_heads(found), bold=True)
    yield "\nWritten otherwise:" if found["written"] else "\nNothing is written otherwise."
    for change in found["written"]:
        yield f"  {change['how']}: {change['part']} {change['id']}: {change['title']}"
        yield from (f"    {_line(line)}" for line in change["lines"])
    yield f"\n{found['result']} {found['caution']}"
    yield from _one_alone(found)
    for one in found["differences"]:
        for kind in one["kinds"]:
            yield f"\n  {click.style(_kind(one['aspect'], kind), bold=True)}"
            yield from (f"    cause: {cause}" for cause in kind["causes"])
            yield "    for example"
            yield from (f"      {line}" for line in example_words(kind["example"]))
            yield f"    before: {_result(kind['old'])}"
            yield f"    now:    {_result(kind['new'])}"
        yield f"{chr(10) if one['kinds'] else ''}{one['statement']}"


def markdown(found: Json) -> Iterator[str]:
    """The lines for a pull request."""
    yield f"### {_plain(_heads(found))}\n"
    yield f"**{_plain(found['result'])}** {_plain(found['caution'])}"
    yield from (f"\n{_plain(line)}" for line in _one_alone(found))
    for one in found["differences"]:
        yield f"\n{_plain(one['statement'])}\n"
        for kind in one["kinds"]:
            yield f"- **{_plain(_kind(one['aspect'], kind))}**"
            yield from (f"  - cause: {_plain(cause)}" for cause in kind["causes"])
            yield f"  - for example: {_plain(' · '.join(example_words(kind['example'])))}"
            yield f"  - before: {_plain(_result(kind['old']))}; now: {_plain(_result(kind['new']))}"
    yield "\n#### Written otherwise\n"
    if not found["written"]:
        yield "Nothing."
    for change in found["written"]:
        yield f"- {change['how']}: {change['part']} `{change['id']}`: {_plain(change['title'])}"
        yield from (f"  - {_plain(_line(line))}" for line in change["lines"])


def _plain(words: str) -> str:
    """Text that Markdown shows as it is; what stands between backticks is shown as code."""
    parts = words.split("`")
    if len(parts) % 2 == 0:  # one of them has no partner
        return _escaped(words, "`")
    return "`".join(part if number % 2 else _escaped(part) for number, part in enumerate(parts))


def _escaped(words: str, also: str = "") -> str:
    return "".join(f"\\{character}" if character in f"\\*_<>[]|{also}" else character for character in words)
