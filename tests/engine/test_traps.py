"""What durable-rules 2.0.28 does to those who trust it, and that we are out of its reach.

Each trap has a number, and is shown on the bare engine, so that another engine or another Python is noticed; then
that the compiler or the engine's door keeps us clear of it.
"""

from __future__ import annotations

import itertools
import json
import platform
import re
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import durable_rules_engine
import pytest

from tests.engine.raw import NOT_HANDLED, OBSERVED, OK, assert_fact, child, drain, fired_by, last_words, one, register
from tests.support.oracles.engine_agreement import masks_by_reference
from tests.support.rulesets.generated import DIGEST, make_findings, make_report, make_ruleset
from tests.support.rulesets.wide import at_every_limit, wide_ruleset
from triage_rules.evaluation.compiling import Compiled, compile_ruleset, pages
from triage_rules.evaluation.compiling.engine_messages import Messages
from triage_rules.evaluation.compiling.pages import GROUP_TERMS, GROUPS, PAGE_FIELDS, PAGE_TERMS, fnv_1a
from triage_rules.evaluation.engine import Engine
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.evaluation.signals import Numbering
from triage_rules.foundation.errors import EngineError, EngineLimitError
from triage_rules.records.reports import History

SIGABRT, SIGSEGV = 6, 11
ENGINE_STACK = 64


@pytest.fixture(scope="module")
def compiled() -> list[Compiled]:
    """Many compiled rulesets, small and wide."""
    made = [compile_ruleset(make_ruleset(Random(seed)), "made") for seed in range(60)]
    large = [compile_ruleset(make_ruleset(Random(seed), inputs=40, statements=40, rules=60), "made") for seed in (1, 2)]
    return [*made, *large, compile_ruleset(wide_ruleset(), "wide")]


def conditions(rule: Any) -> list[dict[str, Any]]:
    """The conditions of a compiled rule, which is one conjunction on one message."""
    ((alias, body),) = rule["all"][0].items()
    assert alias == "m"
    return list(body.get("$and", [body]))


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the engine's door hands to the engine, as text."""
    handed: list[str] = []
    original = durable_rules_engine.assert_fact

    def spy(handle: int, text: str) -> Any:
        handed.append(text)
        return original(handle, text)

    monkeypatch.setattr(durable_rules_engine, "assert_fact", spy)
    return handed


# --- 1: deleting a state in which no rule ever fired ----------------------------------------

DELETE_UNFIRED = """
    import sys
    dirt = [b"\\xff" * size for size in range(1, 6000)]
    del dirt
    handle = register({{f"r{{n}}": one({{f"f{{n}}": 1}}) for n in range({rules})}})
    for sid in range(20):
        assert_fact(handle, {{"sid": f"s{{sid}}", "other": 1}})
        durable_rules_engine.delete_state(handle, f"s{{sid}}")
"""
PERTURBED = {"MALLOC_PERTURB_": "165"}  # glibc fills what it hands out with this byte's complement


def test_1_deleting_a_state_in_which_nothing_fired_frees_wild_memory() -> None:
    """What is freed is whatever the heap held, so a single run may get away; on glibc, told to fill memory, none does.

    On another C library either ending is accepted here: what counts is that ours, below, never gets there.
    """
    endings = [child(DELETE_UNFIRED.format(rules=rules), env=PERTURBED).returncode for rules in (1, 20, 200)]
    assert set(endings) <= {0, -SIGABRT, -SIGSEGV}
    if platform.libc_ver()[0] == "glibc":
        assert 0 not in endings


def test_1_our_engine_lives_through_any_end_of_a_state() -> None:
    """Also when a state ends before any report was run, or in the middle of one, with memory filled."""
    ended = child(
        """
        from random import Random
        from tests.support.rulesets.generated import make_findings, make_ruleset
        from triage_rules.evaluation.compiling import compile_ruleset
        from triage_rules.evaluation.engine import Engine
        from triage_rules.foundation.errors import EngineError

        def fail(*_):
            raise durable_rules_engine.error("told to")

        dirt = [b"\\xff" * size for size in range(1, 6000)]
        del dirt
        calls = ["assert_fact", "start_action_for_state", "complete_and_start_action", "retract_fact"]
        failed = 0
        for seed in range(40):
            random = Random(seed)
            ruleset = make_ruleset(random, rules=random.choice([1, 8, 40]))
            engine = Engine(compile_ruleset(ruleset, "made"))
            for call in (None, *calls, None):
                original = call and getattr(durable_rules_engine, call)
                try:
                    if call:
                        setattr(durable_rules_engine, call, fail)
                    engine.run(make_findings(random, ruleset))
                except EngineError:
                    failed += 1
                finally:
                    if call:
                        setattr(durable_rules_engine, call, original)
            engine.close()
            Engine(compile_ruleset(ruleset, "made")).close()
        print(failed)
        """,
        env=PERTURBED,
    )
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) > 100


def test_1_every_page_has_a_rule_that_fires_for_every_report(compiled: list[Compiled]) -> None:
    for each in compiled:
        for page in each.pages:
            assert page.rules[pages.SENTINEL] == one({pages.GROUP: 0})
        messages = Messages(each.pages, each.spelled)
        for place in range(len(each.pages)):
            assert json.loads(messages.message(place, messages.answers({}), set()))[pages.GROUP] == 0


# --- 2: 1,024 states ------------------------------------------------------------------------


def test_2_the_1025th_sid_of_a_ruleset_is_out_of_memory() -> None:
    ended = child(
        """
        handle = register({"r": one({"a": 1})})
        for sid in range(1024):
            assert_fact(handle, {"sid": f"s{sid}", "a": 1})
        for sid in ("one more", "another"):
            try:
                assert_fact(handle, {"sid": sid, "a": 1})
            except MemoryError:
                print("out of memory", flush=True)
        """
    )
    assert ended.stdout.splitlines() == ["out of memory"] * 2


def test_2_we_use_one_state_for_all_reports(messages: list[str]) -> None:
    ruleset = make_ruleset(Random(1))
    engine = Engine(compile_ruleset(ruleset, "made"))
    for _ in range(1100):
        assert engine.run({}) == masks_by_reference(ruleset, {})
    assert {json.loads(message)["sid"] for message in messages} == {"s"}


# --- 3: more than 511 first conditions ------------------------------------------------------

FIRST_CONDITIONS = """
    print("ready", flush=True)
    handle = register({{f"r{{n}}": one({{"a": n}}) for n in range({count})}})
    print("registered", flush=True)
    print(drain(handle, assert_fact(handle, {{"sid": "s", "a": 3}})[1]), flush=True)
"""


def test_3_511_first_conditions_under_a_node_still_work() -> None:
    assert child(FIRST_CONDITIONS.format(count=511)).stdout.splitlines() == ["ready", "registered", "['r3']"]


@pytest.mark.parametrize(("count", "last"), [(512, "registered"), (513, "ready")])
def test_3_with_more_the_engine_never_returns(count: int, last: str) -> None:
    """With 512 it even registers, and hangs on the first report; with 513 it hangs before."""
    assert last_words(FIRST_CONDITIONS.format(count=count), last, seconds=3) == [last]


def test_3_no_node_of_ours_has_more_children_than_a_page_has_groups_or_a_group_has_terms(
    compiled: list[Compiled],
) -> None:
    """The conditions of a rule are nodes, one under the other; equal beginnings share them."""
    for page in itertools.chain.from_iterable(each.pages for each in compiled):
        children: dict[str, set[str]] = {}
        for rule in page.rules.values():
            path = list(map(json.dumps, conditions(rule)))
            for place, condition in enumerate(path):
                children.setdefault(" ".join(path[:place]), set()).add(condition)
        assert len(children.pop("")) <= GROUPS + 1
        assert all(len(below) <= GROUP_TERMS for below in children.values())


def test_3_too_many_pages_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PAGE_LIMIT", 1)
    monkeypatch.setattr(pages, "PAGE_TERMS", 16)
    with pytest.raises(EngineLimitError, match="pages"):
        compile_ruleset(wide_ruleset(), "wide")


# --- 4: fixed sizes -------------------------------------------------------------------------


def test_4_a_rule_joins_sixteen_messages_at_most() -> None:
    def joined(count: int) -> list[str]:
        handle = register({"r": {"all": [{f"m{n}": {f"f{n}": 1}} for n in range(count)]}})
        states = [assert_fact(handle, {"id": f"m{n}", "sid": "s", f"f{n}": 1})[1] for n in range(count)]
        return drain(handle, states[-1])

    assert joined(16) == ["r"]
    with pytest.raises(durable_rules_engine.error, match="304"):
        joined(17)


def test_4_a_condition_feeds_256_joins_at_most() -> None:
    """Without a join it is worse: 256 rules with one and the same condition bring the process down."""

    def joins(count: int) -> int:
        return register({f"r{n}": {"all": [{"m": {"a": 1}}, {"n": {f"b{n}": 1}}]} for n in range(count)})

    assert joins(255)
    with pytest.raises(durable_rules_engine.error, match="108"):
        joins(257)


def test_4_a_node_has_128_unhashed_conditions_at_most() -> None:
    def absent(count: int) -> int:
        return register({f"r{n}": one({"$nex": {f"f{n}": 1}}) for n in range(count)})

    assert absent(128)
    with pytest.raises(durable_rules_engine.error, match="107"):
        absent(129)


def test_4_a_message_has_252_fields_of_its_sender_at_most() -> None:
    def wide(count: int) -> list[str]:
        return fired_by({"r": one({"f0": 1})}, {"id": "m", "sid": "s", **{f"f{n}": 1 for n in range(count)}})

    assert wide(252) == ["r"]
    with pytest.raises(durable_rules_engine.error, match="302"):
        wide(253)


def test_4_a_join_compares_29_expressions_at_most() -> None:
    def compared(count: int) -> int:
        own = [{"a": 2}, *({f"f{n}": {"m": f"f{n}"}} for n in range(count - 1))]
        return register({"r": {"all": [{"m": {"a": 1}}, {"n": {"$and": own}}]}})

    assert compared(30)
    with pytest.raises(durable_rules_engine.error, match="113"):
        compared(31)


def test_4_a_ruleset_has_4096_rules_at_most() -> None:
    def paged(count: int) -> int:
        return register({f"r{n}": one({"$and": [{"page": n // 50}, {f"f{n % 50}": 1}]}) for n in range(count)})

    assert paged(4096)
    with pytest.raises(durable_rules_engine.error, match="106"):
        paged(4097)


def test_4_rules_that_are_too_many_for_one_ruleset_are_on_pages_of_their_own() -> None:
    """633 made rules come to some 2,700 for the engine."""
    assert PAGE_TERMS < 4096
    made = make_ruleset(Random(11), inputs=150, statements=150, rules=700, depth=3)
    compiled = compile_ruleset(made, "made")
    assert sum(len(page.rules) for page in compiled.pages) > 2000
    assert all(len(page.terms) <= PAGE_TERMS for page in compiled.pages)
    engine, random = Engine(compiled), Random(12)
    for share in (0, 0.5, 1, None):
        findings = make_findings(random, made, share)
        assert engine.run(findings) == masks_by_reference(made, findings)
    engine.close()


def test_4_ours_are_plain_conjunctions_on_one_message(compiled: list[Compiled]) -> None:
    """No joins, no disjunctions, no absent fields, no expressions: none of these sizes is ever met."""
    for page in itertools.chain.from_iterable(each.pages for each in compiled):
        for rule in page.rules.values():
            assert list(rule) == ["all"]
            assert len(rule["all"]) == 1
            for condition in conditions(rule):
                ((name, value),) = condition.items()
                if name.startswith("$"):
                    assert name in {"$gte", "$gt", "$lte", "$lt", "$neq"}
                    ((name, value),) = value.items()
                assert name.isalnum()
                assert isinstance(value, bool | int | float)
        assert len(page.answers) + len(page.opens) + len(page.signals) <= PAGE_FIELDS


# --- 4b: more than 64 conditions satisfied at once ------------------------------------------


def test_4b_a_report_that_satisfies_more_than_64_conditions_is_refused() -> None:
    """The sickest reports would fail first."""

    def all_yes(count: int) -> list[str]:
        everything = {f"f{n}": True for n in range(count)}
        return fired_by({f"r{n}": one({f"f{n}": True}) for n in range(count)}, {"sid": "s", **everything})

    assert len(all_yes(ENGINE_STACK)) == ENGINE_STACK
    with pytest.raises(durable_rules_engine.error, match="303"):
        all_yes(ENGINE_STACK + 1)


def test_4b_no_page_has_more_groups_and_no_group_more_terms_than_the_stack_holds(compiled: list[Compiled]) -> None:
    """All groups wait on the stack, with the sentinel, while one of them is looked through.

    There each node that waits leads to a term of its own, so this bounds the stack for every report.
    """
    assert GROUPS + 1 + GROUP_TERMS - 1 < ENGINE_STACK
    for page in itertools.chain.from_iterable(each.pages for each in compiled):
        groups = Counter(json.dumps(conditions(rule)[0]) for rule in page.rules.values())
        assert groups.pop(json.dumps({pages.GROUP: 0})) == 1
        assert len(groups) <= GROUPS
        assert all(count <= GROUP_TERMS for count in groups.values())


def test_4b_a_page_that_is_full_works_if_every_term_holds() -> None:
    """As many groups and terms as there may be, all of them satisfied at once."""
    terms = {
        f"t{n:03}": [{"$lte": {pages.GROUP: n // GROUP_TERMS}}, {f"f{n % PAGE_FIELDS}": True}]
        for n in range(PAGE_TERMS)
    }
    message = {"sid": "s", pages.GROUP: 0, **{f"f{n}": True for n in range(PAGE_FIELDS)}}
    rules = {pages.SENTINEL: one({pages.GROUP: 0})} | {name: one({"$and": term}) for name, term in terms.items()}
    assert sorted(fired_by(rules, message)) == sorted(rules)


def test_4b_the_worst_reports_work() -> None:
    """All yes, all no, all open, and every number on, just above and just below each limit at once."""
    ruleset = wide_ruleset()
    engine = Engine(compile_ruleset(ruleset, "wide"))
    reports = list(at_every_limit(ruleset))
    for findings in reports:
        assert engine.run(findings) == masks_by_reference(ruleset, findings)
    assert (
        max(len(Numbering(ruleset).named(engine.run(findings).established)) for findings in reports) > 5 * ENGINE_STACK
    )


# --- 5: a number meets a string as text -----------------------------------------------------


def test_5_a_text_is_compared_with_a_number_as_text() -> None:
    """The empty text is left out: it fires or not by what the memory behind it holds."""

    def hot(temperature: Any) -> bool:
        return fired_by({"hot": one({"$gte": {"t": 38.5}})}, {"sid": "s", "t": temperature}) == ["hot"]

    assert hot("9")
    assert hot("abc")
    assert not hot("100")
    assert not hot("104.2")
    assert hot(104.2)


def test_5_a_text_equals_the_boolean_that_it_spells() -> None:
    assert fired_by({"r": one({"y": True})}, {"sid": "s", "y": "true"}) == ["r"]
    assert fired_by({"r": one({"y": 1})}, {"sid": "s", "y": True}) == ["r"]


def test_5_no_text_reaches_the_engine(messages: list[str]) -> None:
    """Choices go as their places, texts stay outside; only our own message id and sid are strings."""
    for seed in range(30):
        random = Random(seed)
        ruleset = make_ruleset(random)
        evaluator = Evaluator(ruleset, DIGEST)
        for _ in range(5):
            answers, history = make_report(random, ruleset)
            evaluator.evaluate(answers, history, report_id="r", received_ms=0, evaluated_ms=0)
    assert len(messages) > 150
    for message in map(json.loads, messages):
        assert {name for name, value in message.items() if isinstance(value, str)} == {"id", "sid"}


def test_5_a_text_that_got_so_far_is_refused_and_not_repeated() -> None:
    ruleset = make_ruleset(Random(3))
    name = next(iter(ruleset.inputs))
    engine = Engine(compile_ruleset(ruleset, "made"))
    with pytest.raises(EngineError) as refused:
        engine.run({name: "private"})
    assert "private" not in str(refused.value)
    assert engine.run({}) == masks_by_reference(ruleset, {})


# --- 6: names are their 32-bit hashes -------------------------------------------------------

COLLIDING = ("costarring", "liquid")
"""Two words with one FNV-1a hash."""


def test_6_names_with_one_hash_are_one_name() -> None:
    one_name, other = COLLIDING
    assert fnv_1a(one_name) == fnv_1a(other)
    assert fired_by({"r": one({one_name: True})}, {"sid": "s", other: True}) == ["r"]


def test_6_message_ids_with_one_hash_are_one_message() -> None:
    handle = register({"r": one({"a": 1}), "q": one({"a": 2})})
    outcomes = [assert_fact(handle, {"id": word, "sid": "s", "a": n})[0] for n, word in enumerate(COLLIDING, start=1)]
    assert outcomes == [OK, OBSERVED]


def test_6_an_equal_fact_is_not_seen_again() -> None:
    handle = register({"r": one({"a": 1})})
    assert [assert_fact(handle, {"sid": "s", "a": 1})[0] for _ in range(2)] == [OK, OBSERVED]


def test_6_colliding_names_of_ours_are_refused() -> None:
    with pytest.raises(EngineLimitError, match="same hash"):
        pages.refuse_collisions(list(COLLIDING))


def test_6_the_largest_ruleset_that_fits_has_no_colliding_names() -> None:
    names = [*(f"t{n:03}" for n in range(PAGE_TERMS)), *(f"f{n}" for n in range(PAGE_FIELDS))]
    pages.refuse_collisions([*names, pages.SENTINEL, pages.GROUP, "id", "sid", "$s"])


def test_6_the_same_report_twice_is_evaluated_twice() -> None:
    ruleset = make_ruleset(Random(5))
    engine = Engine(compile_ruleset(ruleset, "made"))
    findings = make_findings(Random(5), ruleset, 1)
    assert engine.run(findings) == engine.run(dict(findings)) == masks_by_reference(ruleset, findings)


# --- 7: a disjunction fires once for each branch --------------------------------------------


def test_7_a_rule_with_or_fires_for_each_branch() -> None:
    rules = {"r": one({"$or": [{"a": 1}, {"b": 1}]})}
    assert fired_by(rules, {"sid": "s", "a": 1, "b": 1}) == ["r", "r"]


def test_7_no_rule_of_ours_fires_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Disjunctions become terms of their own, so each rule of a page fires once."""
    fired: list[list[tuple[int, ...]]] = []
    original = Engine._run_page

    def spy(handle: int, message: str, terms: dict[str, tuple[int, ...]]) -> list[tuple[int, ...]]:
        found = original(handle, message, terms)
        fired.append(found)
        held = Counter(terms.values())
        assert all(count <= held[made] for made, count in Counter(found).items())
        return found

    monkeypatch.setattr(Engine, "_run_page", staticmethod(spy))
    for seed in range(20):
        ruleset = make_ruleset(Random(seed))
        Engine(compile_ruleset(ruleset, "made")).run(make_findings(Random(seed), ruleset, 1))
    assert sum(map(len, fired)) > 50


# --- 8 and 9: exceptions that nobody hears --------------------------------------------------

HOST = """
    import threading
    from durable.engine import Host, MessageNotHandledException
"""


def test_8_an_exception_in_an_action_is_swallowed() -> None:
    ended = child(
        HOST
        + """
    def fail(c):
        raise ValueError("lost")
    host = Host({"r": {"a": {"all": [{"m": {"a": 1}}], "run": fail}}})
    print("lost" in host.assert_fact("r", {"sid": "s", "a": 1})["exception"], flush=True)
    """
    )
    assert ended.stdout == "True\n", ended.stderr


def test_8_an_error_within_our_engine_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no code of ours in an action; what the engine raises comes out as EngineError."""
    engine = Engine(compile_ruleset(make_ruleset(Random(1)), "made"))

    def fail(*_: Any) -> None:
        raise durable_rules_engine.error("Could not start action, error code: 101")

    monkeypatch.setattr(durable_rules_engine, "complete_and_start_action", fail)
    with pytest.raises(EngineError):
        engine.run({})


def test_9_a_fact_that_no_rule_observes_is_not_handled() -> None:
    assert assert_fact(register({"r": one({"a": 1})}), {"sid": "s", "b": 1})[0] == NOT_HANDLED


def test_9_and_what_that_raises_within_an_action_is_hidden() -> None:
    ended = child(
        HOST
        + """
    def infer(c):
        c.assert_fact({"nobody": 1})
    host = Host({"r": {"a": {"all": [{"m": {"a": 1}}], "run": infer}}})
    print("MessageNotHandledException" in host.assert_fact("r", {"sid": "s", "a": 1})["exception"], flush=True)
    try:
        host.assert_fact("r", {"sid": "t", "b": 1})
    except MessageNotHandledException:
        print("raised", flush=True)
    """
    )
    assert ended.stdout.splitlines() == ["True", "raised"], ended.stderr


def test_9_every_message_of_ours_is_observed(messages: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those of a report in which nothing was answered and nothing holds."""
    outcomes = []
    handed = durable_rules_engine.assert_fact

    def spy(handle: int, text: str) -> Any:
        found = handed(handle, text)
        outcomes.append(found[0])
        return found

    monkeypatch.setattr(durable_rules_engine, "assert_fact", spy)
    for seed in range(30):
        Engine(compile_ruleset(make_ruleset(Random(seed)), "made")).run({})
    assert set(outcomes) == {OK}
    assert len(outcomes) == len(messages) > 30


# --- 10: events are consumed ----------------------------------------------------------------


def test_10_an_event_is_consumed_by_the_first_rule_and_a_fact_is_not() -> None:
    rules = {"a": one({"x": 1}), "b": one({"x": 1})}
    handle = register(rules)
    _, state = durable_rules_engine.assert_event(handle, '{"sid": "s", "x": 1}')
    assert drain(handle, state) == ["a"]
    assert fired_by(rules, {"sid": "s", "x": 1}) == ["a", "b"]


def test_10_we_send_no_events(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any) -> None:
        raise AssertionError("an event")

    monkeypatch.setattr(durable_rules_engine, "assert_event", refused)
    monkeypatch.setattr(durable_rules_engine, "assert_events", refused)
    ruleset = make_ruleset(Random(2))
    findings = make_findings(Random(2), ruleset, 1)
    assert Engine(compile_ruleset(ruleset, "made")).run(findings) == masks_by_reference(ruleset, findings)


# --- 11: threads and forks ------------------------------------------------------------------


def test_11_a_host_starts_two_threads_that_a_fork_loses() -> None:
    ended = child(
        HOST
        + """
    import os, warnings
    warnings.simplefilter("ignore")  # forking beside threads is what is shown here
    before = threading.active_count()
    host = Host({"r": {"a": {"all": [{"m": {"a": 1}}], "run": lambda c: None}}})
    print(threading.active_count() - before, [name for name in dir(host) if "close" in name], flush=True)
    if os.fork() == 0:
        print(threading.active_count(), flush=True)
        os._exit(0)
    os.wait()
    os._exit(0)
    """
    )
    assert ended.stdout.splitlines() == ["2 []", "1"], ended.stderr


def test_11_our_engine_starts_no_thread() -> None:
    before = threading.active_count()
    ruleset = make_ruleset(Random(1))
    Evaluator(ruleset, DIGEST).evaluate({}, History(), report_id="r", received_ms=0, evaluated_ms=0)
    assert threading.active_count() == before


# --- 12: a ruleset is registered once -------------------------------------------------------


def test_12_a_host_refuses_a_name_that_it_has_and_the_engine_does_not() -> None:
    """So the handle is what counts; ours has a name of its own all the same."""
    ended = child(
        HOST
        + """
    def rules():
        return {"r": {"a": {"all": [{"m": {"a": 1}}], "run": lambda c: None}}}
    host = Host(rules())
    try:
        host.register_rulesets(rules())
    except Exception as error:
        print(error, flush=True)
    handles = [durable_rules_engine.create_ruleset("same", '{"r": {"all": [{"m": {"a": 1}}]}}') for _ in range(2)]
    print(len(set(handles)), flush=True)
    """
    )
    assert ended.stdout.splitlines() == ["Ruleset with name r already registered", "2"], ended.stderr


def test_12_engines_of_one_name_live_side_by_side() -> None:
    """A new version of a ruleset runs beside the old one, and one's end is not the other's."""
    old, new = make_ruleset(Random(1)), make_ruleset(Random(2))
    first, second = (Engine(compile_ruleset(ruleset, "same")) for ruleset in (old, new))
    random = Random(3)
    for _ in range(5):
        for ruleset, engine in ((old, first), (new, second)):
            findings = make_findings(random, ruleset)
            assert engine.run(findings) == masks_by_reference(ruleset, findings)
    first.close()
    findings = make_findings(random, new)
    assert second.run(findings) == masks_by_reference(new, findings)


# --- 13: its own JSON -----------------------------------------------------------------------


def test_13_escapes_are_not_what_they_stand_for() -> None:
    assert fired_by({"r": one({"n": "é"})}, '{"sid": "s", "n": "é"}') == ["r"]
    assert fired_by({"r": one({"n": "é"})}, '{"sid": "s", "n": "\\u00e9"}') == []


def test_13_of_a_doubled_key_both_values_count() -> None:
    """The first one is read, and the conditions are looked up for each, so a rule fires twice."""
    rules = {"high": one({"$gte": {"a": 1}}), "low": one({"$lt": {"a": 1}})}
    assert fired_by(rules, '{"sid": "s", "a": 0, "a": 2}') == ["low", "low"]


@pytest.mark.parametrize("number", ["1e400", "1e30", "1e3", "1E3", "1e-5"])
def test_13_a_whole_number_with_an_exponent_can_not_be_read(number: str) -> None:
    """Neither in a fact nor in a rule: 0.00001 is written 1e-05 by Python."""
    handle = register({"r": one({"$gte": {"a": 1}})})
    with pytest.raises(durable_rules_engine.error, match="204"):
        assert_fact(handle, f'{{"sid": "s", "a": {number}}}')
    with pytest.raises(durable_rules_engine.error, match="204"):
        register(f'{{"r": {{"all": [{{"m": {{"$gte": {{"a": {number}}}}}}}]}}}}')


def test_13_ours_is_written_without_escapes_exponents_or_doubled_keys(
    messages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rules: list[str] = []
    original = durable_rules_engine.create_ruleset

    def spy(name: str, text: str) -> int:
        rules.append(text)
        return int(original(name, text))

    monkeypatch.setattr(durable_rules_engine, "create_ruleset", spy)
    for seed in range(60):
        random = Random(seed)
        ruleset = make_ruleset(random)
        engine = Engine(compile_ruleset(ruleset, "made"))
        for _ in range(10):
            engine.run(make_findings(random, ruleset))
    for text in (*messages, *rules):
        assert text.isascii()
        assert "\\" not in text
        assert not re.search(r"\d[eE]|NaN|Infinity|null", text)
        json.loads(text, object_pairs_hook=without_doubles)
    assert any("0.00001" in text for text in rules)
    assert any("0.000000000001" in text for text in messages)


def without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len({name for name, _ in pairs}) == len(pairs)
    return dict(pairs)


# --- 14: `not` depends on the order of facts ------------------------------------------------


def test_14_a_negated_join_depends_on_the_order_of_facts() -> None:
    def fired(*facts: dict[str, Any]) -> list[str]:
        rules = {"r": {"all": [{"m": {"a": 1}}, {"i$not": {"s": 1}}]}, "q": one({"s": 1})}
        handle = register(rules)
        return list(itertools.chain.from_iterable(drain(handle, assert_fact(handle, fact)[1]) for fact in facts))

    first, second = {"id": "a", "sid": "s", "a": 1}, {"id": "b", "sid": "s", "s": 1}
    assert fired(first, second) == ["r", "q"]
    assert fired(second, first) == ["q"]


def test_14_the_order_of_answers_is_nothing_to_ours() -> None:
    for seed in range(40):
        random = Random(seed)
        ruleset = make_ruleset(random)
        engine = Engine(compile_ruleset(ruleset, "made"))
        findings = make_findings(random, ruleset)
        names = list(findings)
        random.shuffle(names)
        assert engine.run(findings) == engine.run({name: findings[name] for name in names})


# --- 15: one thread for a handle ------------------------------------------------------------


def test_15_between_two_calls_another_caller_takes_ones_firings() -> None:
    """Two evaluations that interleave on one handle: the second drains the first one's firing as well as its own."""
    handle = register({"first": one({"a": 1}), "second": one({"a": 2})})
    _, mine = assert_fact(handle, {"id": "m", "sid": "s", "a": 1})
    _, others = assert_fact(handle, {"id": "n", "sid": "s", "a": 2})
    assert drain(handle, others) == ["first", "second"]
    assert drain(handle, mine) == []


def test_15_eight_threads_share_an_evaluator_that_holds_a_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every result is that of its own report, and no two evaluations are ever in the engine at once."""
    random = Random(15)
    ruleset = make_ruleset(random, inputs=12, rules=20)
    evaluator = Evaluator(ruleset, DIGEST, second_opinion=False)
    reports = [make_report(random, ruleset) for _ in range(400)]
    within: list[int] = []
    most: list[int] = []
    original = Engine.run

    def spy(engine: Engine, findings: Any) -> Any:
        within.append(1)
        most.append(len(within))
        try:
            return original(engine, findings)
        finally:
            within.pop()

    monkeypatch.setattr(Engine, "run", spy)

    def evaluate(report: Any) -> dict[str, Any]:
        return evaluator.evaluate(*report, report_id="r", received_ms=0, evaluated_ms=0)

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(evaluate, reports))
    assert max(most) == 1
    assert found == [by_reference(evaluator, report) for report in reports]


def by_reference(evaluator: Evaluator, report: Any) -> dict[str, Any]:
    """The result of a report as it comes out if the engine's place is taken by the reference."""
    other = Evaluator(evaluator.ruleset, evaluator.digest, second_opinion=False)
    other._run = lambda facts: masks_by_reference(evaluator.ruleset, facts)  # type: ignore[method-assign]
    return other.evaluate(*report, report_id="r", received_ms=0, evaluated_ms=0)


def test_no_trap_is_forgotten() -> None:
    rows = ["1", "2", "3", "4", "4b", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15"]
    assert list(dict.fromkeys(rows_here())) == rows


def rows_here() -> Iterator[str]:
    for name in globals():
        if found := re.match(r"test_(\d+b?)_", name):
            yield found[1]
