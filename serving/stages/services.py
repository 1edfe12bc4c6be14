"""The stages' gRPC services: thin translations, one class for each service of plane.proto."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import grpc.aio

from serving.errors import NacreError, SessionNotFoundError
from serving.sessions.contract import LeaveAsked, LinkEnded, TakenSnapshot
from serving.sessions.snapshot import unpack
from serving.sessions.tensor_bytes import TensorBytesError, to_bytes
from serving.stages import codec
from serving.stages.encoder import EncoderStage
from serving.stages.stage import Stage
from serving.stages.transformer import DecoderPlace, TransformerStage, WorkerSession
from serving.wire import plane_pb2 as wire
from serving.wire import plane_pb2_grpc as wire_grpc

logger = logging.getLogger(__name__)

RunContext = grpc.aio.ServicerContext[wire.RunRequest, wire.RunResponse]


class EncoderService(wire_grpc.EncoderServiceServicer):
    def __init__(self, stage: EncoderStage) -> None:
        self._stage = stage

    async def EncodeText(self, request: wire.EncodeTextRequest, context: object) -> wire.EncodeTextResponse:  # noqa: N802
        return wire.EncodeTextResponse(tensors=to_bytes(await self._stage.encode_text(request.text)))

    async def EncodeImage(self, request: wire.EncodeImageRequest, context: object) -> wire.EncodeImageResponse:  # noqa: N802
        image_HWC = codec.picture_from_wire(request.picture)
        return wire.EncodeImageResponse(tensors=to_bytes(await self._stage.encode_image(image_HWC)))


class TransformerService(wire_grpc.TransformerServiceServicer):
    def __init__(self, stage: TransformerStage, worker_id: str) -> None:
        self._stage = stage
        self._worker_id = worker_id

    async def Run(  # noqa: N802  # pyright: ignore[reportIncompatibleMethodOverride]  # writes as it goes
        self, request_iterator: AsyncIterator[wire.RunRequest], context: RunContext
    ) -> None:
        """One session, from its `open` until either side breaks the stream."""
        requests = aiter(request_iterator)
        first = await anext(requests, None)
        if first is None or first.WhichOneof("message") != "open":
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the first request must be `open`")
        try:
            await self._run(first.open, requests, context)
        except NacreError as error:
            await context.abort(error.status, error.message, ((codec.REASON_KEY, error.reason),))
        except TensorBytesError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))

    async def Drain(self, request: wire.DrainRequest, context: object) -> wire.DrainResponse:  # noqa: N802
        return wire.DrainResponse(num_sessions=self._stage.ask_to_leave())

    async def _run(self, message: wire.Open, requests: AsyncIterator[wire.RunRequest], context: RunContext) -> None:
        snapshot = unpack(message.snapshot) if message.snapshot else None
        places = [
            DecoderPlace(address=place.address, stages=frozenset(Stage(name) for name in place.stages))
            for place in message.decoders
        ]
        async with (
            self._stage.session(codec.opening_from_wire(message), places, snapshot) as session,
            asyncio.TaskGroup() as tasks,
        ):
            follower = tasks.create_task(_follow(requests, session))
            opened = wire.Opened(next_chunk_idx=session.next_chunk_idx, worker_id=self._worker_id)
            await context.write(wire.RunResponse(opened=opened))
            await _answer(session, context)
            follower.cancel()


async def _follow(requests: AsyncIterator[wire.RunRequest], session: WorkerSession) -> None:
    """Do what the gateway asks until it closes its side."""
    try:
        async for request in requests:
            match request.WhichOneof("message"):
                case "grant":
                    session.grant(request.grant)
                case "control":
                    session.post(codec.control_from_wire(request.control))
                case "take_snapshot":
                    session.take_snapshot(codec.snapshot_request_from_wire(request.take_snapshot))
    except SessionNotFoundError:
        pass  # it ended meanwhile; that is among the events
    except ValueError:
        logger.exception("a gateway sent what this worker does not understand")
    session.events.end()


async def _answer(session: WorkerSession, context: RunContext) -> None:
    """Tell the gateway what happens until the session is over."""
    while (event := await session.events.get()) is not None:
        match event:
            case LinkEnded(reason=reason, message=message):
                await context.write(wire.RunResponse(ended=wire.Ended(reason=reason, message=message)))
                return
            case TakenSnapshot():
                await context.write(codec.taken_snapshot_to_wire(event))
            case LeaveAsked():
                await context.write(wire.RunResponse(leave=wire.Leave()))
            case outcomes:
                await context.write(codec.outcomes_to_wire(outcomes))
