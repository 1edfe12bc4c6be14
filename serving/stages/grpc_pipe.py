"""The stages' messages inside a gRPC stream, for where a socket of one's own cannot pass."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable

import grpc
import grpc.aio
from google.protobuf.message import DecodeError, Message

from serving.stages.channels import CHANNEL_OPTIONS
from serving.stages.outbox import Outbox
from serving.stages.pipe import Pipe, PipeHandler
from serving.stages.secret import showing

logger = logging.getLogger(__name__)

SERVICE, METHOD = "nacre.internal.v1.StageService", "Stream"
# Messages are made and read at the ends, as those of the sockets are.
_as_is: Callable[[bytes], bytes] = bytes

MakeHandler = Callable[[Pipe], PipeHandler]


class _GrpcPipe:
    """One end's outgoing messages; bounded by the session's credit."""

    def __init__(self) -> None:
        self._messages: Outbox[bytes] = Outbox()
        self._is_closed = False

    def send(self, message: Message) -> None:
        self.send_bytes(message.SerializeToString())

    def send_bytes(self, data: bytes) -> None:
        if not self._is_closed:
            self._messages.put(data)

    def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._messages.end()

    async def messages(self) -> AsyncIterator[bytes]:
        """What is sent, until the pipe is closed."""
        while (message := await self._messages.get()) is not None:
            yield message


def _take(handler: PipeHandler, pipe: _GrpcPipe, data: bytes) -> bool:
    """Whether the handler understood."""
    try:
        handler.received(pipe, data)
    except (DecodeError, ValueError):
        logger.exception("a peer sent what this end does not understand")
        return False
    return True


async def connect_grpc(address: str, handler: PipeHandler, secret: str = "") -> Pipe:
    """Raises OSError when nobody answers there."""
    channel = grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS)
    try:
        await channel.channel_ready()
    except BaseException:
        await channel.close()
        raise
    pipe = _ClientPipe(channel, handler, secret)
    pipe.start()
    return pipe


class _ClientPipe(_GrpcPipe):
    def __init__(self, channel: grpc.aio.Channel, handler: PipeHandler, secret: str) -> None:
        super().__init__()
        self._secret = secret
        self._channel = channel
        self._handler = handler
        self._reader: asyncio.Task[None] | None = None

    def start(self) -> None:
        # Owned by the pipe: it ends when either side closes.
        self._reader = asyncio.create_task(self._read(), name="stage-pipe")

    async def _read(self) -> None:
        call = self._channel.stream_stream(
            f"/{SERVICE}/{METHOD}", request_serializer=_as_is, response_deserializer=_as_is
        )(self.messages(), metadata=showing(self._secret))
        try:
            async for data in call:
                if not _take(self._handler, self, data):
                    break
        except grpc.aio.AioRpcError as error:
            logger.debug("a worker's stream ended: %s", error.details())
        finally:
            self.close()
            call.cancel()
            self._handler.lost()
            await self._channel.close()


def stage_handlers(accept: MakeHandler) -> grpc.GenericRpcHandler:
    """For a worker's gRPC server; `accept` makes the handler of each connection."""

    async def stream(requests: AsyncIterator[bytes], context: grpc.aio.ServicerContext) -> None:
        pipe = _GrpcPipe()
        handler = accept(pipe)
        try:
            async with asyncio.TaskGroup() as tasks:
                reader = tasks.create_task(_read(requests, pipe, handler))
                async for message in pipe.messages():
                    await context.write(message)
                reader.cancel()
        finally:
            pipe.close()
            handler.lost()

    method = grpc.stream_stream_rpc_method_handler(stream, _as_is, _as_is)  # pyright: ignore[reportArgumentType]
    return grpc.method_handlers_generic_handler(SERVICE, {METHOD: method})


async def _read(requests: AsyncIterator[bytes], pipe: _GrpcPipe, handler: PipeHandler) -> None:
    """Until the other end closes, or says what makes no sense; then this end closes too."""
    async for data in requests:
        if not _take(handler, pipe, data):
            break
    pipe.close()
