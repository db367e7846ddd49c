"""Proposals in Redis: what is asked for, who may decide, and that approving and going live are one step."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import redis

from tests.support.actors import TESTER
from tests.support.reports import NOW_MS, deployed
from triage_rules.foundation.errors import ProposalNotFound, ProposalRefused
from triage_rules.records import audit
from triage_rules.records.audit import Actor, Via
from triage_rules.records.proposals import (
    FILES_MAX_BYTES,
    MOST_KEPT,
    MOST_OPEN_EACH,
    NOTE_MAX,
    Approval,
    Proposal,
    ProposalState,
)
from triage_rules.store.redis import RedisStore

ANN, BEN = Actor("ann", Via.HTTP), Actor("ben", Via.HTTP)
FILES = {"ruleset.yaml": "ruleset: spots  # why\n", "cases.yaml": "cases: []\n"}
DAY_MS = 24 * 3_600_000


def a_proposal(number: int = 1, by: Actor = ANN, at: int = NOW_MS) -> Proposal:
    return Proposal(f"p{number}", "spots", "2.0.0", f"sha256:new{number}", "sha256:one", by.name, at, "A lower limit.")


def proposed(store: RedisStore, number: int = 1, by: Actor = ANN, at: int = NOW_MS) -> Proposal:
    one = a_proposal(number, by, at)
    store.proposals.propose(one, FILES, by=by)
    return one


def approve(store: RedisStore, one: Proposal, by: Actor = BEN, live: str | None = "sha256:one") -> None:
    store.rulesets.deploy(
        one.ruleset, one.version, one.digest, b"new", NOW_MS + 9, by=by, files=FILES, approving=Approval(one.id, live)
    )


def test_a_proposal_is_kept_with_its_files_and_written_down(store: RedisStore) -> None:
    one = proposed(store)
    assert store.proposals.get(one.id) == (one, FILES)
    assert store.proposals.get_all(NOW_MS) == [one]
    (entry,) = store.audit.read_entries()
    assert (entry["actor"], entry["action"]) == ("ann", "propose")
    assert "A lower limit" not in entry["details"]


def test_what_a_second_person_approves_is_live_in_the_same_step(store: RedisStore) -> None:
    """The log names both: who approved it as the actor, and who proposed it."""
    deployed(store, digest="sha256:one")
    one = proposed(store)
    approve(store, one)
    assert store.rulesets.get_live()["spots"].digest == one.digest
    found, _ = store.proposals.get(one.id)
    assert (found.state, found.decided_by, found.decided_ms) == (ProposalState.APPROVED, "ben", NOW_MS + 9)
    last = list(store.audit.read_entries())[-1]
    details = json.loads(last["details"])
    assert (last["actor"], last["action"], details["proposal"], details["proposed_by"]) == (
        "ben",
        "deploy",
        "p1",
        "ann",
    )
    assert audit.verify(store.audit.read_entries()).faults == ()


def test_nobody_approves_or_declines_what_they_proposed_themselves(store: RedisStore) -> None:
    deployed(store, digest="sha256:one")
    one = proposed(store)
    with pytest.raises(ProposalRefused, match="second person"):
        approve(store, one, by=ANN)
    with pytest.raises(ProposalRefused, match="second person"):
        store.proposals.close(one.id, ProposalState.DECLINED, NOW_MS, by=ANN)
    assert store.rulesets.get_live()["spots"].digest == "sha256:one"
    assert store.proposals.get(one.id)[0].state is ProposalState.OPEN


def test_what_went_live_since_the_second_person_looked_keeps_a_proposal_from_going_live(store: RedisStore) -> None:
    """They compared it with something else."""
    deployed(store, digest="sha256:other")
    one = proposed(store)
    with pytest.raises(ProposalRefused, match="compare again"):
        approve(store, one)
    approve(store, one, live="sha256:other")
    assert store.rulesets.get_live()["spots"].digest == one.digest


def test_other_rules_than_those_proposed_can_t_go_live_by_a_proposal(store: RedisStore) -> None:
    deployed(store, digest="sha256:one")
    one = proposed(store)
    with pytest.raises(ProposalRefused, match="other rules"):
        approve(store, replace(one, digest="sha256:planted"))
    assert store.rulesets.get_live()["spots"].digest == "sha256:one"


def test_what_was_decided_stays_so(store: RedisStore) -> None:
    """Withdrawn by who proposed it alone; declined by anybody else; then it can't be approved."""
    deployed(store, digest="sha256:one")
    withdrawn, declined = proposed(store, 1), proposed(store, 2)
    with pytest.raises(ProposalRefused, match="only its proposer"):
        store.proposals.close(withdrawn.id, ProposalState.WITHDRAWN, NOW_MS, by=BEN)
    store.proposals.close(withdrawn.id, ProposalState.WITHDRAWN, NOW_MS, by=ANN)
    store.proposals.close(declined.id, ProposalState.DECLINED, NOW_MS, by=BEN)
    for one in (withdrawn, declined):
        with pytest.raises(ProposalRefused, match="already"):
            approve(store, one)
    assert [entry["action"] for entry in store.audit.read_entries()][-2:] == ["proposal.withdraw", "proposal.decline"]
    with pytest.raises(ProposalNotFound):
        approve(store, a_proposal(3))


def test_the_same_rules_with_other_cases_can_be_approved(store: RedisStore) -> None:
    """Nothing is decided otherwise, but who vouches by which cases is written down."""
    store.rulesets.deploy(
        "spots", "2.0.0", "sha256:new1", b"new", NOW_MS, by=TESTER, files=FILES | {"cases.yaml": "old"}
    )
    one = proposed(store)
    approve(store, one, live="sha256:new1")
    assert store.rulesets.get_files("sha256:new1") == FILES
    assert list(store.audit.read_entries())[-1]["action"] == "files"


def test_proposals_are_bounded(store: RedisStore) -> None:
    """In size, in number for each client, and once each."""
    one = a_proposal()
    for bad, files, why in (
        (one, {"ruleset.yaml": "x" * (FILES_MAX_BYTES + 1)}, "larger"),
        (replace(one, note="x" * (NOTE_MAX + 1)), FILES, "note"),
    ):
        with pytest.raises(ProposalRefused, match=why):
            store.proposals.propose(bad, files, by=ANN)
    for number in range(MOST_OPEN_EACH):
        proposed(store, number)
    with pytest.raises(ProposalRefused, match="of your proposals"):
        proposed(store, 99)
    with pytest.raises(ProposalRefused, match="proposed already"):
        proposed(store, 0, by=BEN)
    for number in range(15):
        proposed(store, 100 + number, by=Actor(f"client{number}", Via.HTTP))
    with pytest.raises(ProposalRefused, match="are open"):
        proposed(store, 98, by=BEN)


def test_of_too_many_those_decided_longest_ago_go(store: RedisStore, redis_client: redis.Redis) -> None:
    for number in range(MOST_KEPT + 2):
        proposed(store, number, at=NOW_MS + number)
        if number:
            store.proposals.close(f"p{number}", ProposalState.WITHDRAWN, NOW_MS + number, by=ANN)
    kept = {one.id for one in store.proposals.get_all(NOW_MS)}
    assert len(kept) == MOST_KEPT
    assert "p0" in kept and {"p1", "p2"}.isdisjoint(kept)


def test_proposals_are_kept_for_their_own_time(store: RedisStore, redis_client: redis.Redis) -> None:
    one = proposed(store)
    assert 0 < redis_client.ttl("triage:proposals:p1") <= 30 * 24 * 3600
    assert store.proposals.get_all(NOW_MS + 29 * DAY_MS) == [one]
    assert store.proposals.get_all(NOW_MS + 31 * DAY_MS) == []
    store.trim(NOW_MS + 31 * DAY_MS)
    assert redis_client.hlen("triage:proposals") == 0
    with pytest.raises(ProposalNotFound):
        store.proposals.get(one.id)


def test_the_files_travel_with_the_bundle_and_go_with_it(store: RedisStore, redis_client: redis.Redis) -> None:
    """They change no digest. Deployed anew without change, nothing is written; with other texts, that is written down."""
    for _ in range(2):
        store.rulesets.deploy("spots", "1.0.0", "sha256:one", b"one", NOW_MS, by=TESTER, files=FILES)
    assert store.rulesets.get_files("sha256:one") == FILES
    assert store.rulesets.get_files("sha256:never") == {}
    assert len(list(store.audit.read_entries())) == 1
    store.rulesets.deploy(
        "spots", "1.0.0", "sha256:one", b"one", NOW_MS, by=TESTER, files=FILES | {"cases.yaml": "other"}
    )
    assert store.rulesets.get_files("sha256:one")["cases.yaml"] == "other"
    assert [entry["action"] for entry in store.audit.read_entries()] == ["deploy", "files"]
    store.rulesets.withdraw("spots", NOW_MS, by=TESTER)
    redis_client.delete("triage:deployments:spots")
    deployed(store, digest="sha256:two")
    for _ in range(20):
        store.trim(NOW_MS)
    assert not redis_client.exists("triage:bundle:sha256:one", "triage:source:sha256:one")
