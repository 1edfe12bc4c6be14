"""From the worker to all who see a session: each chunk is encoded once for each pair of codecs, and shown when it is
due."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor, Future

from model.interface import ModelInfo
from serving.gateway.arrivals import Arrival, ArrivalQueue
from serving.gateway.audience import Audience
from serving.gateway.config import GatewayConfig
from serving.gateway.media_channel import Codecs, EncodedChunk, MediaChannel
from serving.gateway.pacing import hold_s, is_late
from serving.gateway.seats import Seat, Shown
from serving.sessions.contract import DecodedChunk


class Broadcast:
    """Runs while somebody drives. Goes as fast as the quickest of those who do, and waits for nobody else."""

    def __init__(
        self,
        info: ModelInfo,
        arrivals: ArrivalQueue,
        audience: Audience,
        config: GatewayConfig,
        executor: Executor,
        clock: Callable[[], float],
    ) -> None:
        self.attached_s = 0.0  # when the last one came who found nobody driving
        self._info = info
        self._arrivals = arrivals
        self._audience = audience
        self._config = config
        self._executor = executor
        self._clock = clock
        self._channels: dict[Codecs, MediaChannel] = {}
        self._woken = asyncio.Event()

    @property
    def num_channels(self) -> int:
        return len(self._channels)

    def take_seat(self, codecs: Codecs, credit: int, *, is_anew: bool = False) -> Seat:
        """`is_anew`: nobody drove until now, and whoever comes is to miss nothing."""
        channel = self._channels.get(codecs)
        if channel is None:
            channel = self._channels[codecs] = MediaChannel(codecs, self._info, self._config.media)
        elif is_anew:
            channel.begin_anew()
        channel.num_listeners += 1
        return Seat(channel, channel.join(self._arrivals.num_taken), credit)

    def leave_seat(self, seat: Seat) -> None:
        """Encoders that nobody listens to are no use to whoever comes later."""
        channel = seat.channel
        channel.num_listeners -= 1
        if channel.num_listeners == 0 and self._channels.get(channel.codecs) is channel:
            del self._channels[channel.codecs]

    def show_whole(self, seat: Seat) -> None:
        """As for somebody who comes now: a keyframe, and no more of them than latecomers cost."""
        seat.channel.join(self._arrivals.num_taken)

    def rewind(self) -> None:
        for channel in self._channels.values():
            channel.begin_anew()
        self.wake()

    def wake(self) -> None:
        """A chunk came, or somebody can take one, or more may be asked for."""
        self._woken.set()

    async def run(self, refill: Callable[[int], Awaitable[None]]) -> None:
        """For ever. `refill` lets the workers as far ahead as a credit reaches."""
        while True:
            self._woken.clear()
            await refill(self._audience.credit)
            arrival = self._arrivals.first
            if arrival is not None and self._audience.can_take:
                await self._show(arrival)
            else:
                await self._woken.wait()

    async def _show(self, arrival: Arrival) -> None:
        """Encode as soon as it is there, show when it is due."""
        chunk = arrival.chunk
        encoded: dict[Codecs, EncodedChunk] = {}
        encoding = self._start_encoding(chunk, encoded)
        await asyncio.sleep(hold_s(chunk.due_s, self._clock()))
        while encoding:  # and what is missing then, for those who came meanwhile
            for codecs, future in encoding.items():
                encoded[codecs] = await _result(future)
            encoding = self._start_encoding(chunk, encoded)
        if self._arrivals.first is not arrival or not self._audience.can_take:
            return  # it went back, or nobody drives any more
        late = is_late(chunk.due_s, self.attached_s, self._clock(), self._config.late_tolerance_s)
        self._arrivals.take()
        self._audience.show(Shown(arrival, encoded, late))

    def _start_encoding(
        self, chunk: DecodedChunk, encoded: dict[Codecs, EncodedChunk]
    ) -> dict[Codecs, Future[EncodedChunk]]:
        """In every pair of codecs that `encoded` lacks."""
        missing = [channel for channel in self._channels.values() if not _has(encoded, channel)]
        return {channel.codecs: self._executor.submit(channel.encoding(chunk)) for channel in missing}


async def _result(future: Future[EncodedChunk]) -> EncodedChunk:
    """Of one that is done, without waking the loop a second time."""
    return future.result() if future.done() else await asyncio.wrap_future(future)


def _has(encoded: dict[Codecs, EncodedChunk], channel: MediaChannel) -> bool:
    made = encoded.get(channel.codecs)
    return made is not None and made.generation == channel.generation
