"""Hostile rulesets, cases files and bundles: made by tables, each with what it must be refused by, if it must be."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any, cast

from tests.support.rulesets.faulty_files import example
from triage_rules.language.reading import parse_document


@dataclass(frozen=True)
class Hostile:
    """A file. `told`: what its refusal says, as a regular expression; None: it may also be taken."""

    name: str
    make: Callable[[], bytes]
    told: str | None = ""


def text(name: str, made: str, told: str | None = "") -> Hostile:
    return Hostile(name, made.encode, told)


def fill(piece: str, size: int) -> str:
    return (piece * (size // len(piece) + 1))[:size]


TURNING = [chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))]
ODD = {
    "NUL": "\0",
    "bell": "\a",
    "escape": "\x1b[2J",
    "delete": "\x7f",
    "C1 control": "\x85",
    "zero width space": "\u200b",
    "zero width joiner": "\u200d",
    "word joiner": "\u2060",
    "byte order mark": "\ufeff",
    "line separator": "\u2028",
    "paragraph separator": "\u2029",
    "combining accent": "e\u0301",
    "hundred accents": "e" + "\u0301" * 100,
    "Cyrillic a": "\u0430",
    "Greek omicron": "\u03bf",
    "fullwidth a": "\uff41",
    "long s": "\u017f",
    "dotless i": "\u0131",
    "ligature": "\ufb01",
    "mathematical a": "\U0001d41a",
    "emoji": "\U0001f600",
    "private use": "\ue000",
    "no character": "\ufffe",
    "tag letter": "\U000e0041",
    "Arabic digit": "\u0661",
    "path": "../../etc/passwd",
    "percent": "%00",
    "blank": "a b",
    "prototype": "__proto__",
    "dunder": "__class__",
    "engine": "$m",
    "format": "{0.__class__}",
    "template": "{{7*7}}",
    "shell": "$(id)",
    "quote": "a'b",
    "line break": "a\nb",
    "61 letters": "a" * 61,
    "1,000 letters": "a" * 1_000,
    "empty": "",
} | {f"turning U+{ord(turn):04X}": turn for turn in TURNING}  # fmt: skip

NAMED = {
    "input": ("  itchy: {type: yes_no", "  @@: {type: yes_no"),
    "rule": ("  R67:", "  @@:"),
    "choice": ("      blanches: Yes, they fade", "      @@: Yes, they fade"),
    "ruleset": ("ruleset: glass-test ", "ruleset: @@ "),
    "disposition": ("    disposition: R2_self_care_info", "    disposition: @@"),
}


def named() -> Iterator[Hostile]:
    """An odd name in each place that takes one, in quotes, so that YAML takes all of it; first and in the middle."""
    for place, (old, new) in NAMED.items():
        for odd, written in ODD.items():
            made = example().replace(old, new.replace("@@", json.dumps(written, ensure_ascii=False)), 1)
            assert made != example()
            yield text(f"{odd} as the name of a {place}", made)


def in_text() -> Iterator[Hostile]:
    """Invisible characters in what a patient may come to read, as they are and escaped."""
    for odd in ("NUL", "bell", "escape", "zero width space", "word joiner", "line separator", "tag letter"):
        yield text(
            f"{odd}, escaped, in a question",
            example().replace("Do they itch?", json.dumps(f"Do they{ODD[odd]}itch?")),
            "is not allowed in a text",
        )
    for turn in TURNING:
        code = f"U\\+{ord(turn):04X}"
        yield text(
            f"{code} in a question",
            example().replace("Do they itch?", f"Do they{turn} itch?"),
            f"{code} is not allowed here",
        )
        yield text(
            f"{code} in a comment",
            example().replace("language: 1", f"language: 1 # {turn}"),
            f"{code} is not allowed here",
        )
        yield text(
            f"{code}, escaped",
            example().replace("Do they itch?", f'"Do they\\u{ord(turn):04x}itch?"'),
            "is not allowed in a text",
        )


NUMBERS = [
    "1e999", "-1e999", ".inf", "-.Inf", ".nan", "NaN", "Infinity", "9" * 101, "9" * 5_000, "1e16", "-1e300", "0x1F", "0o17", "1_000",
    "1:30", "+.5e400", "38,5", "\u0661\u0662", "true", "null", "[]", "{}", "'5'", "2001-01-01", "1e5.5", "--1", "1e-400", "1e-30",
]  # fmt: skip
NUMBERED = {
    "language": ("language: 1", "language: {}"),
    "minimum": ("minimum: 0, maximum: 120", "minimum: {}, maximum: 120"),
    "maximum": ("minimum: 0, maximum: 120", "minimum: 0, maximum: {}"),
    "limit": ("{age_years: {less_than: 16}}", "{{age_years: {{less_than: {}}}}}"),
}


def numbered() -> Iterator[Hostile]:
    """A number that is none, or none that the engine can hold, wherever there is one. Some may be taken as nothing."""
    for place, (old, new) in NUMBERED.items():
        for number in NUMBERS:
            taken = {
                "null": place in ("minimum", "maximum"),
                "1e-400": place != "language",
                "1e-30": place != "language",
            }
            made = example().replace(old, new.format(number), 1)
            assert made != example()
            yield text(
                f"{number[:12]} ({len(number)}) as {place}", made, None if number in taken or place == "maximum" else ""
            )


TAGS = [
    "!!python/object/apply:os.system ['true']", "!!python/name:os.system", "!!python/module:os", "!!binary aGk=", "!!set {a}", "!!omap [a: 1]",
    "!!timestamp 2001-01-01", "!!int '5'", "!!str 5", "!!float 1", "!!null ''", "!local x", "!<tag:yaml.org,2002:str> x", "!!merge <<",
]  # fmt: skip


def features() -> Iterator[Hostile]:
    """What YAML can do and a ruleset may not."""
    for tag in TAGS:
        yield text(f"tag {tag}", example().replace("title: Spots and the glass test", f"title: {tag}"), "tag `")
    laughs = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 30))
    yield text("a billion laughs", laughs, "anchor `&a0`")
    yield text("a billion laughs, of mappings", laughs.replace("[x, x]", "{x: 1}"), "anchor `&a0`")
    yield text("a list that holds itself", "a: &a [*a]\n", "alias `\\*a`")
    yield text("a mapping that is its own key", "&a {*a : 1}\n", "alias `\\*a`")
    yield text("an alias without anchor", "a: *nowhere\n", "alias `\\*nowhere`")
    yield text("merge keys", "a: {<<: {b: 1}}\n", "merge keys")
    yield text("merge keys, a list of them", "<<: [{a: 1}, {b: 2}]\n", "merge keys")
    yield text("two documents", example() + "---\n" + example(), "a second document")
    yield text("a document's end and more", example() + "...\nmore: 1\n", "")
    yield text("directives", "%YAML 1.1\n---\n" + example(), "directives")
    yield text("tag directives", "%TAG ! tag:evil,2000:\n---\n" + example(), "directives")
    yield text("a list as a key", "? [a, b]\n: 1\n", "expected a text as the key")
    yield text("a number as a key", "1: 1\n", "expected a text as the key")
    yield text("null as a key", "~: 1\n", "expected a text as the key")
    yield text("a key twice", example() + "language: 1\n", "duplicate key")
    yield text("a long key", f"{'k' * 900}: 1\n", "has 900 characters; at most 200")
    yield text("a long key in quotes", f'"{"k" * 900}": 1\n', "has 900 characters; at most 200")
    yield text("a key longer than YAML takes", f"{'k' * 2_000}: 1\n", "not YAML")
    yield text(
        "a text of 30,000 letters", example().replace("Do they itch?", "x" * 30_000), "30000 characters; at most 20000"
    )
    yield text("a tab for indentation", "a:\n\tb: 1\n", "a tab")


SHAPES = {
    "comments": "# c\n", "blank lines": "\n", "blanks": " ", "lines of blanks": "   \n", "letters": "x", "words": "x ", "hashes": "x#", "colons": "x:",
    "open lists": "[", "open mappings": "{", "nested mappings": "{a: ", "lists over lines": "[\n ", "dashes": "- ", "question marks": "? ", "list items": "- a\n",
    "empty items": "-\n", "one key": "k: 1\n", "anchors": "- &a x\n", "chained anchors": "&a ", "aliases": "- *a\n", "tags": "- !t x\n", "bare tags": "! ",
    "directives": "%F b\n", "documents": "---\n", "ends": "...\n", "tabs": "\t", "NULs": "\0", "quotes": "'", "double quotes": '"', "backslashes": "\\",
    "pipes": "|\n", "folds": ">\n", "merges": "<<: {a: b}\n", "commas": ",", "closing brackets": "]", "percent signs": "%", "at signs": "@", "backticks": "`",
    "carriage returns": "\r", "byte order marks": "\ufeff", "next lines": "\x85", "emoji": "\U0001f600",
}  # fmt: skip


def bombs(size: int) -> Iterator[Hostile]:
    """The same again and again: what might keep a parser busy."""
    for name, piece in SHAPES.items():
        yield text(f"{name} alone", fill(piece, size))
        yield text(f"{name} after a key", "a: " + fill(piece, size))
    yield text("a number without end", "a: " + fill("9", size))
    yield text("a flow list without end", "a: [" + fill("x,", size))
    yield text("a flow list of empty lists", "a: [" + fill("[],", size) + "]")
    yield text("a flow list of questions", "a: [" + fill("? ,", size) + "]")
    yield text("a quoted text of escapes", 'a: "' + fill("\\n", size) + '"')
    yield text("a quoted text of line breaks", 'a: "' + fill("\n", size) + '"')
    yield text("a literal block", "a: |\n" + fill("  x\n", size))
    yield text("a literal block of blank lines", "a: |\n" + fill("\n", size))
    yield text("a folded block", "a: >\n" + fill("  x\n", size))
    yield text("different keys", "".join(f"k{n}: 1\n" for n in range(size // 10)))
    for depth in (10, 38, 39, 40):
        block = "".join("  " * level + "a:\n" for level in range(depth)) + "".join(
            "  " * depth + f"k{n}: 1\n" for n in range(size // (2 * depth + 10))
        )
        yield text(f"many keys {depth} levels down", block)
        yield text(f"many items {depth} levels down", "a: " + "[" * depth + fill("x,", size) + "]" * depth)


def many(size: int) -> Iterator[Hostile]:
    """Too many of one thing in a ruleset that is right otherwise. `size`: how many."""
    base = example()
    rule = "{title: t, when: itchy, disposition: R2_self_care_info, reason: r, source: {text: s}}"
    yield text(
        "rules",
        base.replace("rules:\n", "rules:\n" + "".join(f"  X{n}: {rule}\n" for n in range(size)), 1),
        "`rules`|more than 60000",
    )
    yield text(
        "inferences",
        base.replace(
            "inferences:\n",
            "inferences:\n" + "".join(f"  x{n}: {{says: s, when: itchy}}\n" for n in range(2 * size)),
            1,
        ),
        "`inferences`|more than 60000",
    )
    yield text(
        "inputs",
        base.replace(
            "inputs:\n",
            "inputs:\n" + "".join(f"  x{n}: {{type: yes_no, group: g, question: q}}\n" for n in range(size)),
            1,
        ),
        "`inputs`|more than 60000",
    )
    when = "when: {all: [{blanches_on_pressure: {is: blanches}}, itchy, {not: febrile}]}"
    assert when in base
    for word, condition in {
        "all": "{all: [%s]}", "any": "{any: [%s]}", "at least": "{at_least: 2, of: [%s]}", "not of any": "{not: {any: [%s]}}",
    }.items():  # fmt: skip
        yield text(
            f"parts of {word}",
            base.replace(when, "when: " + condition % ", ".join(["itchy"] * size)),
            "conditions; at most 200",
        )
    yield text(
        "choices of a comparison",
        base.replace(when, f"when: {{blanches_on_pressure: {{in: [{', '.join(['blanches'] * size)}]}}}}"),
        "items; at most 100",
    )
    yield text(
        "misspelt names",
        base.replace(
            "inferences:\n",
            "inferences:\n" + "".join(f"  x{n}: {{says: s, when: itchi{n}}}\n" for n in range(min(size, 1_900))),
            1,
        ),
        "reading stopped after 200 faults",
    )
    yield text(
        "a circle of statements",
        base.replace(
            "inferences:\n",
            "inferences:\n" + "".join(f"  x{n}: {{says: s, when: x{(n + 1) % 1_900}}}\n" for n in range(1_900)),
            1,
        ),
        "in a circle",
    )
    for depth in (40, 60, 1_000, 10_000):
        yield text(
            f"{depth} times not",
            base.replace(when, "when: " + "{not: " * depth + "itchy" + "}" * depth),
            "nested deeper than 40",
        )
        yield text(
            f"{depth} times all",
            base.replace(when, "when: " + "{all: [" * depth + "itchy" + "]}" * depth),
            "nested deeper than 40",
        )


def cut_and_garbled(count: int) -> Iterator[Hostile]:
    """Half a file, and one with wrong bytes in it."""
    data = example().encode()
    for n in range(count):
        cut = len(data) * n // count
        yield Hostile(f"cut after {cut} bytes", lambda cut=cut: data[:cut], None)
    for seed in range(count):
        yield Hostile(f"garbled by seed {seed}", lambda seed=seed: garbled(data, Random(seed)), None)
    for name, made in {
        "gzip": b"\x1f\x8b\x08\0\0\0\0\0", "UTF-16": example().encode("utf-16"), "UTF-32": example().encode("utf-32"), "Latin-1": "title: caf\xe9".encode("latin-1"),
        "an overlong slash": b"a: \xc0\xaf", "half a surrogate pair": b"a: \xed\xa0\x80", "beyond Unicode": b"a: \xf4\x90\x80\x80", "NULs": b"\0" * 1_000,
        "a zip file": b"PK\x03\x04" + b"\0" * 50, "an ELF file": b"\x7fELF" + b"\1" * 50,
    }.items():  # fmt: skip
        yield Hostile(name, lambda made=made: made)


def garbled(data: bytes, random: Random) -> bytes:
    """Some bytes changed, dropped, doubled or moved."""
    made = bytearray(data)
    for _ in range(random.randint(1, 8)):
        at, length = random.randrange(len(made) + 1), random.randint(0, 30)
        change = random.randrange(4)
        if change == 0:
            made[at : at + 1] = random.randbytes(random.randint(0, 4))
        elif change == 1:
            del made[at : at + length]
        elif change == 2:
            made[at:at] = made[at : at + length] * random.randint(1, 5)
        else:
            made[at:at] = random.choice(
                [
                    b"\n",
                    b": ",
                    b"- ",
                    b"{",
                    b"}",
                    b"[",
                    b"]",
                    b"&a ",
                    b"*a ",
                    b"!!x ",
                    b"#",
                    b'"',
                    b"'",
                    b"|",
                    b"? ",
                    b"<<: ",
                ]
            )
    return bytes(made)


# --- plain data: what a bundle, or JSON, may hold ---

VALUES: dict[str, object] = {
    "null": None, "true": True, "-1": -1, "a huge number": 10**99, "a fraction": 0.5, "an empty text": "", "a text": "zq7marker", "lists": [[[]]],
    "a mapping": {"zq7marker": 1},
}  # fmt: skip


@dataclass(frozen=True)
class Mistyped:
    """The example with a value of another type at a path."""

    name: str
    path: tuple[Any, ...]
    value: object

    def document(self) -> dict[str, object]:
        """Return the example with that value."""
        made: Any = copy.deepcopy(_example_data())
        inner = made
        for step in self.path[:-1]:
            inner = inner[step]
        inner[self.path[-1]] = self.value
        return cast(dict[str, object], made)


@cache
def _example_data() -> dict[str, object]:
    return parse_document(example().encode(), "example").data


def mistyped() -> Iterator[Mistyped]:
    """Each value of the example, one of each path's shape, by a value of another type."""
    data = _example_data()
    for path in sorted(_paths(data), key=str):
        for name, value in VALUES.items():
            inner: Any = data
            for step in path:
                inner = inner[step]
            if inner != value:
                yield Mistyped(f"{name} at {'.'.join(map(str, path))}", path, value)


def _paths(data: dict[str, object]) -> set[tuple[object, ...]]:
    """The top keys, and in each section the first entry with all of its keys."""
    found: set[tuple[object, ...]] = set()
    for key, value in data.items():
        found.add((key,))
        if isinstance(value, dict) and value:
            first = next(iter(value))
            found.add((key, first))
            inner = value[first]
            if isinstance(inner, dict):
                found |= {(key, first, name) for name in inner}
    return found
