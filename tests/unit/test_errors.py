"""The errors of the core: drawn, documented, with messages that help."""

from __future__ import annotations

import inspect
import re

import pytest

from triage_rules.foundation import errors
from triage_rules.foundation.errors import TriageError

CORE = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, TriageError)]
LINE = re.compile(r"^([│ ]*)[├└]── (\w+) {2,}\S", re.MULTILINE)


def test_the_drawn_tree_names_every_error_under_its_parent() -> None:
    """Whoever catches errors reads the tree first; four were missing once."""
    drawn, path = {"TriageError": None}, ["TriageError"]
    for indent, name in LINE.findall(errors.__doc__ or ""):
        depth = len(indent) // 4 + 1
        drawn[name] = path[depth - 1]
        path[depth:] = [name]
    assert drawn == {kind.__name__: None if kind is TriageError else kind.__base__.__name__ for kind in CORE}


@pytest.mark.parametrize("kind", CORE, ids=lambda kind: kind.__name__)
def test_every_error_has_a_message_of_its_own(kind: type[TriageError]) -> None:
    """The docstring is the default message, so a missing one would show the parent's."""
    first = (kind.__dict__["__doc__"] or "").strip().splitlines()[0]
    assert re.fullmatch(r"[A-Z].*\.", first)
    assert [other for other in CORE if other is not kind and other.__doc__ == kind.__doc__] == []
