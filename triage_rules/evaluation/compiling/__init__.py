"""A ruleset translated into durable-rules' dictionary: pure, no engine in it.

Four signals can stand for a statement, and each is a positive formula over literals that fire only on an answer:

    NOW, true         established                      CERTAIN, true    true whatever is still answered
    NOW, false        ruled out                        CERTAIN, false   never true, whatever is still answered

`not` changes the side and so ends at the findings. The possible rail is what is not CERTAIN false: if the
engine lost a firing there, the level that could still come would be too high, not too low. Without `open` and
`unless` beneath it, a statement's CERTAIN is its NOW.

A signal is put into disjunctive form. Each term is one durable rule, a plain conjunction on one message: no
`$or`, no joins. Terms are dealt onto pages; a page is a ruleset of the engine's, and its message holds the fields that
its terms read, earlier signals among them. Within a page the terms stand in groups, which bounds the engine's stack
of 64 for every possible report.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from triage_rules.evaluation.compiling.formulas import Mode, Signal
from triage_rules.evaluation.compiling.lookahead import Outlook
from triage_rules.evaluation.compiling.lowering import Lowering, refuse_limits
from triage_rules.evaluation.compiling.pages import Deal, EnginePage, write
from triage_rules.evaluation.signals import SOONER, Masks, Numbering
from triage_rules.foundation.errors import EngineLimitError
from triage_rules.language.model import Answers, InputKind, Ruleset, Value


@dataclass(frozen=True, slots=True)
class Compiled:
    """What the engine runs, and what looks ahead.

    pages: in the order to run them. established: number of a signal -> the statement that it establishes, as a mask.
    spelled: finding -> answer -> how the engine gets it; a choice by its place, since the engine compares text in ways
    that we don't rely on.
    """

    name: str
    pages: tuple[EnginePage, ...]
    signals: tuple[Signal, ...]
    established: dict[int, int]
    outlook: Outlook
    spelled: dict[str, dict[Value, str]]

    def rails(self, true: AbstractSet[int], answers: Answers) -> Masks:
        """The rails of a report. `true`: the signals that came out true in the engine, by number."""
        possible, certain = self.outlook.of(answers)
        established = self.established
        return Masks(sum([established[number] for number in true if number in established]), possible, certain)


def compile_ruleset(ruleset: Ruleset, name: str) -> Compiled:
    """Translate. `name` is what the engine registers. Raises EngineLimitError if it can't hold the ruleset."""
    refuse_limits(ruleset)
    lowering = Lowering(ruleset)
    numbering = Numbering(ruleset)
    outcomes = numbering.outcomes
    sooner = [SOONER] if ruleset.validity.sooner is not None else []
    established = {
        key: lowering.signal(key, Mode.NOW, True) for key in (*ruleset.inferences, *outcomes, *ruleset.conflicts)
    }
    ruled_out = {key: lowering.signal(key, Mode.CERTAIN, False) for key in (*outcomes, *sooner)}
    certain = {key: lowering.signal(key, Mode.CERTAIN, True) for key in outcomes}
    _need(lowering, established.values())
    rules = dict(lowering.formulas)
    _need(lowering, (*ruled_out.values(), *certain.values()))
    signals = {signal: n for n, signal in enumerate(rules)}
    return Compiled(
        name=name,
        pages=write(Deal(rules).drafts, signals),
        signals=tuple(rules),
        established={signals[signal]: numbering.bit[key] for key, signal in established.items()},
        outlook=Outlook(
            lowering.formulas,
            lowering.choices,
            {numbering.bit[key]: signal for key, signal in ruled_out.items()},
            {numbering.bit[key]: signal for key, signal in certain.items()},
        ),
        spelled=_spelled(ruleset, lowering.choices),
    )


def _spelled(ruleset: Ruleset, choices: Mapping[str, Mapping[str, int]]) -> dict[str, dict[Value, str]]:
    yes_no = [name for name, asked in ruleset.inputs.items() if asked.kind is InputKind.YES_NO]
    spelled: dict[str, dict[Value, str]] = {
        name: {True: "true", False: "false"} for name in (*yes_no, *ruleset.mentions)
    }
    return spelled | {name: {value: str(place) for value, place in of.items()} for name, of in choices.items()}


def _need(lowering: Lowering, signals: Iterable[Signal]) -> None:
    try:
        for signal in signals:
            lowering.need(signal)
    except EngineLimitError as error:
        raise EngineLimitError(f"`{lowering.within[-1]}`: {error}") from None
