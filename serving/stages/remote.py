"""The workers as a gateway reaches them: a `WorldPlane` for any set of processes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import grpc.aio
import numpy as np
from numpy.typing import NDArray

from model.interface import ModelInfo, Tensors
from serving.errors import CapacityExhaustedError, NacreError, SnapshotRefusedError, WorkerUnavailableError
from serving.sessions.contract import SessionSpec, SnapshotRequest
from serving.sessions.encoded import EncodedControl
from serving.sessions.tensor_bytes import from_bytes, optional_to_bytes
from serving.stages import codec
from serving.stages.channels import Channels
from serving.stages.encoder import EncodedText
from serving.stages.link import PlaneLink
from serving.stages.outbox import Outbox
from serving.stages.pipe import Pipe, connect_pipe
from serving.stages.placement import Placement, Placer
from serving.stages.rehearsal import rehearsal_spec, rehearse
from serving.stages.rooms import Rooms
from serving.wire import plane_pb2 as wire
from serving.wire import plane_pb2_grpc as wire_grpc

logger = logging.getLogger(__name__)

# The first chunk is generated while a session opens; a worker that takes longer is not well.
OPEN_TIMEOUT_S = 20.0
ENCODE_TIMEOUT_S = 10.0
# Closing waits for the worker's word that the slot is free, but not for a worker that is gone.
CLOSE_TIMEOUT_S = 2.0
# When a decoder's stream ends first, the transformer worker may be about to say why.
REASON_GRACE_S = 0.5


class GrpcEncoder:
    """An `EncoderClient` for a worker's data server."""

    def __init__(self, channels: Channels, address: str) -> None:
        self._stub = wire_grpc.EncoderServiceStub(channels.to(address))

    async def encode_text(self, text: str) -> EncodedText:
        with _as_our_errors():
            response = await self._stub.EncodeText(wire.EncodeTextRequest(text=text), timeout=ENCODE_TIMEOUT_S)
            told = tuple(response.understood.phrases) if response.HasField("understood") else None
            return EncodedText(from_bytes(response.tensors), told)

    async def encode_image(self, image_HWC: NDArray[np.uint8]) -> Tensors:
        request = wire.EncodeImageRequest(picture=codec.picture_to_wire(image_HWC))
        with _as_our_errors():
            response = await self._stub.EncodeImage(request, timeout=ENCODE_TIMEOUT_S)
            return from_bytes(response.tensors)


class Run:
    """The gateway's end of a session's connection to its transformer worker: a `WorkerPort`."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._pipe: Pipe | None = None
        self.responses: Outbox[wire.RunResponse] = Outbox()  # ends with the connection

    async def open(self, address: str, opening: wire.Open) -> wire.Opened:
        """Raises `WorkerUnavailableError`, or what the worker says."""
        try:
            self._pipe = await connect_pipe(address, self, self._secret)
        except OSError as error:
            raise WorkerUnavailableError(f"the transformer worker {address} does not answer") from error
        self._send(wire.RunRequest(open=opening))
        response = await self.responses.get()
        if response is None or response.WhichOneof("message") not in ("opened", "refused"):
            raise WorkerUnavailableError("the transformer worker did not open the session")
        if response.HasField("refused"):
            raise _our_error(response.refused)
        return response.opened

    def post(self, control: EncodedControl) -> None:
        self._send(wire.RunRequest(control=codec.control_to_wire(control)))

    def grant(self, chunks: int) -> None:
        self._send(wire.RunRequest(grant=chunks))

    def take_snapshot(self, request: SnapshotRequest) -> None:
        self._send(codec.snapshot_request_to_wire(request))

    def say_over(self) -> None:
        """The worker closes the connection once its slot is free."""
        self._send(wire.RunRequest(close=wire.Close()))

    def close(self) -> None:
        if self._pipe is not None:
            self._pipe.close()

    def received(self, stream: Pipe, data: bytes) -> None:
        self.responses.put(wire.StreamResponse.FromString(data).run)

    def lost(self) -> None:
        self.responses.end()

    def _send(self, request: wire.RunRequest) -> None:
        assert self._pipe is not None, "connected"
        self._pipe.send(wire.StreamRequest(run=request))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """What a link stands for."""

    session_id: str
    link: PlaneLink
    placement: Placement


@dataclass(frozen=True, slots=True, kw_only=True)
class _Streams:
    """What a session holds open."""

    run: Run
    watches: tuple[_Watch, ...]

    def close(self) -> None:
        self.run.close()
        for watch in self.watches:
            watch.close()


class _Watch:
    """The gateway's end of a decoder worker's connection."""

    def __init__(self, info: ModelInfo, secret: str) -> None:
        self._secret = secret
        self.link: PlaneLink | None = None  # set once every worker knows the session
        self._info = info
        self._stream: Pipe | None = None
        self._is_watching: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def open(self, address: str, session_id: str) -> None:
        """Raises `WorkerUnavailableError`."""
        try:
            self._stream = await connect_pipe(address, self, self._secret)
        except OSError as error:
            raise WorkerUnavailableError(f"decoder worker {address} does not answer") from error
        self._stream.send(wire.StreamRequest(watch=wire.Watch(session_id=session_id)))
        await self._is_watching

    def close(self) -> None:
        self.link = None
        if self._stream is not None:
            self._stream.close()

    def received(self, stream: Pipe, data: bytes) -> None:
        response = wire.StreamResponse.FromString(data)
        if response.WhichOneof("message") == "watching":
            if not self._is_watching.done():
                self._is_watching.set_result(None)
        elif self.link is not None:
            self.link.add_part(codec.part_from_wire(response.decoded, self._info))

    def lost(self) -> None:
        message = "a decoder worker closed the session"
        if not self._is_watching.done():
            self._is_watching.set_exception(WorkerUnavailableError(message))
        if self.link is not None:
            # The transformer worker may be about to say why.
            asyncio.get_running_loop().call_later(REASON_GRACE_S, self.link.end, "WORKER_LOST", message)


class RemotePlane:
    """A `WorldPlane`. Use `async with`: it ends its sessions at the end."""

    def __init__(self, info: ModelInfo, placer: Placer, secret: str = "") -> None:
        """`secret`: what its workers ask for."""
        self._secret = secret
        self._info = info
        self._placer = placer
        self._channels = Channels(secret)
        self._tasks = asyncio.TaskGroup()
        self._links: dict[PlaneLink, _Held] = {}  # those that hold slots
        self._rooms = Rooms(placer, secret)
        self._proven: set[Placement] = set()  # workers that chunks came from; a few bytes for each that ever was
        self._rehearsing = asyncio.Lock()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for link in list(self._links):
            link.end("SERVICE_STOPPING", "the service is stopping")
        # What went wrong in the block is not the tasks' business: they end by themselves.
        await self._tasks.__aexit__(None, None, None)
        await self._channels.close()

    @property
    def info(self) -> ModelInfo:
        return self._info

    async def open(self, spec: SessionSpec, snapshot: bytes = b"") -> PlaneLink:
        """Also goes on from a `snapshot` that a link took."""
        placement = self._rooms.take(spec.session_id) or await self._placer.place(spec.session_id)
        await self._until_let_go(spec.session_id, placement)
        encoder = GrpcEncoder(self._channels, placement.encoder)
        opening = await _opening_message(spec, encoder, placement, snapshot)
        streams = _Streams(
            run=Run(self._secret), watches=tuple(_Watch(self._info, self._secret) for _ in placement.decoders)
        )
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                opened = await _opened(streams, placement, opening)
        except TimeoutError as error:
            streams.close()
            raise WorkerUnavailableError("the workers did not open the session in time") from error
        except BaseException:
            streams.close()
            raise
        link = PlaneLink(
            encoder,
            streams.run,
            opened.next_chunk_idx,
            worker_id=opened.worker_id,
            shown_until=spec.shown_until,
        )
        for watch in streams.watches:
            watch.link = link
        self._links[link] = _Held(session_id=spec.session_id, link=link, placement=placement)
        self._tasks.create_task(self._serve(link, streams))
        return link

    async def make_room(self, session_id: str) -> None:
        await self._rooms.make(session_id, [held.placement for held in self._held(session_id)])

    async def rehearse(self, session_id: str, take_snapshot: Callable[[], Awaitable[bytes]]) -> None:
        """Without it where the workers have no place beside the one that is kept."""
        placement = self._rooms.find(session_id)
        async with self._rehearsing:  # one shows the way for all
            if placement is None or self._is_proven(placement):
                return
            snapshot, spec = await take_snapshot(), rehearsal_spec(self._info)
            self._rooms.keep(spec.session_id, placement)
            try:
                await rehearse(lambda: self.open(spec, snapshot))
            except CapacityExhaustedError:
                return
            except NacreError:
                self._rooms.take(session_id)
                raise

    def _is_proven(self, placement: Placement) -> bool:
        """Whether chunks came from these workers together."""
        playing = (held.placement for held in self._links.values() if held.link.has_played)
        return placement in self._proven or placement in playing

    async def _until_let_go(self, session_id: str, placement: Placement) -> None:
        """Of a session that moves to workers some of which it has: the one that goes must not meet the one that
        comes."""
        for held in self._held(session_id):
            if held.placement.shares_a_worker(placement):
                await held.link.close()

    def _held(self, session_id: str) -> list[_Held]:
        """Links of a session; more than one while it moves."""
        return [held for held in self._links.values() if held.session_id == session_id]

    async def _serve(self, link: PlaneLink, streams: _Streams) -> None:
        """Host a session's streams until it is over; then free its slots."""
        try:
            async with asyncio.TaskGroup() as tasks:
                run_reader = tasks.create_task(_read_run(streams.run, link))
                encoding = tasks.create_task(link.encode_instructions())
                await link.over()
                streams.run.say_over()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(CLOSE_TIMEOUT_S):
                        await asyncio.wait([run_reader])
                run_reader.cancel()
                encoding.cancel()
        except* Exception:
            logger.exception("session streams failed")
        finally:
            streams.close()
            link.end("WORKER_LOST", "the session's streams failed")  # of no effect if it is over
            link.released()
            placement = self._links.pop(link).placement
            if link.has_played:
                self._proven.add(placement)


async def _opening_message(spec: SessionSpec, encoder: GrpcEncoder, placement: Placement, snapshot: bytes) -> wire.Open:
    world = spec.world
    # What a session opened with is in its snapshot, or on record.
    is_restored = bool(snapshot) or spec.resume_from is not None
    text = "" if is_restored else world.text
    image_HWC = None if is_restored else world.image_HWC
    prompt = (await encoder.encode_text(text)).tensors if text else None
    image = None if image_HWC is None else await encoder.encode_image(image_HWC)
    decoders = [wire.DecoderAddress(address=place.address, stages=sorted(place.stages)) for place in placement.decoders]
    return wire.Open(
        session_id=spec.session_id,
        seed=world.seed,
        prompt_tensors=optional_to_bytes(prompt),
        image_tensors=optional_to_bytes(image),
        snapshot=snapshot,
        decoders=decoders,
        epoch=spec.epoch,
        resume_from=spec.resume_from,
        is_rewind=spec.is_rewind,
        due_s=spec.due_s,
        shown_until=spec.shown_until,
    )


async def _opened(streams: _Streams, placement: Placement, opening: wire.Open) -> wire.Opened:
    """Wait until every worker knows the session."""
    opened = await streams.run.open(placement.transformer, opening)
    for watch, place in zip(streams.watches, placement.decoders, strict=True):
        await watch.open(place.address, opening.session_id)
    return opened


async def _read_run(run: Run, link: PlaneLink) -> None:
    message = "the transformer worker closed the session"
    while (response := await run.responses.get()) is not None:
        match response.WhichOneof("message"):
            case "outcomes":
                link.add_outcomes(codec.outcomes_from_wire(response.outcomes))
            case "snapshot":
                link.add_snapshot(codec.taken_snapshot_from_wire(response.snapshot))
            case "leave":
                link.add_leave()
            case "ended":
                link.end(response.ended.reason, response.ended.message)
            case "refused":
                message = f"the transformer worker is gone: {response.refused.message}"
    link.end("WORKER_LOST", message)


@contextlib.contextmanager
def _as_our_errors():
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise WorkerUnavailableError(f"the encoder does not answer: {error.details()}") from error


def _our_error(refused: wire.Refused) -> NacreError:
    match refused.reason:
        case CapacityExhaustedError.reason:
            return CapacityExhaustedError(refused.message)
        case SnapshotRefusedError.reason:
            return SnapshotRefusedError(refused.message)  # no other worker would think better of it
        case _:
            return WorkerUnavailableError(f"the transformer worker does not answer: {refused.message}")
