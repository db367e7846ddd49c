"""The words of `triage explain --why-not`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from triage_rules.assurance.solver.witness import EncoderBugError, Json
from triage_rules.cli.exit_codes import ExitCode
from triage_rules.cli.output import exit_with
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.explanation.why_not.report import Asked, why_not
from triage_rules.language.model import Answers, Level, Ruleset
from triage_rules.language.reading.messages import suggest_name

FACTS = ("person",)
"""Groups whose answers are kept by default: who the person is, not how they are."""

NOTHING = "nothing"

SHOWN = 6
"""Parts of a condition that the text shows."""

DEEPEST = 6
"""Levels of a condition that the text shows; JSON has all of them."""

__all__ = ["Asked", "find_alternatives", "kept_inputs", "lines"]


def kept_inputs(ruleset: Ruleset, keep: Sequence[str]) -> Collection[str]:
    """Return the inputs that are named, by group or by name; those of FACTS by default. Exits if a name is unknown."""
    if NOTHING in keep:
        return frozenset()
    groups = {read.group for read in ruleset.inputs.values()}
    known = groups | ruleset.inputs.keys()
    for name in keep:
        if name not in known:
            exit_with(f"--keep: no group or question `{name}`{suggest_name(name, sorted(known))}", ExitCode.USAGE)
    wanted = set(keep or FACTS)
    return {name for name, read in ruleset.inputs.items() if name in wanted or read.group in wanted}


def find_alternatives(evaluator: Evaluator, answers: Answers, level: str, asked: Asked) -> Json:
    """Find why the level isn't the asked one, as plain data. Exits if it is, or if the program is at fault."""
    if Level.of(level) is asked.level:
        exit_with(f"The level is {level}; ask --why-not for another one.", ExitCode.USAGE)
    try:
        return why_not(evaluator, answers, Level.of(level), asked)
    except EncoderBugError as error:
        exit_with(f"A fault of this program, so nothing is shown: {error}", ExitCode.CANNOT_RUN)


def lines(report: Json) -> Iterator[str]:
    """Yield the lines for a terminal."""
    yield f"\nWhy {report['level']} and not {report['asked']}? {report['caution']}"
    yield from _rule_lines(report)
    yield f"\nOther answers ({', '.join(report['kept']) or 'nothing'} kept as given):"
    for alternative in report["sets"]:
        result = alternative["result"]
        yield f"\n  {result['level']}, {result['disposition']} ({', '.join(result['rules']) or 'default'}), if"
        for item in alternative["in_words"]:
            yield f"    {_subject(item['question'])} {item['instead']}; given: {item['given']}"
    yield f"{chr(10) if report['sets'] else '  '}{report['statement']}"


def _rule_lines(report: Json) -> Iterator[str]:
    if report["rules_gave_up"]:
        yield f"\nThe nearest rules are not known: gave up ({report['rules_gave_up']})."
    elif report["way"] == "up":
        yield "\nThe nearest rules, and what they lacked:" if report["rules"] else "\nNo rule can lead there."
    elif report["rules"]:
        yield "\nRules that keep the level up, and what would have to change for each:"
    for rule in report["rules"]:
        away = rule.get("answers_away")
        distance = "" if away is None else f" ({away} answer{'' if away == 1 else 's'} away)"
        yield f"\n  {rule['id']} {rule['title']} -> {rule['disposition']}{distance}"
        for lack in rule["lacks"]:
            yield from _lack_lines(lack, 2)


def _lack_lines(lack: Json, indent: int) -> Iterator[str]:
    blank, parts = "  " * indent, lack["parts"]
    is_partial = 0 < lack["needed"] < len(parts)
    needed = f"{lack['needed']} of these {len(parts)}" if is_partial else "all of these"
    if not lack["says"] or lack["says"] == "together":
        yield f"{blank}- {needed}:"
    else:
        yield f"{blank}- {_subject(lack['says'])} {lack['given']}; wanted: {lack['wanted']}"
    if indent == DEEPEST:
        if parts:
            yield f"{blank}  …"
        return
    for part in parts[:SHOWN]:
        yield from _lack_lines(part, indent + 1)
    if len(parts) > SHOWN:
        yield f"{blank}  and {len(parts) - SHOWN} more"


def _subject(says: str) -> str:
    """Return a question or a statement as written before its value: a statement gets a colon."""
    return says if says.endswith(("?", ":")) else f"{says}:"
