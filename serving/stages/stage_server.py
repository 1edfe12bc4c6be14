"""Where a worker takes its stages' connections, one a session, by socket or inside gRPC."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Protocol

import grpc

from serving.stages.grpc_pipe import stage_handlers
from serving.stages.pipe import Pipe
from serving.stages.secret import MAX_GREETING_BYTES, is_shown
from serving.stages.stream import MAX_MESSAGE_BYTES, MessageStream
from serving.wire import plane_pb2 as wire

logger = logging.getLogger(__name__)

# Who is one of ours greets at once; strangers that say nothing take no sockets away.
GREETING_TIMEOUT_S = 5.0


class StageConnection(Protocol):
    """What a stage does with a connection. Called on the event loop."""

    def received(self, request: wire.StreamRequest) -> None:
        """`ValueError` closes the connection."""
        ...

    def lost(self) -> None:
        """The connection is closed, by either side. Called once; nothing follows."""
        ...


# By the kind of message that their connections begin with.
Accept = Mapping[str, Callable[[Pipe], StageConnection]]


class StageServer:
    """Listens from `start` to `close`. `secret`: what each of its sockets begins with; empty to ask for none."""

    def __init__(self, accept: Accept, secret: str = "") -> None:
        self._accept = accept
        self._secret = secret
        self._guests: set[_Guest] = set()
        self._server: asyncio.Server | None = None

    async def start(self, host: str) -> int:
        """On any free port; gives it."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._meet, host, 0)
        return self._server.sockets[0].getsockname()[1]

    @property
    def grpc_handlers(self) -> grpc.GenericRpcHandler:
        """For a gRPC server, which then takes connections too, and knows of whom."""
        return stage_handlers(self._meet_inside_grpc)

    async def close(self) -> None:
        """Close every connection. Safe to call twice."""
        if self._server is not None:
            self._server.close()
        for guest in list(self._guests):
            guest.stream.close()

    def _meet(self) -> MessageStream:
        guest = _Guest(self._accept, self._guests, self._secret)
        guest.stream = stream = MessageStream(guest)
        if self._secret:
            stream.max_message_bytes = MAX_GREETING_BYTES
            asyncio.get_running_loop().call_later(GREETING_TIMEOUT_S, guest.end_unless_greeted)
        return stream

    def _meet_inside_grpc(self, pipe: Pipe) -> _Guest:
        guest = _Guest(self._accept, self._guests, secret="")
        guest.stream = pipe
        return guest


class _Guest:
    """Whoever is at the other end of a connection."""

    stream: Pipe  # set by whoever accepts it

    def __init__(self, accept: Accept, guests: set[_Guest], secret: str) -> None:
        guests.add(self)
        self._accept = accept
        self._guests = guests
        self._secret = secret  # empty once it was shown
        self._connection: StageConnection | None = None

    def received(self, stream: Pipe, data: bytes) -> None:
        if self._secret:
            self._greeted(stream, data)
            return
        request = wire.StreamRequest.FromString(data)
        if self._connection is None:
            kind = request.WhichOneof("message")
            if kind is None or kind not in self._accept:
                raise ValueError(f"{kind} out of turn")
            self._connection = self._accept[kind](stream)
        self._connection.received(request)

    def _greeted(self, stream: Pipe, data: bytes) -> None:
        if not is_shown(data, self._secret):
            logger.warning("a stranger was turned away")
            stream.close()
            return
        self._secret = ""
        assert isinstance(stream, MessageStream), "sockets alone are asked"
        stream.max_message_bytes = MAX_MESSAGE_BYTES

    def end_unless_greeted(self) -> None:
        if self._secret:
            self.stream.close()

    def lost(self) -> None:
        self._guests.discard(self)
        if self._connection is not None:
            self._connection.lost()
