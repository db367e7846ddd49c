"""The one door to durable-rules: run a compiled ruleset on one report's findings.

It calls the C extension itself: `Host` starts threads that a fork loses, and costs three times as much. One state
lives as long as the engine; each page's message is asserted, drained and retracted. After any error the state is
thrown away and built anew: a fact left behind would be the next patient's. Build it after the fork; one thread only.
"""

from __future__ import annotations

import itertools
import json
from decimal import Decimal
from typing import Any

import durable_rules_engine

from triage_rules.compiling import Compiled, Page
from triage_rules.errors import EngineError
from triage_rules.rails import Rails
from triage_rules.ruleset import Findings, Value

_OK = 0
_numbers = itertools.count()


class Engine:
    """A registered ruleset and its one state. Not for two threads, not across a fork."""

    def __init__(self, compiled: Compiled) -> None:
        self._compiled = compiled
        self._handle = self._register()

    def run(self, findings: Findings) -> Rails:
        """The rails for one report. Raises EngineError; the next report is not affected."""
        facts = self._compiled.facts(findings)
        truths = [False] * len(self._compiled.signals)
        try:
            for page in self._compiled.pages:
                for number in self._run_page(page, self._compiled.message(page, facts, truths)):
                    truths[number] = True
        except Exception as error:
            self._start_anew()
            raise EngineError(f"durable-rules failed: {type(error).__name__}") from error
        return self._compiled.rails(truths)

    def close(self) -> None:
        """Give the engine's memory back."""
        durable_rules_engine.delete_ruleset(self._handle)

    def _register(self) -> int:
        # a name can be registered once in a process, even after it was deleted
        name = f"{self._compiled.name}-{next(_numbers)}"
        handle: int = durable_rules_engine.create_ruleset(name, json.dumps(self._compiled.rules, default=_refuse))
        return handle

    def _start_anew(self) -> None:
        try:
            self.close()
        finally:
            self._handle = self._register()

    def _run_page(self, page: Page, message: dict[str, Value]) -> list[int]:
        text = _write(message)
        terms = self._compiled.terms
        outcome, state = durable_rules_engine.assert_fact(self._handle, text)
        if outcome != _OK:
            raise EngineError(f"asserting page {page.number} gave {outcome}")
        fired: list[int] = []
        started = durable_rules_engine.start_action_for_state(self._handle, state)
        action: str | None = started[1] if started else None
        received = False
        while action is not None:
            name = action[2 : action.index('"', 2)]
            if name in terms:
                fired.append(terms[name])
            else:
                received = True
            action = durable_rules_engine.complete_and_start_action(self._handle, state)
        if not received:
            raise EngineError(f"page {page.number} was not received")
        outcome, _ = durable_rules_engine.retract_fact(self._handle, text)
        if outcome != _OK:
            raise EngineError(f"retracting page {page.number} gave {outcome}")
        return fired


def _write(message: dict[str, Value]) -> str:
    """JSON as the engine reads it: no exponents. Names and values are ours: ASCII names, numbers and booleans."""
    fields = ", ".join(f'"{name}": {_write_value(value)}' for name, value in message.items())
    return f'{{"id": "m", "sid": "s", {fields}}}'


def _write_value(value: Value) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            text = repr(value)
            return format(Decimal(text), "f") if "e" in text else text
        case str():
            raise EngineError("text must not reach the engine")


def _refuse(value: Any) -> Any:
    raise EngineError(f"a {type(value).__name__} can't be given to the engine")
