"""The ledger's contract, kept in Redis."""

from __future__ import annotations

from triage_rules.store.api_keys import Keys
from triage_rules.store.batch import Turns
from triage_rules.store.consumer_groups import ConsumerGroups
from triage_rules.store.erasure import Erasing
from triage_rules.store.follow_up import FollowingUp
from triage_rules.store.health import Upkeep
from triage_rules.store.intake import Intake
from triage_rules.store.key_rotation import Rekeying
from triage_rules.store.rulesets import RulesetStore


class RedisLedger(Intake, Turns, Upkeep, RulesetStore, Keys, Erasing, Rekeying, FollowingUp, ConsumerGroups):
    """See `triage_rules.store.Ledger` for what each method promises. Safe for threads and over a fork."""
