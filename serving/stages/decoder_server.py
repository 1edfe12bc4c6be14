"""The decoder stage's connections: one a session, from its transformer worker or to its gateway, by socket or gRPC."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import Future
from functools import partial

import grpc

from model.interface import Tensors
from serving.errors import NacreError
from serving.sessions.encoded import DecodedPart
from serving.stages import codec
from serving.stages.decoder import DecoderStage
from serving.stages.grpc_pipe import decoder_handlers
from serving.stages.lanes import ReceivingLane, open_lane
from serving.stages.pipe import Pipe
from serving.stages.secret import MAX_GREETING_BYTES, is_shown
from serving.stages.stream import MAX_MESSAGE_BYTES, MessageStream
from serving.wire import plane_pb2 as wire

logger = logging.getLogger(__name__)

# Who is one of ours greets at once; strangers that say nothing take no sockets away.
GREETING_TIMEOUT_S = 5.0


class DecoderServer:
    """Listens from `start` to `close`. `secret`: what each of its sockets begins with; empty to ask for none."""

    def __init__(self, stage: DecoderStage, secret: str = "") -> None:
        self._stage = stage
        self._secret = secret
        self._connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None

    async def start(self, host: str) -> int:
        """On any free port; gives it."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, host, 0)
        return self._server.sockets[0].getsockname()[1]

    @property
    def grpc_handlers(self) -> grpc.GenericRpcHandler:
        """For a gRPC server, which then takes connections too, and knows of whom."""
        return decoder_handlers(self._accept_pipe)

    async def close(self) -> None:
        """Close every connection. Safe to call twice."""
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.stream.close()

    def _accept(self) -> MessageStream:
        connection = _Connection(self._stage, self._connections, self._secret)
        connection.stream = stream = MessageStream(connection)
        if self._secret:
            stream.max_message_bytes = MAX_GREETING_BYTES
            asyncio.get_running_loop().call_later(GREETING_TIMEOUT_S, connection.end_unless_greeted)
        return stream

    def _accept_pipe(self, pipe: Pipe) -> _Connection:
        connection = _Connection(self._stage, self._connections, secret="")
        connection.stream = pipe
        return connection


class _Connection:
    """A session's, as transformer worker or as watcher. Listens to the stage on the decoder's thread."""

    stream: Pipe  # set by whoever accepts it

    def __init__(self, stage: DecoderStage, connections: set[_Connection], secret: str) -> None:
        connections.add(self)
        self._secret = secret  # empty once it was shown
        self._stage = stage
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self._opened_id = ""
        self._watched_id = ""
        self._lane: ReceivingLane | None = None
        self._opening_lane: asyncio.Task[None] | None = None
        self._is_lost = False

    # --- on the event loop ---

    def received(self, stream: Pipe, data: bytes) -> None:
        if self._secret:
            self._greeted(stream, data)
            return
        request = wire.StreamRequest.FromString(data)
        kind = request.WhichOneof("message")
        if kind == "open" and not self._opened_id:
            self._open(request.open)
        elif kind == "watch" and not self._watched_id:
            self._watched_id = request.watch.session_id
            stream.send(wire.StreamResponse(watching=wire.Watching()))
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

    def _greeted(self, stream: Pipe, data: bytes) -> None:
        if not is_shown(data, self._secret):
            logger.warning("a stranger was turned away from the decoders")
            stream.close()
            return
        self._secret = ""
        assert isinstance(stream, MessageStream), "sockets alone are asked"
        stream.max_message_bytes = MAX_MESSAGE_BYTES

    def end_unless_greeted(self) -> None:
        if self._secret:
            self.stream.close()

    def lost(self) -> None:
        self._connections.discard(self)
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
            self.stream.send(wire.StreamResponse(lane_answer=wire.LaneAnswer(is_taken=self._lane is not None)))

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
        self._then(opened, lambda _: self.stream.send(wire.StreamResponse(opened=wire.DecoderOpened())))

    def _send_snapshot(self, answer: Future[dict[str, Tensors]]) -> None:
        caches = codec.caches_to_wire(answer.result())
        self.stream.send(wire.StreamResponse(snapshot=wire.DecoderSnapshot(cache_tensors=caches)))

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
        self.stream.send(wire.StreamResponse(refused=wire.Refused(message=message)))
        self.stream.close()

    # --- on the decoder's thread ---

    def decoded(self, part: DecodedPart) -> None:
        self._loop.call_soon_threadsafe(self.stream.send_bytes, codec.part_to_wire(part).SerializeToString())

    def closed(self) -> None:
        self._loop.call_soon_threadsafe(self.stream.close)

    def _refuse_threadsafe(self, message: str) -> None:
        self._loop.call_soon_threadsafe(partial(self._refuse, message))
