"""A faulty ruleset is refused with the place, what was written, what was expected and what was likely meant."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache

import pytest

from tests.support.rulesets.faulty_files import ALL, Faulty, example
from tests.support.shares import params, some_of
from triage_rules.foundation.errors import RulesetError
from triage_rules.language.reading import build_ruleset, load_document, parse_document, parse_ruleset
from triage_rules.language.reading.limits import MAX_BYTES, MAX_FAULTS
from triage_rules.language.reading.places import MappingNode, Node, Scalar, Sequence


@cache
def faults_of(text: str | bytes) -> list[str]:
    """The faults as they are shown. Kept: two tests go through the whole corpus."""
    with pytest.raises(RulesetError) as refused:
        parse_ruleset(text if isinstance(text, bytes) else text.encode(), "ruleset.yaml")
    return [str(fault) for fault in refused.value.faults]


@pytest.mark.parametrize("faulty", ALL, ids=lambda faulty: faulty.id)
def test_a_fault_is_told_once_where_it_stands(faulty: Faulty):
    """One slip, one message: follow-ups would hide it, a wrong place would cost the author an hour."""
    line, column = faulty.line_and_column()
    told = faults_of(faulty.text())
    assert len(told) == 1
    assert told[0].startswith(f"ruleset.yaml:{line}:{column}: {faulty.told}")


@pytest.mark.parametrize("faulty", params([f for f in ALL if f.schema is not None], 30), ids=lambda faulty: faulty.id)
def test_plain_data_with_the_fault_is_refused_by_the_same_words(faulty: Faulty):
    """A bundle that was tampered with must not get through a second, laxer reader."""
    data = parse_document(faulty.text().encode(), "x").data
    with pytest.raises(RulesetError) as refused:
        build_ruleset(data)
    assert [fault.message for fault in refused.value.faults] == [
        told.split(": ", 1)[1] for told in faults_of(faulty.text())
    ]
    assert {str(fault.place) for fault in refused.value.faults} == {"<bundle>:0:0"}


def test_the_corpus_is_large_and_its_cases_differ():
    """A check of the checks: nothing was lost by an edit of the list."""
    assert len(ALL) > 180
    assert len({faulty.text() for faulty in ALL}) == len(ALL) == len({faulty.id for faulty in ALL})


def test_all_faults_are_told_at_once_in_the_order_of_the_file():
    """Mending one fault after the other is tedious."""
    text = (
        example()
        .replace("language: 1", "language: 3")
        .replace("{type: yes_no, group: spots, question: Do they itch?}", "{type: yes_no, question: Do they itch?}")
        .replace("all: [nonblanching, febrile]", "all: [nonblanchin, febril]")
        .replace("    disposition: R2_self_care_info", "    disposition: R2")
        .replace("{reports_last_48h: {at_least: 2}}", "{reports_last_48h: {is: 2}}")
    )
    told = faults_of(text)
    assert [fault.split(": ", 1)[1].split(";")[0] for fault in told] == [
        "`language`: expected 1, found `3`",
        "input `itchy`: the key `group` is missing",
        "rule `R08`: unknown name `nonblanchin`",
        "rule `R08`: unknown name `febril`",
        "rule `R67`: `disposition`: unknown disposition `R2`",
        "safety net `S12`: `is` is not an operator for the number `reports_last_48h`: compare the number with `reports_last_48h: {at_least: ...}`, `more_than`, `at_most` or `less_than`",
    ]


def test_a_refused_input_does_not_make_its_uses_unknown():
    """The input is declared; only its own fault is worth telling."""
    told = faults_of(example().replace("    type: choice\n", "    type: chioce\n"))
    assert len(told) == 1
    assert "did you mean `choice`?" in told[0]


def values_of(node: Node) -> Iterator[Scalar]:
    """Every scalar of a tree that is not a key."""
    match node:
        case Scalar():
            yield node
        case Sequence(items=items):
            for item in items:
                yield from values_of(item)
        case MappingNode(entries=entries):
            for entry in entries.values():
                yield from values_of(entry.node)


def test_what_was_refused_as_yaml_is_not_told_again():
    """In whatever value an alias stands, it is the one fault: nothing is guessed about what it would have been."""
    lines = example().split("\n")
    values = list(values_of(parse_document(example().encode(), "x").root))
    assert len(values) > 130
    again: list[str] = []
    for value in some_of(values, 35):
        line, column = value.place.line - 1, value.place.column - 1
        after = lines[line][column:]
        plain = isinstance(value.value, str) and not after.startswith('"')
        written = str(value.value) if plain else json.dumps(value.value)
        assert after.startswith(written)
        changed = [*lines[:line], f"{lines[line][:column]}*x {after.removeprefix(written)}", *lines[line + 1 :]]
        told = f"ruleset.yaml:{line + 1}:{column + 1}: alias `*x`: aliases are not part of the ruleset language; repeat the value"
        again += [fault for fault in faults_of("\n".join(changed)) if fault != told]
    assert again == []


def test_two_circles_with_the_same_statements_are_told_once():
    """Each circle is one fault, wherever it is entered."""
    more = "  a: {says: A, when: {all: [b, b, {not: b}]}}\n  b: {says: B, when: a}\n  c: {says: C, when: {any: [a, b, c]}}\n"
    told = faults_of(example().replace("inferences:\n", f"inferences:\n{more}", 1))
    assert [fault.split(": ", 2)[2] for fault in told] == ["`a` needs `b` needs `a`", "`c` needs `c`"]


def test_a_circle_through_a_rule_is_named():
    """A rule's statement is defined by its condition, so the circle is real."""
    told = faults_of(example().replace("infers: suspected_imd ", "infers: febrile "))
    assert told == [
        "ruleset.yaml:84:3: statements can't build on each other in a circle: `febrile` needs `febrile`",
    ]


def test_the_mandatory_list_can_be_part_of_a_circle():
    """`mandatory_open` is a statement like any other, also within the list."""
    told = faults_of(example().replace("    when: {age_years: {less_than: 16}}\n\n", "    when: mandatory_open\n\n"))
    assert told == [
        "ruleset.yaml:71:1: statements can't build on each other in a circle: `mandatory_open` needs `mandatory_open`",
    ]


def test_an_anchor_with_its_alias_is_told_twice_and_nothing_else():
    """Both lines have to be mended."""
    text = (
        example()
        .replace("group: illness\n    unit", "group: &g illness\n    unit")
        .replace("group: clinician", "group: *g")
    )
    assert ["anchor `&g`" in fault or "alias `*g`" in fault for fault in faults_of(text)] == [True, True]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "1:1: the file is empty"),
        (b"# only a comment\n", "1:1: the file is empty"),
        (b"just a text\n", "1:1: expected a mapping: lines such as `name: value`"),
        (b"- a\n- list\n", "1:1: expected a mapping: lines such as `name: value`"),
        (b"title: caf\xe9\n", "1:11: this is not UTF-8; save the file as UTF-8"),
        ("title: x\n".encode("utf-16"), "1:1: this is not UTF-8; save the file as UTF-8"),
        (b"a: 1\n" + b"#" * MAX_BYTES, f"1:1: the file is larger than {MAX_BYTES} bytes, the most that is read"),
        (b"%YAML 1.1\n---\na: 1\n", "2:1: directives (`%`) are not part of the ruleset language"),
        (b"title: 'no end\n", "2:1: not YAML: found unexpected end of stream, while scanning a quoted scalar"),
        (b"title: [a\nversion: 1", "2:8: not YAML: "),
        (b"a:\n    - b\n  - c\n", "3:3: not YAML: the indentation of this line, or of a line above, is wrong"),
        (b"a: b\n  c: d\n", "2:4: not YAML: `: ` is not allowed here; the line above lacks its `: `, or this line's"),
        (b"a:\n  title b\n  when: c\n", "3:7: not YAML: `: ` is not allowed here; the line above lacks its `: `"),
        (b"a: 'Don't wait.'\n", "1:9: not YAML: text continues after its closing quote"),
        (b"a: {b: [c}\n", "1:10: not YAML: expected a comma or the closing bracket before this; the bracket was opened"),
        ("a:\n  r:\n    b: c\n  \u00a0\u00a0d: {e: f}\n    g: h\n".encode(), "5:5: not YAML: line 4 is indented with a blank that is not a"),
    ],
)  # fmt: skip
def test_what_is_no_ruleset_file_at_all_is_told_with_a_place(text, told):
    """The first fault of a file that can't be read on."""
    assert faults_of(text)[0].startswith(f"ruleset.yaml:{told}")


def test_loading_a_document_refuses_what_is_not_plain_yaml(tmp_path):
    """Cases beside a ruleset are loaded by the same door."""
    (tmp_path / "cases.yaml").write_text("a: &x 1\nb: *x\n")
    with pytest.raises(RulesetError, match="2:4: alias `\\*x`"):
        load_document(tmp_path / "cases.yaml")


def test_nothing_in_a_file_can_steer_the_terminal_that_shows_the_fault():
    """Escape sequences can hide a line or paint another."""
    told = faults_of(example().replace("language: 1", 'language: "\\e[2Jgone\\r"'))
    assert told == ["ruleset.yaml:3:11: `language`: expected a whole number, found the text `\ufffd[2Jgone`"]
    told = faults_of(example().replace("  R67:", '  "R67\\e[2J":'))
    assert "rule `R67\ufffd[2J`" in told[0]


def test_reading_stops_after_two_hundred_faults_and_says_so():
    """Another kind of file given by mistake must not fill the screen for minutes."""
    told = faults_of("".join(f"k{n}: 1\n" for n in range(3000)))
    assert len(told) == MAX_FAULTS + 1 == 201
    assert told[-1].endswith(": reading stopped after 200 faults; fix these, and check again")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (None, "expected a mapping: lines such as `name: value`"),
        ([], "expected a mapping: lines such as `name: value`"),
        ({1: 2}, "a key must be a text"),
        ({"title": float("nan")}, "a number must be finite"),
        ({"title": 10**100}, "a number has at most 100 digits"),
        ({"title": object()}, "a value of the type object is not allowed in a ruleset"),
    ],
)
def test_data_that_is_not_json_is_refused(data, told):
    """build_ruleset is called with what a store gave back."""
    with pytest.raises(RulesetError) as refused:
        build_ruleset(data)
    assert told in [fault.message for fault in refused.value.faults]


def test_data_nested_too_deep_is_refused():
    """Python's stack is not the limit."""
    deep: object = "itchy"
    for _ in range(100_000):
        deep = {"not": deep}
    with pytest.raises(RulesetError, match="nested deeper than 40 levels"):
        build_ruleset({"rules": {"R1": {"when": deep}}})
    del deep
