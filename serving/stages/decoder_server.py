"""The decoder stage's socket server: one connection a session, from its transformer worker or to its gateway."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from functools import partial

from model.interface import Tensors
from serving.errors import NacreError
from serving.sessions.encoded import DecodedPart
from serving.stages import codec
from serving.stages.decoder import DecoderStage
from serving.stages.stream import MessageStream
from serving.wire import plane_pb2 as wire


class DecoderServer:
    """Listens from `start` to `close`."""

    def __init__(self, stage: DecoderStage) -> None:
        self._stage = stage
        self._connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None

    async def start(self, host: str) -> int:
        """On any free port; gives it."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, host, 0)
        return self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Close every connection. Safe to call twice."""
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.stream.close()

    def _accept(self) -> MessageStream:
        connection = _Connection(self._stage, self._connections)
        self._connections.add(connection)
        return connection.stream


class _Connection:
    """A session's, as transformer worker or as watcher. Listens to the stage on the decoder's thread."""

    def __init__(self, stage: DecoderStage, connections: set[_Connection]) -> None:
        self.stream = MessageStream(self)
        self._stage = stage
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self._opened_id = ""
        self._watched_id = ""

    # --- on the event loop ---

    def received(self, stream: MessageStream, data: bytes) -> None:
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
        elif kind == "read_caches" and self._opened_id:
            self._then(self._stage.snapshot(self._opened_id), self._send_snapshot)
        else:
            raise ValueError(f"{kind} out of turn")

    def lost(self) -> None:
        self._connections.discard(self)
        if self._opened_id:
            self._stage.close(self._opened_id)
        if self._watched_id:
            self._stage.unwatch(self._watched_id, self)

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
