"""Print urgent results, and those that a human must look at now, until SIGTERM."""

import os
import signal

from triage_rules.consumer import Consumer, Event

url = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")
consumer = Consumer(url, group="ward-7", levels=["urgent"])
signal.signal(signal.SIGTERM, lambda *_: consumer.stop())


def handle(event: Event) -> None:
    """Act on one result. If this raises, the result comes again later."""
    print(event.subject, event.level.word if event.level is not None else "human review now", flush=True)


consumer.run(handle)
