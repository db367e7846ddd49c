"""The chain of the audit log: whatever is done to what is stored is found."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.actors import TESTER
from triage_rules.foundation.errors import AuditError
from triage_rules.records.audit import START, Act, Action, Actor, Head, Record, Via, head_of, record, verify

ACTS = st.builds(
    Act,
    st.builds(Actor, st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8), st.sampled_from(Via)),
    st.sampled_from(Action),
    st.integers(0, 4_000_000_000_000),
    st.dictionaries(st.sampled_from(["ruleset", "digest", "key"]), st.text(st.characters(codec="utf-8"), max_size=8)),
)


def chain(acts: list[Act]) -> list[dict[str, str]]:
    records: list[dict[str, str]] = []
    for act in acts:
        records.append(record(act, head_of(records[-1] if records else None)))
    return records


def a_log(entries: int = 5) -> list[dict[str, str]]:
    return chain([Act(TESTER, Action.DEPLOY, 1_795_000_000_000 + n, {"version": f"1.0.{n}"}) for n in range(entries)])


def forged(one: Record, **changed: str) -> dict[str, str]:
    """Changed by somebody who knows how the hash is made."""
    rest = {name: text for name, text in {**one, **changed}.items() if name != "hash"}
    return rest | {
        "hash": "sha256:" + hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    }


@given(st.lists(ACTS, max_size=6))
def test_a_log_that_nobody_touched_has_no_fault(acts: list[Act]) -> None:
    records = chain(acts)
    verdict = verify(records)
    assert verdict.faults == ()
    assert verdict.head == Head(len(acts), records[-1]["hash"] if records else START)


@given(st.lists(ACTS, min_size=1, max_size=4), st.data())
def test_any_changed_byte_of_any_entry_is_found(acts: list[Act], data: st.DataObject) -> None:
    """In any field or its name, to any other byte, also to one that makes it no UTF-8."""
    records = [[(n.encode(), v.encode()) for n, v in one.items()] for one in chain(acts)]
    entry = data.draw(st.integers(0, len(records) - 1))
    place = data.draw(st.integers(0, sum(len(n) + len(v) for n, v in records[entry]) - 1))
    other = data.draw(st.integers(1, 255))
    spoilt = []
    for name, value in records[entry]:
        whole = bytearray(name + value)
        if 0 <= place < len(whole):
            whole[place] ^= other
        place -= len(whole)
        spoilt.append((bytes(whole[: len(name)]), bytes(whole[len(name) :])))
    records[entry] = spoilt
    read = [
        {n.decode("utf-8", "surrogateescape"): v.decode("utf-8", "surrogateescape") for n, v in one} for one in records
    ]
    assert any(f"entry {entry + 1} " in fault for fault in verify(read).faults)


@given(st.integers(0, 4), st.sampled_from(["number", "at", "actor", "via", "action", "details", "previous"]))
def test_an_entry_that_was_forged_with_its_hash_is_found_by_the_one_behind_it(place: int, name: str) -> None:
    """But for the last, for which there is none: there the noted hash tells."""
    records = a_log()
    head = records[-1]["hash"]
    records[place] = forged(records[place], **{name: records[place][name] + "0"})
    assert verify(records, head).faults
    if place < 4:
        assert f"entry {place + 2} does not follow the entry before it" in verify(records).faults


@pytest.mark.parametrize("place", range(4))
def test_a_dropped_entry_is_found(place: int) -> None:
    records = a_log()
    del records[place]
    assert verify(records).faults[0] == f"entry {place + 1} has the number {place + 2}, expected {place + 1}"


def test_a_cut_end_is_found_by_a_hash_noted_earlier() -> None:
    """A log that ends earlier is whole in itself, so nothing else can tell."""
    records = a_log()
    noted = records[3]["hash"]
    assert verify(records, noted).faults == verify(records[:4], noted).faults == ()
    assert verify(records[:3]).faults == ()
    (fault,) = verify(records[:3], noted).faults
    assert noted in fault
    (fault,) = verify([], noted).faults
    assert noted in fault


@pytest.mark.parametrize(("one", "other"), [(0, 1), (1, 3), (0, 4), (3, 4)])
def test_swapped_entries_are_found(one: int, other: int) -> None:
    records = a_log()
    records[one], records[other] = records[other], records[one]
    assert verify(records).faults


def test_an_entry_put_in_between_or_twice_is_found() -> None:
    records = a_log()
    more = forged(records[2], actor="mallory")
    for spoilt in ([*records[:3], more, *records[3:]], [*records, records[4]], [records[0], *records]):
        assert verify(spoilt).faults


def test_a_field_too_many_or_too_few_is_found() -> None:
    records = a_log(2)
    assert verify([records[0], records[1] | {"note": "x"}]).faults == ("entry 2 has missing or extra fields",)
    del records[1]["via"]
    assert verify(records).faults == ("entry 2 has missing or extra fields",)


def test_a_log_written_anew_is_found_by_the_noted_hash_alone() -> None:
    """There is no secret in the chain; the documents say so."""
    anew = chain([Act(Actor("mallory", Via.CLI), Action.DEPLOY, 1, {})] * 5)
    assert verify(anew).faults == ()
    assert verify(anew, a_log()[-1]["hash"]).faults


def test_nothing_is_chained_to_an_entry_that_was_changed() -> None:
    last = a_log(1)[0] | {"actor": "mallory"}
    with pytest.raises(AuditError, match="was changed"):
        head_of(last)


@pytest.mark.parametrize("number", ["", "0", "x", "-1", "\u0663", "9" * 5_000])
def test_a_number_that_is_none_is_a_fault_and_breaks_nothing(number: str) -> None:
    """Also where whoever wrote it gave it a hash that fits."""
    log = a_log(2)
    log[1] = forged(log[1], number=number)
    assert any("its number is not valid" in fault for fault in verify(log).faults)
    with pytest.raises(AuditError, match="its number is not valid"):
        head_of(log[1])


def test_a_hash_is_what_the_document_says() -> None:
    """Somebody else must be able to verify a log without our program."""
    (one,) = a_log(1)
    assert one["previous"] == START
    assert (one["number"], one["at"], one["actor"], one["via"]) == ("1", "2026-11-18T11:06:40.000Z", "tester", "cli")
    assert forged(one) == one
