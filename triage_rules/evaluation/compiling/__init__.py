"""Translation of a ruleset into durable-rules' dictionaries; pure, without the engine.

A statement can have four signals. Each is a positive formula over literals that fire only on an answer:

    NOW, true         established                      CERTAIN, true    true whatever is still answered
    NOW, false        ruled out                        CERTAIN, false   never true, whatever is still answered

`not` changes the side, and so disappears into the literals. The possible rail holds every outcome whose CERTAIN, false
is not true: if the engine lost a firing there, the level still possible would be too high, not too low. A statement
without `open` and `unless` beneath it uses its NOW signals for CERTAIN.

A signal is put into disjunctive form. Each term is a durable rule, a plain conjunction on one message: no
`$or`, no joins. Terms are dealt onto pages; a page is a ruleset of the engine, and its message holds the fields that
its terms read, earlier signals among them. Within a page the terms stand in groups, which bounds the engine's stack
of 64 for every possible report.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from triage_rules.evaluation.compiling.formulas import Mode, Signal
from triage_rules.evaluation.compiling.lookahead import Lookahead
from triage_rules.evaluation.compiling.lowering import Lowering, refuse_limits
from triage_rules.evaluation.compiling.pages import Deal, EnginePage, write
from triage_rules.evaluation.signals import SOONER, Masks, Numbering
from triage_rules.foundation.errors import EngineLimitError
from triage_rules.language.model import Answers, InputKind, Ruleset, Value


@dataclass(frozen=True, slots=True)
class Compiled:
    """Pages for the engine to run, and the lookahead.

    pages: in the order to run them. established: number of a signal -> the statement that it establishes, as a mask.
    spelled: input -> answer -> its text for the engine. A choice is written as its place, because we don't rely on how
    the engine compares text.
    """

    name: str
    pages: tuple[EnginePage, ...]
    signals: tuple[Signal, ...]
    established: dict[int, int]
    lookahead: Lookahead
    spelled: dict[str, dict[Value, str]]

    def rails(self, true: AbstractSet[int], answers: Answers) -> Masks:
        """Return the rails of a report. `true`: numbers of the signals that are true in the engine."""
        possible, certain = self.lookahead.of(answers)
        established = self.established
        return Masks(sum([established[number] for number in true if number in established]), possible, certain)


def compile_ruleset(ruleset: Ruleset, name: str) -> Compiled:
    """Translate a ruleset. `name`: for the engine. Raises EngineLimitError if the engine can't hold it."""
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
    _make_formulas(lowering, established.values())
    rules = dict(lowering.formulas)
    _make_formulas(lowering, (*ruled_out.values(), *certain.values()))
    signals = {signal: n for n, signal in enumerate(rules)}
    return Compiled(
        name=name,
        pages=write(Deal(rules).drafts, signals),
        signals=tuple(rules),
        established={signals[signal]: numbering.bit[key] for key, signal in established.items()},
        lookahead=Lookahead(
            lowering.formulas,
            lowering.choices,
            {numbering.bit[key]: signal for key, signal in ruled_out.items()},
            {numbering.bit[key]: signal for key, signal in certain.items()},
        ),
        spelled=_spell_answers(ruleset, lowering.choices),
    )


def _spell_answers(ruleset: Ruleset, choices: Mapping[str, Mapping[str, int]]) -> dict[str, dict[Value, str]]:
    yes_no = [name for name, read in ruleset.inputs.items() if read.kind is InputKind.YES_NO]
    spelled: dict[str, dict[Value, str]] = {
        name: {True: "true", False: "false"} for name in (*yes_no, *ruleset.mentions)
    }
    return spelled | {name: {value: str(place) for value, place in of.items()} for name, of in choices.items()}


def _make_formulas(lowering: Lowering, signals: Iterable[Signal]) -> None:
    try:
        for signal in signals:
            lowering.need(signal)
    except EngineLimitError as error:
        raise EngineLimitError(f"`{lowering.within[-1]}`: {error}") from None
