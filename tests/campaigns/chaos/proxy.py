"""A TCP proxy that cuts and delays on command: `proxy.py LISTEN_PORT TARGET_PORT`, commands on its standard input.

`cut 0.5` ends that share of the connections, in the middle of their data; `delay 0.2 1.5` holds each piece
back for up to 0.2 s for the next 1.5 s.
"""

from __future__ import annotations

import asyncio
import random
import sys
import threading
import time

HOST = "127.0.0.1"


class Delay:
    """The current delay: up to `most` seconds for each piece, until the monotonic time `until`."""

    most = 0.0
    until = 0.0

    def seconds(self) -> float:
        return random.uniform(0, self.most) if time.monotonic() < self.until else 0.0


class Side(asyncio.Protocol):
    """An end of a connection; the other end sends what this one receives."""

    def __init__(self, proxy: Proxy, other: Side | None = None) -> None:
        self.proxy = proxy
        self.other = other
        self.transport: asyncio.Transport | None = None
        self.early: list[bytes] = []
        self.not_before = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if self.other is None:
            self.other = Side(self.proxy, self)
            self.proxy.keep(asyncio.get_running_loop().create_task(self._connect(self.other)))
        else:
            self.proxy.connections.add(self)
            for data in self.other.early:
                transport.write(data)

    async def _connect(self, other: Side) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: other, HOST, self.proxy.target)
        except OSError:
            self.abort()

    def data_received(self, data: bytes) -> None:
        assert self.other is not None
        if self.other.transport is None:
            self.early.append(data)
            return
        now = asyncio.get_running_loop().time()
        # In their order, also when the delay ends while some are still held back.
        moment = max(self.not_before, now + self.proxy.delay.seconds())
        if moment <= now:
            self.other.transport.write(data)
        else:
            self.not_before = moment
            asyncio.get_running_loop().call_at(moment, self.other.transport.write, data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self.proxy.connections.discard(self)
        if self.other is not None:
            self.other.abort()

    def abort(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.abort()


class Proxy:
    """All connections and their faults."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.delay = Delay()
        self.connections: set[Side] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def keep(self, task: asyncio.Task[None]) -> None:
        """Hold a reference to the task until it is done, because the loop doesn't."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def obey(self, line: str) -> None:
        """Execute a command."""
        match line.split():
            case ["cut", share]:
                for side in list(self.connections):
                    if random.random() < float(share):
                        side.abort()
            case ["delay", most, seconds]:
                self.delay.most, self.delay.until = float(most), time.monotonic() + float(seconds)


async def serve(listen: int, target: int) -> None:
    """Until standard input ends."""
    loop, proxy, ended = asyncio.get_running_loop(), Proxy(target), asyncio.Event()
    server = await loop.create_server(lambda: Side(proxy), HOST, listen)

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(proxy.obey, line)
        loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=read, daemon=True).start()
    async with server:
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2])))
