"""Parts that rulesets share: `uses` names files of this package, which are read as if they stood in the ruleset."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources

from triage_rules.language.reading.messages import describe_node_kind, join_names, suggest_name
from triage_rules.language.reading.places import (
    Broken,
    Faults,
    MappingEntry,
    MappingNode,
    Node,
    Scalar,
    Sequence,
    quoted,
)
from triage_rules.language.reading.yaml_text import tree_of_yaml

USES = "uses"

SECTIONS = (
    *("contacts", "dispositions", "inputs", "mentions", "inferences"),
    *("rules", "safety_net", "conflicts", "panels"),
)
"""The sections that a fragment may have."""

OWN_WINS = frozenset({"contacts", "dispositions"})
"""The sections in which an entry of the ruleset takes the place of the fragment's."""

_FOLDER = resources.files("triage_rules") / "language" / "fragments"


def fragment_names() -> list[str]:
    """List the fragments, with their versions: `danger-now@1`."""
    return sorted(file.name.removesuffix(".yaml") for file in _FOLDER.iterdir() if file.name.endswith(".yaml"))


def insert_fragments(root: Node, faults: Faults) -> Node:
    """Return the ruleset's tree with the fragments that it uses in place of `uses`; their entries come first."""
    if not isinstance(root, MappingNode) or USES not in root.entries:
        return root
    entries = {key: entry for key, entry in root.entries.items() if key != USES}
    for name in reversed(list(_names(root.entries[USES].node, faults))):
        file = f"{name}.yaml"
        fragment = tree_of_yaml((_FOLDER / file).read_bytes(), file, faults)
        for section, entry in fragment.entries.items() if isinstance(fragment, MappingNode) else ():
            entries[section] = _joined(section, entry, entries.get(section), name, faults)
    return MappingNode(entries, root.place, root.whole)


def _names(node: Node, faults: Faults) -> Iterator[str]:
    if not isinstance(node, Sequence):
        if not isinstance(node, Broken):
            faults.add(node.place, f"`uses`: expected a list of fragments, found {describe_node_kind(node)}")
        return
    known, used = fragment_names(), set()
    for item in node.items:
        name = item.value if isinstance(item, Scalar) else None
        if not isinstance(name, str) or name not in known:
            shown = quoted(name) if isinstance(name, str) else describe_node_kind(item)
            hint = suggest_name(name, known) if isinstance(name, str) else ""
            faults.add(item.place, f"`uses`: unknown fragment {shown}{hint or f'; known are {join_names(known)}'}")
        elif name in used:
            faults.add(item.place, f"`uses`: `{name}` is in the list twice")
        else:
            used.add(name)
            yield name


def _joined(section: str, shared: MappingEntry, own: MappingEntry | None, name: str, faults: Faults) -> MappingEntry:
    """Return a section of the fragment followed by the ruleset's own entries."""
    if own is None or not isinstance(shared.node, MappingNode) or not isinstance(own.node, MappingNode):
        return shared if own is None else own
    for key in own.node.entries.keys() & shared.node.entries.keys():
        if section not in OWN_WINS:
            faults.add(
                own.node.entries[key].key_place, f"`{section}`: `{key}` is already defined by `{name}`, in `uses`"
            )
    kept = {key: entry for key, entry in shared.node.entries.items() if key not in own.node.entries}
    return MappingEntry(own.key_place, MappingNode(kept | own.node.entries, own.node.place, own.node.whole))
