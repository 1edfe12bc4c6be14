"""Ports of this machine that nobody listens on."""

from __future__ import annotations

import socket

HOST = "127.0.0.1"


def free_port() -> int:
    """Nobody listens there now."""
    with socket.create_server((HOST, 0)) as listening:
        return listening.getsockname()[1]
