"""A connection to a worker, whichever way its bytes go: by a plain socket, or inside a gRPC stream.

host:port          a socket of the worker's own (see stream.py): the cheapest for a message
grpc:host:port     its gRPC server, where nothing else can pass: a mesh, a proxy, a policy of one port
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from google.protobuf.message import Message

from serving.stages.stream import connect_stream

GRPC_SCHEME = "grpc:"


class Pipe(Protocol):
    """One end. Used on the event loop; no method waits."""

    def send(self, message: Message) -> None:
        """Does nothing once the connection is closed."""
        ...

    def send_bytes(self, data: bytes) -> None: ...

    def close(self) -> None:
        """After what was sent has left. Safe to call twice."""
        ...


class PipeHandler(Protocol):
    """What one end does with its connection. Called on the event loop."""

    def received(self, stream: Pipe, data: bytes) -> None:
        """One whole message. `DecodeError` and `ValueError` close the connection."""
        ...

    def lost(self) -> None:
        """The connection is closed, by either side. Called once; nothing follows."""
        ...


async def connect_pipe(address: str, handler: PipeHandler, secret: str = "") -> Pipe:
    """`secret`: what the worker asks for; empty for nothing. Raises OSError when nobody answers there."""
    if address.startswith(GRPC_SCHEME):
        from serving.stages.grpc_pipe import connect_grpc

        return await connect_grpc(address.removeprefix(GRPC_SCHEME), handler, secret)
    stream = await connect_stream(address, handler)
    if secret:
        stream.send_bytes(secret.encode())
    return stream


async def is_reached(address: str, timeout_s: float, secret: str = "") -> bool:
    """Whether a worker takes connections there."""
    try:
        async with asyncio.timeout(timeout_s):
            pipe = await connect_pipe(address, _Nobody(), secret)
    except (OSError, TimeoutError):
        return False
    pipe.close()
    return True


class _Nobody:
    """A `PipeHandler` of a connection that is closed at once."""

    def received(self, stream: Pipe, data: bytes) -> None:
        pass

    def lost(self) -> None:
        pass
