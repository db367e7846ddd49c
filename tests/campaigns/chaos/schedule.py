"""The schedule of faults, made only from a seed, so that the seed repeats it."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from random import Random


class Kind(enum.StrEnum):
    """A kind of fault."""

    KILL = "SIGKILL"
    PAUSE = "SIGSTOP, SIGCONT"
    CUT = "connections cut"
    DELAY = "connections delayed"
    FULL = "full, noeviction"
    DOUBLE = "tasks sent twice"
    DISK = "disk of the append-only file full"
    CLOCK = "clock moved by hours"
    RENEW = "renewed as for a release"
    DEPLOY = "deployed, rolled back"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault. `at`: share of the run's progress (0 to 1) at which it strikes; `seconds`: how long it lasts; `pick`: 0 to 1."""

    at: float
    kind: Kind
    target: str
    seconds: float
    pick: float


WEB, WORKERS, BEAT, REDIS = "web", ("worker-1", "worker-2"), "beat", "redis"
CONSUMERS = ("consumer-a", "consumer-b")
ALL = "all"
"""All processes at once."""

CLOCKS = (WEB, *WORKERS, BEAT, REDIS, *CONSUMERS)
RULESET = "ruleset"
CHILD = " child"
"""After a process' name: not the process itself, but one of its children."""

CHOICES: tuple[tuple[Kind, str, int], ...] = (
    *((Kind.KILL, worker, 2) for worker in WORKERS),
    *((Kind.KILL, worker + CHILD, 3) for worker in WORKERS),
    *((Kind.PAUSE, worker, 1) for worker in WORKERS),
    *((Kind.PAUSE, worker + CHILD, 1) for worker in WORKERS),
    (Kind.KILL, WEB, 2),
    (Kind.KILL, WEB + CHILD, 2),
    (Kind.PAUSE, WEB + CHILD, 1),
    (Kind.KILL, BEAT, 1),
    (Kind.PAUSE, BEAT, 1),
    *((Kind.KILL, consumer, 2) for consumer in CONSUMERS),
    *((Kind.PAUSE, consumer, 1) for consumer in CONSUMERS),
    (Kind.KILL, REDIS, 5),
    (Kind.PAUSE, REDIS, 2),
    (Kind.CUT, REDIS, 5),
    (Kind.DELAY, REDIS, 3),
    (Kind.FULL, REDIS, 3),
    (Kind.DOUBLE, REDIS, 3),
    (Kind.DISK, REDIS, 4),
    *((Kind.CLOCK, name, 1) for name in CLOCKS),
    (Kind.CLOCK, ALL, 3),
    *((Kind.RENEW, name, 1) for name in (WEB, *WORKERS, BEAT)),
    (Kind.DEPLOY, RULESET, 4),
)
"""Each kind and target, with its weight."""


def make_schedule(seed: int, faults: int) -> list[Fault]:
    """Return that many faults in order; at least once, Redis is killed and tasks are doubled."""
    random = Random(f"schedule {seed}")
    chosen = random.choices(CHOICES, weights=[weight for *_, weight in CHOICES], k=faults)
    killed, doubled = random.sample(range(faults), 2)
    chosen[killed], chosen[doubled] = (Kind.KILL, REDIS, 0), (Kind.DOUBLE, REDIS, 0)
    moments = sorted(random.uniform(0.02, 0.95) for _ in range(faults))
    return [
        Fault(at, kind, target, _seconds(random, kind), random.random())
        for at, (kind, target, _) in zip(moments, chosen, strict=True)
    ]


def _seconds(random: Random, kind: Kind) -> float:
    """Return a length below or above the limits of the run: a pause may end in a killed child, a delay in a broken answer."""
    return random.uniform(0.2, 4.0) if kind in (Kind.PAUSE, Kind.CLOCK) else random.uniform(0.1, 1.5)
