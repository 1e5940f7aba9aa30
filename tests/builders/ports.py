"""Ports for servers that tests start."""

from __future__ import annotations

import random
import socket

BELOW = range(20_000, 32_000)  # the system gives none of these to a connection, which could take one before its server


def free_port() -> int:
    """A port of this machine on which nothing listens; its server may come a while later, and come again."""
    for port in random.SystemRandom().sample(BELOW, 100):
        with socket.socket() as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no port is free")
