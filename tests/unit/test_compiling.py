"""What a ruleset compiles to, and what is refused because the engine would not hold it or not read it as written."""

from __future__ import annotations

import itertools
import json
from dataclasses import fields, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests import golden
from tests.support.oracles.engine_agreement import masks_by_reference
from tests.support.rulesets.generated import SOURCE, make_findings, make_ruleset
from triage_rules.evaluation.compiling import Compiled, compile_ruleset, formulas, pages
from triage_rules.evaluation.compiling.engine_messages import Messages
from triage_rules.evaluation.compiling.lowering import COMBINATIONS_LIMIT, NESTING_LIMIT, OWN_NESTING_LIMIT
from triage_rules.evaluation.compiling.pages import PAGE_TERMS, TERM_LITERALS, fnv_1a
from triage_rules.evaluation.engine import Engine
from triage_rules.evaluation.generated.program import GeneratedEvaluator, Reach
from triage_rules.foundation.errors import EngineLimitError
from triage_rules.language.model import (
    All,
    Answers,
    AtLeast,
    Choice,
    Compare,
    Condition,
    Inference,
    Inferred,
    Input,
    InputKind,
    IsOpen,
    Not,
    OneOf,
    Op,
    Rule,
    RuleOutcome,
    Ruleset,
    Unless,
    Validity,
    Yes,
)
from triage_rules.language.model import Any as AnyOf
from triage_rules.language.reading import read_ruleset


def ruleset_of(when: Condition, inferences: dict[str, Condition] | None = None) -> Ruleset:
    """A ruleset of one rule, over yes/no inputs y0.., a number n and a choice c."""
    inputs = [Input(f"y{n}", InputKind.YES_NO, "?", "g") for n in range(200)]
    inputs += [Input("n", InputKind.NUMBER, "?", "g"), Input("c", InputKind.CHOICE, "?", "g", choices=CHOICES)]
    return replace(
        make_ruleset(Random(0)),
        inputs={asked.name: asked for asked in inputs},
        mentions={},
        mandatory=(),
        inferences={name: Inference(name, name, condition) for name, condition in (inferences or {}).items()},
        rules={"R1": Rule("R1", "t", when, (RuleOutcome("U1"),), "r", SOURCE, "us", "2030-01-01")},
        floors={},
        conflicts={},
        validity=Validity(1440),
    )


CHOICES = (Choice("a", "A"), Choice("b", "B"), Choice("c", "C"))


def yes(count: int, start: int = 0) -> tuple[Condition, ...]:
    return tuple(Yes(f"y{n}") for n in range(start, start + count))


def agree(ruleset: Ruleset, *reports: dict[str, object]) -> None:
    engine = Engine(compile_ruleset(ruleset, "made"))
    for answers in reports:
        assert engine.run(answers) == masks_by_reference(ruleset, answers)  # type: ignore[arg-type]
    engine.close()


# --- the dictionary -------------------------------------------------------------------------


def test_a_small_ruleset_compiles_to_what_the_golden_file_says() -> None:
    """The file is there to be read: one rule of durable-rules a line, and what each signal stands for."""
    compiled = compile_ruleset(read_ruleset(golden.GOLDEN / "small"), "small")
    golden.check("small/compiled.json", as_text(compiled))


def as_text(compiled: Compiled) -> str:
    """The compiled ruleset as JSON, an item a line."""
    signals = [
        f"{number}: {signal.statement}, {signal.mode}, {'true' if signal.side else 'false'}"
        for number, signal in enumerate(compiled.signals)
    ]
    whole: dict[str, list[Any] | dict[str, Any]] = {"signals": signals}
    for number, page in enumerate(compiled.pages):
        whole |= {f"page {number}, {part.name}": getattr(page, part.name) for part in fields(page)}
    whole |= {"established": compiled.established, "looking ahead": compiled.lookahead.text.splitlines()}
    whole["spelled"] = {name: [*map(list, of.items())] for name, of in compiled.spelled.items()}
    return "{\n" + ",\n".join(f'  "{name}": {listed(part)}' for name, part in whole.items()) + "\n}\n"


def listed(part: Any) -> str:
    if isinstance(part, list | tuple):
        lines, (start, end) = [json.dumps(item) for item in part], "[]"
    else:
        lines, (start, end) = [f"{json.dumps(str(name))}: {json.dumps(item)}" for name, item in part.items()], "{}"
    return f"{start}\n    " + ",\n    ".join(lines) + f"\n  {end}"


def test_the_golden_file_is_json() -> None:
    document = json.loads(Path(golden.GOLDEN / "small" / "compiled.json").read_text(encoding="utf-8"))
    assert len(document["page 0, rules"]) == len(document["page 0, terms"]) + 1


def test_compiling_twice_gives_the_same() -> None:
    """Sets are sorted before they are written: the dictionary is the same in every process."""
    for seed in range(20):
        first, second = (compile_ruleset(make_ruleset(Random(seed)), "made") for _ in range(2))
        assert as_text(first) == as_text(second)


def test_the_engine_derives_what_is_established_and_what_that_takes_and_nothing_else() -> None:
    """What can still come is looked up beside it: a signal that is for good has no rule."""
    compiled = compile_ruleset(ruleset_of(All((*yes(2), Not(Yes("y3")), Unless(Yes("y4"))))), "made")
    assert {signal.mode for signal in compiled.signals} == {formulas.Mode.NOW}
    made = {number for page in compiled.pages for numbers in page.terms.values() for number in numbers}
    assert compiled.established.keys() <= made


def test_a_statement_that_says_no_more_than_another_is_no_rule_of_the_engine() -> None:
    """What makes the one true makes the other true, and terms that several statements share are one rule."""
    chain: dict[str, Condition] = {"s": Yes("y0"), "t": Inferred("s"), "u": AnyOf((Inferred("t"), Yes("y0")))}
    ruleset = ruleset_of(Inferred("u"), chain)
    (page,) = compile_ruleset(ruleset, "made").pages
    assert len(page.terms) == 1
    agree(ruleset, {}, {"y0": True}, {"y0": False})


def test_each_page_comes_after_those_whose_signals_it_reads() -> None:
    for seed in range(30):
        compiled = compile_ruleset(make_ruleset(Random(seed), statements=12, rules=12), "made")
        last_page = {
            number: place
            for place, page in enumerate(compiled.pages)
            for numbers in page.terms.values()
            for number in numbers
        }
        for place, page in enumerate(compiled.pages):
            assert all(last_page.get(number, -1) < place for number, _, _ in page.signals)


def test_a_wide_any_fills_pages_and_each_stays_within_bounds() -> None:
    pairs = list(map(All, itertools.combinations(yes(42), 2)))
    inferences: dict[str, Condition] = {f"s{n}": AnyOf(tuple(pairs[n::10])) for n in range(10)}
    ruleset = ruleset_of(AnyOf(tuple(map(Inferred, inferences))), inferences)
    compiled = compile_ruleset(ruleset, "made")
    assert len(compiled.pages) == 2
    assert max(len(page.terms) for page in compiled.pages) == PAGE_TERMS
    agree(ruleset, {}, {f"y{n}": True for n in range(200)}, {f"y{n}": False for n in range(200)}, {"y7": True})


def test_a_conjunction_of_disjunctions_gets_signals_for_its_parts() -> None:
    """Written out it would be 4 ** 6 terms."""
    ruleset = ruleset_of(All(tuple(AnyOf(yes(4, 4 * n)) for n in range(6))))
    compiled = compile_ruleset(ruleset, "made")
    assert sum(len(page.terms) for page in compiled.pages) < 100
    assert any(signal.statement.startswith("part ") for signal in compiled.signals)
    one_of_each = {f"y{4 * n}": True for n in range(6)}
    agree(ruleset, {}, one_of_each, {**one_of_each, "y0": False}, {f"y{n}": False for n in range(24)})


def test_a_choice_goes_as_its_place_and_a_number_within_what_the_engine_reads() -> None:
    compiled = compile_ruleset(ruleset_of(All((OneOf("c", ("b",)), Compare("n", Op.MORE_THAN, 0)))), "made")
    messages = Messages(compiled.pages, compiled.spelled)

    def told(answers: Answers) -> set[object]:
        message = json.loads(messages.message(0, messages.answers(answers), set()))
        return {value for name, value in message.items() if name.startswith("f")}

    assert told({"c": "b", "n": 1e-300, "y0": True}) == {1, 1e-12}
    assert told({"c": "a", "n": -1e-300}) == {-1e-12}  # no rule asks for an `a`
    assert told({"n": 0.0}) == {0}
    assert told({"n": 10**300}) == {10**15}
    assert told({"n": -1e300}) == {-(10**15)}


@pytest.mark.parametrize("limit", [0, 1e-9, 1e-5, -1e-5, 0.1, 38, 38.5, 123456789.125, 10**14, -(10**14)])
def test_a_number_is_compared_as_written_on_both_sides_of_its_limit(limit: float) -> None:
    """0.00001 is written 1e-05 by Python, which the engine can't read."""
    for op in Op:
        ruleset = ruleset_of(Compare("n", op, limit))
        agree(
            ruleset, *({"n": value} for value in (limit, limit * 1.0000001, limit * 0.9999999, 1e300, -1e300, 5e-324))
        )


def test_every_form_of_condition_agrees_with_the_reference() -> None:
    inferences: dict[str, Condition] = {"s": AnyOf((Yes("y0"), IsOpen("y1"))), "t": Unless(Inferred("s"))}
    whens = [
        Unless(Yes("y0")),
        Not(Unless(Yes("y0"))),
        Unless(Inferred("s")),
        Not(Unless(Inferred("t"))),
        Not(Inferred("s")),
        AtLeast(2, (*yes(2), Inferred("t"))),
        Not(AtLeast(2, (*yes(3), IsOpen("n")))),
        OneOf("c", ("a", "c")),
        Not(OneOf("c", ("a", "c"))),
        OneOf("c", ("a", "b", "c")),
        Not(OneOf("c", ("a", "b", "c"))),
        All((Yes("y0"), Not(Yes("y0")))),
        AnyOf((Yes("y0"), Not(Yes("y0")))),
    ]
    for when in whens:
        ruleset = ruleset_of(when, inferences)
        random = Random(1)
        agree(ruleset, {}, *(make_findings(random, ruleset) for _ in range(20)))


# --- what is refused ------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1e15, -1e16, 1e-10, float("inf"), float("-inf"), float("nan"), 10**15])
def test_a_limit_that_the_engine_would_not_read_as_written_is_refused(limit: float) -> None:
    with pytest.raises(EngineLimitError, match="compare `n`"):
        compile_ruleset(ruleset_of(Compare("n", Op.AT_LEAST, limit)), "made")


def test_an_at_least_with_too_many_ways_to_choose_is_refused() -> None:
    """Six of twelve are 924 ways; the author is told to split it."""
    with pytest.raises(EngineLimitError, match="`at_least: 6` of 12 parts can't be written out; split"):
        compile_ruleset(ruleset_of(AtLeast(6, yes(12))), "made")


def test_an_at_least_within_the_limit_works() -> None:
    """Five of eleven are 462 ways, and seven of eleven, to rule it out, 330."""
    assert COMBINATIONS_LIMIT >= 462
    ruleset = ruleset_of(AtLeast(5, yes(11)))
    agree(ruleset, {}, *({f"y{n}": n < count for n in range(11)} for count in (4, 5, 11)))


def test_a_conjunction_that_is_too_long_is_refused() -> None:
    agree(ruleset_of(All(yes(TERM_LITERALS))), {f"y{n}": True for n in range(200)}, {"y0": False})
    with pytest.raises(EngineLimitError, match="121 conditions in one conjunction are too many"):
        compile_ruleset(ruleset_of(All(yes(TERM_LITERALS + 1))), "made")


def test_statements_that_build_on_each_other_too_deep_are_refused() -> None:
    """Before Python's stack is at its end in the middle of a report."""

    def chain(length: int) -> Ruleset:
        inferences: dict[str, Condition] = {"s0": Yes("y0")}
        for n in range(1, length):
            inferences[f"s{n}"] = Not(Inferred(f"s{n - 1}"))
        return ruleset_of(Inferred(f"s{length - 1}"), inferences)

    fits = NESTING_LIMIT // 2
    agree(chain(fits), {}, {"y0": True}, {"y0": False})
    with pytest.raises(EngineLimitError, match="build on each other"):
        compile_ruleset(chain(fits + 1), "made")


def test_conditions_within_each_other_too_deep_are_refused() -> None:
    """Before Python refuses the brackets of the functions that are written from them, with the first report."""

    def nested(depth: int) -> Ruleset:
        condition: Condition = Yes("y0")
        for n in range(1, depth):
            some = (condition, *yes(2, 2 * n))
            condition = AtLeast(2, some) if n % 3 else Not(AnyOf((AtLeast(2, some), Unless(Yes("y1")))))
        return ruleset_of(condition)

    fits = next(depth for depth in range(OWN_NESTING_LIMIT, 0, -1) if _compiles(nested(depth)))
    assert fits > OWN_NESTING_LIMIT // 2
    ruleset = nested(fits)
    agree(ruleset, {}, {"y0": True}, {f"y{n}": n % 3 == 0 for n in range(200)})
    assert GeneratedEvaluator(ruleset).of({"y0": True}).missing() == []
    with pytest.raises(EngineLimitError, match="within each other"):
        compile_ruleset(nested(OWN_NESTING_LIMIT + 1), "made")


def _compiles(ruleset: Ruleset) -> bool:
    try:
        compile_ruleset(ruleset, "made")
    except EngineLimitError:
        return False
    return True


def test_a_statement_may_be_nested_to_the_limit_in_counts_alone() -> None:
    condition: Condition = Yes("y0")
    for n in range(1, OWN_NESTING_LIMIT):
        condition = AtLeast(2, (condition, *yes(2, 2 * n)))
    ruleset = ruleset_of(condition)
    agree(ruleset, {}, {f"y{n}": True for n in range(200)}, {"y0": False})
    assert any(GeneratedEvaluator(ruleset).of({}, Reach(-1, 0)).depends_on_in_reach())


def test_two_names_with_one_hash_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """`costarring` and `liquid` have one FNV-1a hash: to the engine they are one name."""
    assert fnv_1a("costarring") == fnv_1a("liquid") == 0x5E4DAA9D
    with pytest.raises(EngineLimitError, match="`costarring` from `liquid`"):
        pages.refuse_collisions(["page", "costarring", "liquid"])
    monkeypatch.setattr(pages, "fnv_1a", len)  # a hash by which any two of our names collide
    with pytest.raises(EngineLimitError, match="same hash"):
        compile_ruleset(ruleset_of(AnyOf(yes(2))), "made")


def test_the_hash_is_the_one_that_the_engine_reckons_with() -> None:
    """Values of the FNV-1a that its authors publish."""
    assert fnv_1a("") == 0x811C9DC5
    assert fnv_1a("a") == 0xE40C292C
    assert fnv_1a("foobar") == 0xBF9CF968
    assert fnv_1a("id") == 926444256
    assert fnv_1a("sid") == 3593476751
