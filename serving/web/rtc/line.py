"""A data channel as a line of messages, both ways bounded."""

from __future__ import annotations

import asyncio

from aiortc import RTCDataChannel

from serving.errors import InvalidFieldError, NacreError, RateExceededError
from serving.web.rtc.fragments import Joiner, pieces_of

# A client that sends faster than it is listened to: nothing stops it underway, so it is let go.
MAX_READ_AHEAD = 256
# Of what waits to be sent, as for a WebSocket.
MAX_WAITING_BYTES = 65_536


class LineLostError(Exception):
    """The other side is gone."""


class DataLine:
    def __init__(self, channel: RTCDataChannel, max_message_bytes: int) -> None:
        self._channel = channel
        self._joiner = Joiner(max_message_bytes)
        self._arrived: asyncio.Queue[bytes | NacreError] = asyncio.Queue(MAX_READ_AHEAD + 1)
        self._has_room = asyncio.Event()
        self._is_lost = asyncio.Event()
        channel.bufferedAmountLowThreshold = MAX_WAITING_BYTES // 2
        channel.on("message", self._on_message)
        channel.on("bufferedamountlow", self._has_room.set)
        channel.on("close", self.lost)

    def lost(self) -> None:
        """Nothing comes or goes any more."""
        self._is_lost.set()
        self._has_room.set()

    def wish(self, message: bytes) -> None:
        """As if the client had sent it; left out where there is much to read anyway."""
        if self._arrived.qsize() < MAX_READ_AHEAD:
            self._arrived.put_nowait(message)

    async def wait_lost(self) -> None:
        await self._is_lost.wait()

    async def read(self) -> bytes:
        """The next message. Raises what is wrong with it."""
        message = await self._arrived.get()
        if isinstance(message, NacreError):
            raise message
        return message

    async def send(self, message: bytes) -> None:
        """Returns once there is room for another. Raises `LineLostError`."""
        for piece in pieces_of(message):
            await self._send(piece)

    async def finish(self, last_words: str) -> None:
        """Returns when all is sent. Raises `LineLostError`."""
        self._channel.bufferedAmountLowThreshold = 0
        await self._send(last_words)
        while self._channel.bufferedAmount > 0:
            await self._wait_for_room()

    async def _send(self, piece: bytes | str) -> None:
        while self._channel.bufferedAmount > MAX_WAITING_BYTES:
            await self._wait_for_room()
        if self._is_lost.is_set() or self._channel.readyState != "open":
            raise LineLostError
        self._channel.send(piece)

    async def _wait_for_room(self) -> None:
        self._has_room.clear()
        if self._is_lost.is_set():
            raise LineLostError
        await self._has_room.wait()

    def _on_message(self, piece: bytes | str) -> None:
        if self._arrived.qsize() > MAX_READ_AHEAD:
            return  # what is wrong waits there as the last
        try:
            if isinstance(piece, str):
                raise InvalidFieldError("messages are binary", field="message")
            message = self._joiner.add(piece)
            if self._arrived.qsize() == MAX_READ_AHEAD:
                raise RateExceededError(f"{MAX_READ_AHEAD} messages wait to be read", retry_after_s=1.0)
        except NacreError as error:
            self._arrived.put_nowait(error)
            return
        if message is not None:
            self._arrived.put_nowait(message)
