"""Messages over a plain socket, each after its length: the frame path between processes.

Callbacks instead of tasks and queues: a chunk costs one wake-up on each side. What is sent
is bounded by the session's credit, so there is no flow control of its own.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from typing import Protocol, cast

from google.protobuf.message import DecodeError, Message

logger = logging.getLogger(__name__)

LENGTH = struct.Struct("<I")
# A snapshot's caches are the biggest; more than this is not one of ours. Text, read as a length, is more.
MAX_MESSAGE_BYTES = 1 << 28
# A peer whose machine vanished is noticed after the three together (idle, then two unanswered probes).
KEEPALIVE_OPTIONS = (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 3), ("TCP_KEEPCNT", 2))


class StreamHandler(Protocol):
    """What one end does with its connection. Called on the event loop."""

    def received(self, stream: MessageStream, data: bytes) -> None:
        """One whole message. `DecodeError` and `ValueError` close the connection."""
        ...

    def lost(self) -> None:
        """The connection is closed, by either side. Called once; nothing follows."""
        ...


class MessageStream(asyncio.Protocol):
    """One end of a connection."""

    def __init__(self, handler: StreamHandler) -> None:
        self._handler = handler
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self.max_message_bytes = MAX_MESSAGE_BYTES  # less as long as it is not known who is there

    def send(self, message: Message) -> None:
        """Returns at once. Does nothing once the connection is closed."""
        self.send_bytes(message.SerializeToString())

    def send_bytes(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(LENGTH.pack(len(data)) + data)

    def close(self) -> None:
        """After what was sent has left. Safe to call twice."""
        if self._transport is not None:
            self._transport.close()

    # --- asyncio.Protocol ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A stream socket's, though other event loops have classes of their own.
        self._transport = cast("asyncio.Transport", transport)
        _keep_alive(transport.get_extra_info("socket"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (message := self._take_message()) is not None:
            try:
                self._handler.received(self, message)
            except (DecodeError, ValueError):
                logger.exception("a peer sent what this end does not understand")
                self.close()
                return

    def connection_lost(self, exc: Exception | None) -> None:
        self._handler.lost()

    def _take_message(self) -> bytes | None:
        if len(self._buffer) < LENGTH.size:
            return None
        (length,) = LENGTH.unpack_from(self._buffer)
        if length > self.max_message_bytes:
            logger.error("a peer announced a message of %d bytes", length)
            self.close()
            return None
        end = LENGTH.size + length
        if len(self._buffer) < end:
            return None
        message = bytes(memoryview(self._buffer)[LENGTH.size : end])
        del self._buffer[:end]
        return message


async def connect_stream(address: str, handler: StreamHandler) -> MessageStream:
    """To `address` (host:port). Raises OSError when nobody answers there."""
    host, _, port = address.rpartition(":")
    loop = asyncio.get_running_loop()
    _, stream = await loop.create_connection(lambda: MessageStream(handler), host, int(port))
    return stream


def _keep_alive(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE_OPTIONS:
        if hasattr(socket, name):  # not every platform names all of them
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
