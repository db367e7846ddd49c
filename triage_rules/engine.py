"""The one door to durable-rules: run a compiled ruleset on one report's findings.

It calls the C extension itself: `Host` starts threads that a fork loses, and costs three times as much. One state
lives as long as the engine; each page's message is asserted, drained and retracted. After any error the state is
thrown away and built anew: a fact left behind would be the next patient's. Build it after the fork; one thread only.
"""

from __future__ import annotations

import contextlib
import itertools
import weakref
from collections.abc import Mapping
from decimal import Decimal

import durable_rules_engine

from triage_rules.compiling import Compiled
from triage_rules.errors import EngineError
from triage_rules.rails import Rails
from triage_rules.ruleset import Findings, Value

_OK = 0
_SID = "s"
_numbers = itertools.count()


class Engine:
    """A registered ruleset and its one state. Not for two threads, not across a fork.

    Raises EngineError if durable-rules won't take the ruleset. What it holds is given back when nobody holds it.
    """

    def __init__(self, compiled: Compiled) -> None:
        self._compiled = compiled
        parts = compiled.parts()
        self._parts = [(_write(part.rules), part.pages[0]) for part in parts]
        self._part_of = {page: number for number, part in enumerate(parts) for page in part.pages}
        self._give_back: weakref.finalize[[list[int]], Engine] | None = None
        self._handles: list[int] = []
        try:
            self._open()
        except Exception as error:
            raise EngineError(f"durable-rules refused the ruleset: {error}") from error

    def run(self, findings: Findings) -> Rails:
        """The rails for one report. Raises EngineError; the next report is not affected."""
        truths = [False] * len(self._compiled.signals)
        try:
            if self._give_back is None:  # after an error
                self._open()
            facts = self._compiled.facts(findings)
            for page in self._compiled.pages:
                handle = self._handles[self._part_of[page.number]]
                for number in self._run_page(handle, page.number, self._compiled.message(page, facts, truths)):
                    truths[number] = True
        except Exception as error:
            self.close()
            raise EngineError(f"durable-rules failed: {type(error).__name__}") from error
        except BaseException:  # the process is told to stop, and may go on all the same
            self.close()
            raise
        return self._compiled.rails(truths)

    def close(self) -> None:
        """Give the engine's memory back."""
        if self._give_back is not None:
            self._give_back()
            self._give_back = None

    def _open(self) -> None:
        """Register every part."""
        self._handles = []
        try:
            for rules, page in self._parts:
                self._handles.append(self._open_part(rules, page))
        except BaseException:
            _give_back(self._handles)
            raise
        self._give_back = weakref.finalize(self, _give_back, self._handles)
        self._give_back.atexit = False  # the end of the process gives everything back

    def _open_part(self, rules: str, page: int) -> int:
        """Register, and let a sentinel fire once: only then can the state be deleted, whatever comes after."""
        handle: int = durable_rules_engine.create_ruleset(f"{self._compiled.name}-{next(_numbers)}", rules)
        try:
            self._run_page(handle, page, {"page": page})
        except BaseException:
            durable_rules_engine.delete_ruleset(handle)  # without its state, whose memory may be wild
            raise
        return handle

    def _run_page(self, handle: int, page: int, message: dict[str, Value]) -> list[int]:
        text = f'{{"id": "m", "sid": "{_SID}", {_write_fields(message)}}}'
        terms = self._compiled.terms
        outcome, state = durable_rules_engine.assert_fact(handle, text)
        if outcome != _OK:
            raise EngineError(f"asserting page {page} gave {outcome}")
        fired: list[int] = []
        started = durable_rules_engine.start_action_for_state(handle, state)
        action: str | None = started[1] if started else None
        received = False
        while action is not None:
            name = action[2 : action.index('"', 2)]
            if name in terms:
                fired.append(terms[name])
            else:
                received = True
            action = durable_rules_engine.complete_and_start_action(handle, state)
        if not received:
            raise EngineError(f"page {page} was not received")
        outcome, _ = durable_rules_engine.retract_fact(handle, text)
        if outcome != _OK:
            raise EngineError(f"retracting page {page} gave {outcome}")
        return fired


def _give_back(handles: list[int]) -> None:
    """Delete states in which a rule has fired, then the rulesets, which alone would leave the states' memory behind."""
    with contextlib.ExitStack() as deleting:
        for handle in handles:
            deleting.callback(durable_rules_engine.delete_ruleset, handle)
            deleting.callback(durable_rules_engine.delete_state, handle, _SID)


def _write(value: object) -> str:
    """JSON as the engine reads it: no exponents. Names are ours, plain ASCII; values are numbers and booleans."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            text = repr(value)
            return format(Decimal(text), "f") if "e" in text else text
        case list():
            return f"[{', '.join(map(_write, value))}]"
        case Mapping():
            return f"{{{_write_fields(value)}}}"
        case _:
            raise EngineError(f"a {type(value).__name__} must not reach the engine")


def _write_fields(fields: Mapping[str, object]) -> str:
    return ", ".join(f'"{name}": {_write(value)}' for name, value in fields.items())
