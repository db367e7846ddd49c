"""The one door to durable-rules: run a compiled ruleset on one report's answers.

Calls the C extension directly: `Host` starts threads, which a fork loses, and takes three times as long. Each page has
a ruleset of the engine and one state, which live as long as the Engine; its message is asserted, drained and
retracted. Any error discards them all, and the next run builds new ones: a fact left behind would enter the next
patient's report. Build an Engine after the fork, and use it in one thread only.
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
"""Command that builds durable-rules for Python 3.13 and later, which removed PyEval_CallObject."""

try:
    import durable_rules_engine as durable
except ModuleNotFoundError:
    raise
except ImportError as error:
    _is_unbuilt = "PyEval_CallObject" in str(error)
    _reason = "it was not built for this Python" if _is_unbuilt else str(error)
    raise EngineUnavailable(f"durable-rules can't be loaded, as {_reason}; build it again: {REBUILD}") from error

_OK = 0
_BARE = BARE + "}"
_numbers = itertools.count()


class Engine:
    """Registered ruleset. Not for two threads, not across a fork.

    Raises EngineError if durable-rules rejects the ruleset. Its memory is released with the last reference.
    """

    def __init__(self, compiled: Compiled) -> None:
        self._compiled = compiled
        self._messages = Messages(compiled.pages, compiled.spelled)
        self._terms = [page.terms for page in compiled.pages]
        self._rules = [written(page.rules) for page in compiled.pages]
        self._release: weakref.finalize[[list[int]], Engine] | None = None
        self._handles: list[int] = []
        try:
            self._open()
        except Exception as error:
            raise EngineError(f"durable-rules refused the ruleset: {error}") from error

    def run(self, answers: Answers) -> Masks:
        """Return the rails of one report. Raises EngineError; the next report is not affected."""
        try:
            if self._release is None:  # after an error
                self._open()
            true = self._run(answers)
        except Exception as error:
            self.close()
            raise EngineError(f"durable-rules failed: {type(error).__name__}") from error
        except BaseException:  # such as SystemExit: a caller may catch it and evaluate the next report
            self.close()
            raise
        return self._compiled.rails(true, answers)

    def close(self) -> None:
        """Release the engine's memory."""
        if self._release is not None:
            self._release()
            self._release = None

    def _run(self, answers: Answers) -> set[int]:
        """Return the numbers of the signals that are true."""
        true: set[int] = set()
        fields = self._messages.answers(answers)
        for place, handle in enumerate(self._handles):
            message = self._messages.message(place, fields, true)
            true.update(*self._run_page(handle, message, self._terms[place]))
        return true

    def _open(self) -> None:
        """Register every page, and let its sentinel fire once: only then can the state be deleted safely."""
        self._handles = []
        try:
            for rules in self._rules:
                handle: int = durable.create_ruleset(f"{self._compiled.name}-{next(_numbers)}", rules)
                try:
                    self._run_page(handle, _BARE, {})
                except BaseException:
                    durable.delete_ruleset(handle)  # not its state: deleting that could free wild memory
                    raise
                self._handles.append(handle)
        except BaseException:
            _release(self._handles)
            raise
        self._release = weakref.finalize(self, _release, self._handles)
        self._release.atexit = False  # the end of the process frees everything

    @staticmethod
    def _run_page(handle: int, message: str, terms: dict[str, tuple[int, ...]]) -> list[tuple[int, ...]]:
        """Return the signals that each rule that fires makes true. Raises EngineError."""
        outcome, state = durable.assert_fact(handle, message)
        if outcome != _OK:
            raise EngineError(f"asserting gave {outcome}")
        fired: list[tuple[int, ...]] = []
        received, complete_and_start_action = False, durable.complete_and_start_action
        _, action = durable.start_action_for_state(handle, state) or (None, None)
        while action is not None:  # {"t012": {...}}
            signals = terms.get(action[2:6])
            if signals is not None:
                fired.append(signals)
            else:
                received = True
            action = complete_and_start_action(handle, state)
        if not received:
            raise EngineError("a page was not received")
        outcome, _ = durable.retract_fact(handle, _BARE)
        if outcome != _OK:
            raise EngineError(f"retracting gave {outcome}")
        return fired


def _release(handles: list[int]) -> None:
    """Delete the states, after a rule has fired in each, then the rulesets: without the first, memory would leak."""
    with contextlib.ExitStack() as deleting:
        for handle in handles:
            deleting.callback(durable.delete_ruleset, handle)
            deleting.callback(durable.delete_state, handle, SID)
