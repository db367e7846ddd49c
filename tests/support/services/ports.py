"""Ports for the servers that tests start; test processes that run side by side don't get the same one."""

from __future__ import annotations

import random
import socket

_anywhere = random.SystemRandom()


def free_port() -> int:
    """A port that nobody listens on, and none of those that the kernel gives to outgoing connections.

    While the server of such a port is dead, a client that connects to it could be given that port, and meet itself.
    """
    while True:
        port = _anywhere.randrange(15_000, 32_000)
        with socket.socket() as tried:
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue  # taken
            return port
