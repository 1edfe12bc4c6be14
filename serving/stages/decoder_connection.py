"""A connection to the decoder stage: from a session's transformer worker, or to its gateway."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from functools import partial

from model.interface import Tensors
from serving.errors import NacreError
from serving.sessions.encoded import DecodedPart
from serving.stages import codec
from serving.stages.decoder import DecoderStage
from serving.stages.lanes import ReceivingLane, open_lane
from serving.stages.pipe import Pipe
from serving.wire import plane_pb2 as wire


class DecoderConnection:
    """A `StageConnection` that begins with `open` or `watch`. Listens to the stage on the decoder's thread."""

    def __init__(self, stage: DecoderStage, pipe: Pipe) -> None:
        self._stage = stage
        self._pipe = pipe
        self._loop = asyncio.get_running_loop()
        self._opened_id = ""
        self._watched_id = ""
        self._lane: ReceivingLane | None = None
        self._opening_lane: asyncio.Task[None] | None = None
        self._is_lost = False

    # --- on the event loop ---

    def received(self, request: wire.StreamRequest) -> None:
        kind = request.WhichOneof("message")
        if kind == "open" and not self._opened_id:
            self._open(request.open)
        elif kind == "watch" and not self._watched_id:
            self._watched_id = request.watch.session_id
            self._pipe.send(wire.StreamResponse(watching=wire.Watching()))
            self._stage.watch(self._watched_id, self)
        elif kind == "latents" and self._opened_id:
            self._stage.decode(self._opened_id, codec.latents_from_wire(request.latents))
        elif kind == "lane_latents" and self._opened_id and self._lane is not None:
            self._decode_from(self._lane, request.lane_latents)
        elif kind == "offer_lane" and self._opened_id and self._opening_lane is None:
            # Owned by the connection: it is short, and what it finds goes with the connection.
            self._opening_lane = asyncio.create_task(self._open_lane(request.offer_lane), name="open-lane")
        elif kind == "read_caches" and self._opened_id:
            self._then(self._stage.snapshot(self._opened_id), self._send_snapshot)
        else:
            raise ValueError(f"{kind} out of turn")

    def lost(self) -> None:
        self._is_lost = True
        self._close_lane()
        if self._opened_id:
            self._stage.close(self._opened_id)
        if self._watched_id:
            self._stage.unwatch(self._watched_id, self)

    async def _open_lane(self, offer: wire.OfferLane) -> None:
        self._lane = await open_lane(offer)
        if self._is_lost:
            self._close_lane()
        else:
            self._pipe.send(wire.StreamResponse(lane_answer=wire.LaneAnswer(is_taken=self._lane is not None)))

    def _close_lane(self) -> None:
        if self._lane is not None:
            self._lane.close()
            self._lane = None

    def _decode_from(self, lane: ReceivingLane, message: wire.LaneLatents) -> None:
        if lane.is_waiting:
            self._stage.decode_read(self._opened_id, partial(lane.read, message))
        else:
            self._stage.decode(self._opened_id, lane.read(message))

    def _open(self, message: wire.OpenDecoder) -> None:
        self._opened_id = message.session_id
        caches = codec.caches_from_wire(message.cache_tensors)
        opened = self._stage.open(message.session_id, message.seed, caches, self._refuse_threadsafe)
        self._then(opened, lambda _: self._pipe.send(wire.StreamResponse(opened=wire.DecoderOpened())))

    def _send_snapshot(self, answer: Future[dict[str, Tensors]]) -> None:
        caches = codec.caches_to_wire(answer.result())
        self._pipe.send(wire.StreamResponse(snapshot=wire.DecoderSnapshot(cache_tensors=caches)))

    def _then(self, answer: Future, do) -> None:
        """Do something with an answer of the decoder's thread, back on the loop; refuse when there is none."""
        answer.add_done_callback(lambda done: self._loop.call_soon_threadsafe(self._settle, done, do))

    def _settle(self, answer: Future, do) -> None:
        error = answer.exception()
        if error is None:
            do(answer)
        else:
            self._refuse(error.message if isinstance(error, NacreError) else "the decoder failed")

    def _refuse(self, message: str) -> None:
        self._pipe.send(wire.StreamResponse(refused=wire.Refused(message=message)))
        self._pipe.close()

    # --- on the decoder's thread ---

    def decoded(self, part: DecodedPart) -> None:
        self._loop.call_soon_threadsafe(self._pipe.send_bytes, codec.part_to_wire(part).SerializeToString())

    def closed(self) -> None:
        self._loop.call_soon_threadsafe(self._pipe.close)

    def _refuse_threadsafe(self, message: str) -> None:
        self._loop.call_soon_threadsafe(partial(self._refuse, message))
