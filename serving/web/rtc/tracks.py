"""Packets that were encoded already, as a track of aiortc's: it makes RTP of them and encodes nothing."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

import av
from aiortc import MediaStreamTrack, RTCRtpSender

from serving.web.rtc.losses import Losses
from serving.web.rtc.seams import last_rtp_timestamp, numbers_sent_last, send_again

# Some seconds, should nobody fetch them: then the oldest go.
MAX_WAITING_PACKETS = 256
VIDEO_HZ, AUDIO_HZ = 90_000, 48_000
# Leaves at once, and then it is known which time it bears.
FIRST_PACKET_TIMEOUT_S = 2.0
MAX_TIMESTAMP = 0xFFFF_FFFF
# What a line loses it often loses in a row: what is sent twice is set apart by as much.
AGAIN_AFTER_S = 0.01


class _Due(NamedTuple):
    data: bytes
    ticks: int
    send_s: float


class PacketTrack(MediaStreamTrack):
    """Gives each packet when it is to leave."""

    def __init__(self, kind: str, clock: Callable[[], float]) -> None:
        """`clock`: of the event loop."""
        super().__init__()
        self.kind = kind
        self.rate_hz = VIDEO_HZ if kind == "video" else AUDIO_HZ
        self.sender: RTCRtpSender | None = None  # once there is one
        self._origin: int | None = None  # what its sender adds to the time of every packet
        self._has_sent = asyncio.Event()  # the first packet, whole
        self._given_ticks: int | None = None
        self._time_base = Fraction(1, self.rate_hz)
        self._clock = clock
        self.losses: Losses | None = None  # of lines whose losses are told
        self._packets: deque[_Due] = deque(maxlen=MAX_WAITING_PACKETS)
        self._has_some = asyncio.Event()

    def put(self, data: bytes, rtp_s: float, send_s: float) -> int:
        """Gives what its packets' time is, but for where it began to count."""
        ticks = round(rtp_s * self.rate_hz)
        self._packets.append(_Due(data, ticks, send_s))
        self._has_some.set()
        return ticks

    async def timestamp(self, ticks: int) -> int:
        """As its packets bear it. Raises TimeoutError where the first one does not leave."""
        if self._origin is None:
            async with asyncio.timeout(FIRST_PACKET_TIMEOUT_S):
                await self._has_sent.wait()
        assert self._origin is not None, "it is known once something was sent"
        return (self._origin + ticks) & MAX_TIMESTAMP

    async def recv(self) -> av.Packet:  # pyright: ignore[reportIncompatibleMethodOverride]
        if self._origin is None and self._given_ticks is not None and self.sender is not None:
            self._origin = last_rtp_timestamp(self.sender) - self._given_ticks  # the first one has just been sent
            self._has_sent.set()
        if self.losses is not None and self.losses.share and self._given_ticks is not None:
            await self._send_again(self.losses)
        while not self._packets:
            self._has_some.clear()
            await self._has_some.wait()
        due = self._packets.popleft()
        if (hold_s := due.send_s - self._clock()) > 0:
            await asyncio.sleep(hold_s)
        self._given_ticks = due.ticks
        packet = av.Packet(due.data)
        packet.pts, packet.time_base = due.ticks, self._time_base
        return packet

    async def _send_again(self, losses: Losses) -> None:
        """The picture that has just been sent, where it is worth that."""
        assert self.sender is not None, "something was sent"
        numbers = numbers_sent_last(self.sender)
        if not losses.is_worth_twice(len(numbers)):
            return
        await asyncio.sleep(AGAIN_AFTER_S)
        for number in numbers:
            await send_again(self.sender, number)
