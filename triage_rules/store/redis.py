"""The ledger's contract, kept in Redis."""

from __future__ import annotations

from triage_rules.ledger.consumer_groups import ConsumerGroups
from triage_rules.ledger.erasing import Erasing
from triage_rules.ledger.following_up import FollowingUp
from triage_rules.ledger.intake import Intake
from triage_rules.ledger.keys import Keys
from triage_rules.ledger.rekeying import Rekeying
from triage_rules.ledger.rulesets import Rulesets
from triage_rules.ledger.turns import Turns
from triage_rules.ledger.upkeep import Upkeep


class RedisLedger(Intake, Turns, Upkeep, Rulesets, Keys, Erasing, Rekeying, FollowingUp, ConsumerGroups):
    """See `triage_rules.ledger.Ledger` for what each method promises. Safe for threads and over a fork."""
