"""Add vignettes to `vignettes.yaml` or `vignettes-held-out.yaml` of a ruleset's folder, by the hash of their names.

`python tools/split_vignettes.py NEW.yaml... FOLDER` keeps the text of each vignette as it is written.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from triage_rules.foundation.errors import TriageError
from triage_rules.interview.vignettes import HELD_OUT_FILE, VIGNETTES_FILE, is_held_out
from triage_rules.language.reading import load_document, parse_document
from triage_rules.language.reading.places import MappingNode

SECTION = "vignettes:\n"


def read_blocks(file: Path) -> Iterator[tuple[str, str]]:
    """Yield each vignette's name and lines, with the comments above the next one. Raises TriageError."""
    root = load_document(file).root
    section = root.entries.get("vignettes") if isinstance(root, MappingNode) else None
    if not isinstance(root, MappingNode) or section is None or not isinstance(section.node, MappingNode):
        sys.exit(f"{file}: expected vignettes by name under the key `vignettes`")
    node = section.node
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    starts = [entry.key_place.line - 1 for entry in node.entries.values()]
    later = [entry.key_place.line - 1 for entry in root.entries.values()]
    for name, start in zip(node.entries, starts, strict=True):
        end = min((line for line in (*starts, *later) if line > start), default=len(lines))
        yield name, "".join(lines[start:end]).rstrip() + "\n"


def split(sources: list[Path], folder: Path) -> dict[str, int]:
    """Append each vignette to its file, which is begun if it is missing; return the number of vignettes by file.

    A name that a file has already would be a duplicate key, and is refused before anything is written.
    """
    texts = {}
    for name in (VIGNETTES_FILE, HELD_OUT_FILE):
        path = folder / name
        begun = f"ruleset: {folder.name}\n\n{SECTION}"
        texts[name] = path.read_text(encoding="utf-8").rstrip() + "\n" if path.exists() else begun
    known = {name for file in texts if (folder / file).exists() for name, _ in read_blocks(folder / file)}
    counts = dict.fromkeys(texts, 0)
    for source in sources:
        for name, block in read_blocks(source):
            if name in known:
                sys.exit(f"{source}: vignette `{name}`: another vignette has this name; use another one")
            known.add(name)
            file = HELD_OUT_FILE if is_held_out(name) else VIGNETTES_FILE
            texts[file] += block
            counts[file] += 1
    for file, text in texts.items():
        if list(parse_document(text.encode(), str(folder / file)).data)[-1] != "vignettes":
            sys.exit(f"{folder / file}: expected `vignettes` as the last key, so that more can be added")
    for file, text in texts.items():
        (folder / file).write_text(text, encoding="utf-8")
    return counts


if __name__ == "__main__":
    *given, into = map(Path, sys.argv[1:])
    try:
        for name, count in split(given, into).items():
            print(f"{into / name}: {count} added")
    except TriageError as error:
        sys.exit(str(error))
