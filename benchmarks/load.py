"""A light HTTP client for load: plain sockets and one thread, to leave the server most of the machine.

Closed loop: each connection sends as soon as it has an answer; that measures throughput. Open loop: requests are due at
fixed times, independent of earlier requests, and a request's time counts from then; that measures the wait, including
that of requests which a slow server delayed.
"""

from __future__ import annotations

import itertools
import json
import selectors
import socket
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

CONNECTIONS = 16
OPEN_CONNECTIONS = 64
ANSWER_SECONDS = 30.0


class Refused(Exception):
    """The server gave an unexpected answer."""


def request(path: str, body: str, kind: str = "application/json") -> bytes:
    """Return the bytes of a POST."""
    data = body.encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n\r\n"
    return head.encode() + data


@dataclass(slots=True)
class Connection:
    """A connection with one request at a time. `due`: when it was due; `got`: the received part of the answer."""

    port: int
    socket: socket.socket = field(init=False)
    due: float = 0.0
    sent: bytes = b""
    got: bytes = b""

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        """Open a new connection."""
        self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=ANSWER_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, asked: bytes) -> None:
        """Send; open a new connection once if the server closed an idle one."""
        self.sent, self.got = asked, b""
        try:
            self.socket.sendall(asked)
        except OSError:
            self.socket.close()
            self.open()
            self.socket.sendall(asked)

    def receive(self) -> bytes | None:
        """Return the body once it is complete. Raises Refused."""
        part = self.socket.recv(65_536)
        if not part:
            raise ConnectionResetError
        self.got += part
        head, blank, body = self.got.partition(b"\r\n\r\n")
        if not blank:
            return None
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        if len(body) < int(fields[b"content-length"]):
            return None
        if not head.startswith(b"HTTP/1.1 202"):
            raise Refused(head.split(b"\r\n")[0].decode())
        return body


def closed_loop(port: int, requests: Sequence[bytes], *, seconds: float = 0.0, count: int = 0) -> tuple[int, float]:
    """Send for `seconds`, or until `count` were sent; return the number of answers and the seconds. Raises Refused."""
    waiting = itertools.cycle(requests)
    watched = selectors.DefaultSelector()
    connections = [Connection(port) for _ in range(min(CONNECTIONS, count or CONNECTIONS))]
    begun = time.perf_counter()
    sent = answered = 0
    for connection in connections:
        watched.register(connection.socket, selectors.EVENT_READ, connection)
        connection.send(next(waiting))
        sent += 1
    while answered < sent:
        for key, _ in watched.select(ANSWER_SECONDS):
            connection = key.data
            if connection.receive() is None:
                continue
            answered += 1
            if sent < count if count else time.perf_counter() - begun < seconds:
                connection.send(next(waiting))
                sent += 1
    took = time.perf_counter() - begun
    for connection in connections:
        connection.socket.close()
    return answered, took


def open_loop(port: int, requests: Sequence[bytes], moments: Sequence[float]) -> dict[str, float]:
    """Send a request at each moment, in s from now; map the id in each answer to its due time (time.time()).

    Raises Refused.
    """
    return _OpenLoop(port, requests).run(moments)


def moments(rate: float, seconds: float, seed: object = "") -> list[float]:
    """Return random moments, `rate` a second, as for independent callers; at least one."""
    random, at = Random(f"{seed}"), 0.0
    found: list[float] = []
    while (at := at + random.expovariate(rate)) < seconds or not found:
        found.append(at)
    return found


class _OpenLoop:
    def __init__(self, port: int, requests: Sequence[bytes]) -> None:
        self._port = port
        self._requests = itertools.cycle(requests)
        self._watched = selectors.DefaultSelector()
        self._free: list[Connection] = []
        self._made = 0
        self._late: deque[float] = deque()
        self._due: dict[str, float] = {}
        self._open = 0

    def run(self, moments: Sequence[float]) -> dict[str, float]:
        begun = time.time()
        upcoming = deque(begun + at for at in moments)
        while upcoming or self._late or self._open:
            now = time.time()
            while upcoming and upcoming[0] <= now:
                self._late.append(upcoming.popleft())
            self._send_late()
            wait = max(0.0, upcoming[0] - time.time()) if upcoming else 1.0
            for key, _ in self._watched.select(wait):
                self._take(key.data)
        for connection in self._free:
            connection.socket.close()
        return self._due

    def _send_late(self) -> None:
        """Send requests that were due without a free connection; their time has been running."""
        while self._late:
            if not self._free:
                if self._made == OPEN_CONNECTIONS:
                    return
                self._made += 1
                self._free.append(Connection(self._port))
            connection = self._free.pop()
            connection.due = self._late.popleft()
            connection.send(next(self._requests))
            self._watched.register(connection.socket, selectors.EVENT_READ, connection)
            self._open += 1

    def _take(self, connection: Connection) -> None:
        before = connection.socket
        try:
            body = connection.receive()
        except ConnectionResetError:  # it was idle for too long, and closed as we sent
            self._watched.unregister(before)
            connection.open()
            connection.send(connection.sent)
            self._watched.register(connection.socket, selectors.EVENT_READ, connection)
            return
        if body is None:
            return
        self._watched.unregister(before)
        self._due[json.loads(body)["id"]] = connection.due
        self._open -= 1
        self._free.append(connection)
