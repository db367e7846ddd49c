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
"""The groups whose answers stay unless told otherwise: who somebody is, not how they are."""

NOTHING = "nothing"

SHOWN = 6
"""Parts of a condition that are written out."""

DEEPEST = 6
"""How far down conditions are written out; JSON has them whole."""

__all__ = ["Asked", "asked_of", "kept_inputs", "lines"]


def kept_inputs(ruleset: Ruleset, keep: Sequence[str]) -> Collection[str]:
    """The inputs that are named, by group or by themselves; those of FACTS if none is. Exits if a name is unknown."""
    if NOTHING in keep:
        return frozenset()
    groups = {read.group for read in ruleset.inputs.values()}
    known = groups | ruleset.inputs.keys()
    for name in keep:
        if name not in known:
            exit_with(f"--keep: no group or question `{name}`{suggest_name(name, sorted(known))}", ExitCode.USAGE)
    wanted = set(keep or FACTS)
    return {name for name, read in ruleset.inputs.items() if name in wanted or read.group in wanted}


def asked_of(evaluator: Evaluator, answers: Answers, level: str, asked: Asked) -> Json:
    """What came of it, as plain data. Exits if the report has that level, or if the program is at fault."""
    if Level.of(level) is asked.level:
        exit_with(f"The level is {level}; ask --why-not for another one.", ExitCode.USAGE)
    try:
        return why_not(evaluator, answers, Level.of(level), asked)
    except EncoderBugError as error:
        exit_with(f"A fault of this program, nothing is shown: {error}", ExitCode.CANNOT_RUN)


def lines(found: Json) -> Iterator[str]:
    """The lines for a terminal."""
    yield f"\nWhy {found['level']} and not {found['asked']}? {found['caution']}"
    yield from _rules(found)
    yield f"\nOther answers ({', '.join(found['kept']) or 'nothing'} kept as given):"
    for one in found["sets"]:
        result = one["result"]
        yield f"\n  {result['level']}, {result['disposition']} ({', '.join(result['rules']) or 'default'}), if"
        for item in one["in_words"]:
            yield f"    {item['question']} {item['instead']}; given: {item['given']}"
    yield f"{chr(10) if found['sets'] else '  '}{found['statement']}"


def _rules(found: Json) -> Iterator[str]:
    if found["rules_gave_up"]:
        yield f"\nWhich rules were nearest is not known: gave up ({found['rules_gave_up']})."
    elif found["way"] == "up":
        yield "\nThe nearest rules, and what they lacked:" if found["rules"] else "\nNo rule can lead there."
    elif found["rules"]:
        yield "\nRules that hold it up, and what would have to be otherwise for each:"
    for rule in found["rules"]:
        away = rule.get("answers_away")
        far = "" if away is None else f" ({away} answer{'' if away == 1 else 's'} away)"
        yield f"\n  {rule['id']} {rule['title']} -> {rule['disposition']}{far}"
        for lack in rule["lacks"]:
            yield from _lack(lack, 2)


def _lack(lack: Json, indent: int) -> Iterator[str]:
    blank, parts = "  " * indent, lack["parts"]
    several = 0 < lack["needed"] < len(parts)
    some = f"{lack['needed']} of these {len(parts)}" if several else "all of these"
    if not lack["says"] or lack["says"] == "together":
        yield f"{blank}- {some}:"
    else:
        yield f"{blank}- {lack['says']} {lack['given']}; wanted: {lack['wanted']}"
    if indent == DEEPEST:
        return
    for part in parts[:SHOWN]:
        yield from _lack(part, indent + 1)
    if len(parts) > SHOWN:
        yield f"{blank}  and {len(parts) - SHOWN} more"
