"""Reader of `accepts`: findings of `triage check` that the ruleset's owner accepts, with the reason."""

from __future__ import annotations

from dataclasses import dataclass

from triage_rules.foundation.place import Place
from triage_rules.language.check_types import CheckType
from triage_rules.language.reading.fields import Form
from triage_rules.language.reading.places import Faults, MappingNode, Node

_TYPES = {type_.value: type_ for type_ in CheckType if type_.is_acceptable}


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Accepted findings of one type. `of`: their subjects, with places."""

    finding: CheckType
    of: tuple[tuple[str, Place], ...]
    reason: str


def read_acceptances(root: Form, faults: Faults) -> tuple[Acceptance, ...]:
    """Read the items of `accepts`, without invalid ones."""
    read = (_acceptance(node, faults) for node in root.items("accepts", least=0))
    return tuple(acceptance for acceptance in read if acceptance is not None)


def acceptances_of(root: Node) -> tuple[Acceptance, ...]:
    """Return the acceptances of a file that was read without a fault."""
    return read_acceptances(Form(root, "", Faults()), Faults()) if isinstance(root, MappingNode) else ()


def _acceptance(node: Node, faults: Faults) -> Acceptance | None:
    form = Form(node, "`accepts`", faults)
    finding, of, reason = form.keyword("finding", _TYPES), form.texts("of", required=True), form.text("reason")
    form.close()
    return Acceptance(_TYPES[finding], of, reason) if finding and of and reason else None
