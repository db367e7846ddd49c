"""The house as CONTRIBUTING.md draws it is the one that import-linter holds, and its names are clear."""

import ast
import configparser
import keyword
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CODE = ("triage_rules", "service", "workers")
BANNED = {"told", "tell", "tells", "telling", "said", "found", "anew", "alone"}
"""Words that give neither the type nor the role of what they name. `one` is banned as a whole name."""


def modules() -> Iterator[Path]:
    for package in CODE:
        yield from sorted((ROOT / package).rglob("*.py"))


def drawn(container: str) -> list[set[str]]:
    """The layers that CONTRIBUTING.md draws below a container, from the top."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    drawing = re.search(rf"^{container}\b.*\n((?:[├└]── .*\n)+)", text, re.MULTILINE)
    assert drawing is not None
    rows = [re.split(r"\s{2,}", line[4:])[0] for line in drawing[1].splitlines()]
    return [set(row.split(" | ")) for row in rows]


def contracts() -> configparser.ConfigParser:
    config = configparser.ConfigParser()
    config.read(ROOT / ".importlinter", encoding="utf-8")
    return config


def layers_of(name: str) -> list[set[str]]:
    lines = contracts()[f"importlinter:contract:{name}"]["layers"].split("\n")
    layers = [set(line.split(" | ")) for line in map(str.strip, lines) if line]
    return [layer for layer in layers if layer != {"__main__"}]


@pytest.mark.parametrize(("container", "contract"), [("triage_rules", "house"), ("service", "service")])
def test_contributing_draws_the_layers_that_import_linter_holds(container: str, contract: str) -> None:
    """A newcomer who trusts the drawing must not be refused by the linter."""
    assert drawn(container) == layers_of(contract)


def test_every_room_of_the_core_and_the_service_has_a_contract() -> None:
    held = set(contracts().sections())
    containers = {contracts()[name].get("containers", "").strip() for name in held}
    rooms = {
        f"{package}.{room.parent.name}"
        for package in ("triage_rules", "service")
        for room in (ROOT / package).glob("*/__init__.py")
        if len(list(room.parent.glob("*.py"))) > 2
    }
    without_order = {
        "triage_rules.cli",
        "triage_rules.consumer",
        "service.boot",
        "service.pages",
        "service.api",
        "service.use",
    }
    assert rooms - containers <= without_order


def test_no_two_public_classes_share_a_name() -> None:
    """Whoever searches for a class must find one."""
    places = defaultdict(list)
    for path in modules():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(path.relative_to(ROOT)))
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def names_in(path: Path) -> Iterator[tuple[int, str]]:
    with path.open(encoding="utf-8") as file:
        for token in tokenize.generate_tokens(file.readline):
            if token.type == tokenize.NAME and not keyword.iskeyword(token.string):
                yield token.start[0], token.string


def test_no_name_is_a_word_that_says_nothing() -> None:
    """`told` once stood for a noun, a flag, a dict, a list and a string."""
    bad = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path in modules()
        for line, name in names_in(path)
        if name == "one" or BANNED & set(re.split(r"_|(?<=[a-z])(?=[A-Z])", name.strip("_").lower()))
    ]
    assert bad == []


def docstrings_of_functions() -> Iterator[tuple[str, str]]:
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (text := ast.get_docstring(node)):
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", text


def test_no_docstring_of_a_function_begins_without_its_verb() -> None:
    """The noun or verb that a newcomer needs comes first."""
    vague = ("what", "as", "one", "it", "all", "whether", "how", "of", "that", "those", "which", "who", "if")
    bad = [
        f"{place}: {text.splitlines()[0]}"
        for place, text in docstrings_of_functions()
        if re.match(rf"(?:{'|'.join(vague)})\b", text, re.IGNORECASE)
    ]
    assert bad == []
