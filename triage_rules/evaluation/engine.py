"""The one door to durable-rules: run a compiled ruleset on one report's findings.

It calls the C extension itself: `Host` starts threads that a fork loses, and costs three times as much. Each page has
a ruleset of the engine and one state, which live as long as the Engine; its message is asserted, drained and
retracted. After any error all of it is thrown away and built anew: a fact left behind would be the next patient's.
Build it after the fork; one thread only.
"""

from __future__ import annotations

import contextlib
import itertools
import weakref

from triage_rules.evaluation.compiling import Compiled
from triage_rules.evaluation.compiling.engine_messages import BARE, SID, Messages, written
from triage_rules.evaluation.signals import Masks
from triage_rules.foundation.errors import EngineError, EngineUnavailable
from triage_rules.language.model import Answers

REBUILD = (
    'CPPFLAGS="-DPyEval_CallObject=PyObject_CallObject -O2" '
    "pip install --force-reinstall --no-deps --no-cache-dir durable-rules==2.0.28"
)
"""Builds durable-rules for Python 3.13 and later, which took PyEval_CallObject away."""

try:
    import durable_rules_engine as durable
except ModuleNotFoundError:
    raise
except ImportError as error:
    _missing = "PyEval_CallObject" in str(error)
    _reason = "it was not built for this Python" if _missing else str(error)
    raise EngineUnavailable(f"durable-rules can't be loaded, as {_reason}; build it again: {REBUILD}") from error

_OK = 0
_BARE = BARE + "}"
_numbers = itertools.count()


class Engine:
    """A registered ruleset. Not for two threads, not across a fork.

    Raises EngineError if durable-rules won't take the ruleset. What it holds is given back when nobody holds it.
    """

    def __init__(self, compiled: Compiled) -> None:
        self._compiled = compiled
        self._messages = Messages(compiled.pages, compiled.spelled)
        self._terms = [page.terms for page in compiled.pages]
        self._rules = [written(page.rules) for page in compiled.pages]
        self._give_back: weakref.finalize[[list[int]], Engine] | None = None
        self._handles: list[int] = []
        try:
            self._open()
        except Exception as error:
            raise EngineError(f"durable-rules refused the ruleset: {error}") from error

    def run(self, findings: Answers) -> Masks:
        """The rails for one report. Raises EngineError; the next report is not affected."""
        try:
            if self._give_back is None:  # after an error
                self._open()
            true = self._run(findings)
        except Exception as error:
            self.close()
            raise EngineError(f"durable-rules failed: {type(error).__name__}") from error
        except BaseException:  # the process is told to stop, and may go on all the same
            self.close()
            raise
        return self._compiled.rails(true, findings)

    def close(self) -> None:
        """Give the engine's memory back."""
        if self._give_back is not None:
            self._give_back()
            self._give_back = None

    def _run(self, findings: Answers) -> set[int]:
        """The numbers of the signals that come out true."""
        true: set[int] = set()
        answers = self._messages.answers(findings)
        for place, handle in enumerate(self._handles):
            message = self._messages.message(place, answers, true)
            true.update(*self._run_page(handle, message, self._terms[place]))
        return true

    def _open(self) -> None:
        """Register every page, and let its sentinel fire once: only then can the state be deleted, whatever comes."""
        self._handles = []
        try:
            for rules in self._rules:
                handle: int = durable.create_ruleset(f"{self._compiled.name}-{next(_numbers)}", rules)
                try:
                    self._run_page(handle, _BARE, {})
                except BaseException:
                    durable.delete_ruleset(handle)  # without its state, whose memory may be wild
                    raise
                self._handles.append(handle)
        except BaseException:
            _give_back(self._handles)
            raise
        self._give_back = weakref.finalize(self, _give_back, self._handles)
        self._give_back.atexit = False  # the end of the process gives everything back

    @staticmethod
    def _run_page(handle: int, message: str, terms: dict[str, tuple[int, ...]]) -> list[tuple[int, ...]]:
        """What each rule that fires makes true. Raises EngineError."""
        outcome, state = durable.assert_fact(handle, message)
        if outcome != _OK:
            raise EngineError(f"asserting gave {outcome}")
        fired: list[tuple[int, ...]] = []
        received, complete_and_start_action = False, durable.complete_and_start_action
        _, action = durable.start_action_for_state(handle, state) or (None, None)
        while action is not None:  # {"t012": {...}}
            made = terms.get(action[2:6])
            if made is not None:
                fired.append(made)
            else:
                received = True
            action = complete_and_start_action(handle, state)
        if not received:
            raise EngineError("a page was not received")
        outcome, _ = durable.retract_fact(handle, _BARE)
        if outcome != _OK:
            raise EngineError(f"retracting gave {outcome}")
        return fired


def _give_back(handles: list[int]) -> None:
    """Delete states in which a rule has fired, then the rulesets, which alone would leave the states' memory behind."""
    with contextlib.ExitStack() as deleting:
        for handle in handles:
            deleting.callback(durable.delete_ruleset, handle)
            deleting.callback(durable.delete_state, handle, SID)
