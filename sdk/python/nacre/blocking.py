"""The same client for scripts without asyncio.

    with nacre.blocking.connect("localhost:50051") as client:
        with client.create(prompt="a quiet street at dusk").enter(video="rgb") as world:
            world.move(forward=1.0)
            for chunk in world:
                ...

Each client runs the asynchronous one on a thread of its own. Its objects may be used from any thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar

import grpc

import nacre
from nacre.errors import NacreError, Timeout
from nacre.image import ImageSource
from nacre.media import Chunk, MediaFormat
from nacre.receipt import Outcome
from nacre.records import Capabilities, SessionRecord
from nacre.resume import ResumePolicy

T = TypeVar("T")


class _Loop:
    """An event loop on a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="nacre-blocking", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        finally:
            future.cancel()  # where the caller was interrupted

    def call(self, work: Callable[[], T]) -> T:
        async def run() -> T:
            return work()

        return self.run(run())

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Receipt:
    """What a verb returns. It may be left alone."""

    def __init__(self, loop: _Loop, receipt: nacre.Receipt) -> None:
        self._loop = loop
        self._receipt = receipt

    @property
    def control_id(self) -> str:
        return self._receipt.control_id

    @property
    def is_settled(self) -> bool:
        return self._receipt.is_settled

    @property
    def outcome(self) -> Outcome | NacreError | None:
        return self._receipt.outcome

    def wait(self, timeout_s: float | None = None) -> Outcome:
        """The outcome, or the error it settled with. Raises `Timeout` if there is none in time."""

        async def settle() -> Outcome:
            try:
                async with asyncio.timeout(timeout_s):
                    return await self._receipt
            except TimeoutError:
                raise Timeout(f"no outcome within {timeout_s:g} s") from None

        return self._loop.run(settle())


class World:
    """Enter with `with session.enter()`; iterate for chunks."""

    def __init__(self, loop: _Loop, world: nacre.World) -> None:
        self._loop = loop
        self._world = world

    def __enter__(self) -> Self:
        self._loop.run(self._world.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._loop.run(self._world.__aexit__(kind, error, traceback))

    @property
    def format(self) -> MediaFormat:
        return self._world.format

    @property
    def capabilities(self) -> Capabilities:
        return self._world.capabilities

    def move(self, *, forward: float = 0.0, strafe: float = 0.0) -> Receipt:
        return self._send(lambda: self._world.move(forward=forward, strafe=strafe))

    def look(self, *, yaw: float = 0.0, pitch: float = 0.0) -> Receipt:
        return self._send(lambda: self._world.look(yaw=yaw, pitch=pitch))

    def say(self, text: str) -> Receipt:
        return self._send(lambda: self._world.say(text))

    def show(self, image: ImageSource) -> Receipt:
        return self._send(lambda: self._world.show(image))

    def perspective(self, perspective: str) -> Receipt:
        return self._send(lambda: self._world.perspective(perspective))

    def camera(self, move: str) -> Receipt:
        return self._send(lambda: self._world.camera(move))

    def _send(self, verb: Callable[[], nacre.Receipt]) -> Receipt:
        return Receipt(self._loop, self._loop.call(verb))

    def __iter__(self) -> Iterator[Chunk]:
        return self

    def __next__(self) -> Chunk:
        chunk = self._loop.run(self._next())
        if chunk is None:
            raise StopIteration
        return chunk

    async def _next(self) -> Chunk | None:
        return await anext(self._world, None)


class Session:
    """A session, from outside."""

    def __init__(self, loop: _Loop, session: nacre.Session) -> None:
        self._loop = loop
        self._session = session

    @property
    def id(self) -> str:
        return self._session.id

    @property
    def resume_token(self) -> str:
        return self._session.resume_token

    @property
    def record(self) -> SessionRecord | None:
        return self._session.record

    @property
    def capabilities(self) -> Capabilities | None:
        return self._session.capabilities

    def enter(
        self,
        *,
        video: str = "h264",
        audio: str = "opus",
        buffer_chunks: int = 4,
        resume: bool | ResumePolicy = False,
        attach_timeout_s: float = 30.0,
    ) -> World:
        """As `nacre.Session.enter`, for `with`."""

        def enter() -> nacre.World:
            return self._session.enter(
                video=video,
                audio=audio,
                buffer_chunks=buffer_chunks,
                resume=resume,
                attach_timeout_s=attach_timeout_s,
            )

        return World(self._loop, self._loop.call(enter))

    def state(self) -> SessionRecord:
        return self._loop.run(self._session.state())

    def end(self) -> SessionRecord:
        return self._loop.run(self._session.end())


class Client:
    """Use with `with`, or call `close`."""

    def __init__(self, address: str, *, credentials: grpc.ChannelCredentials | None, timeout_s: float) -> None:
        self._loop = _Loop()
        self._client = self._loop.call(lambda: nacre.connect(address, credentials=credentials, timeout_s=timeout_s))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._loop.run(self._client.close())
        self._loop.stop()

    def wait_until_ready(self, timeout_s: float = 60.0) -> None:
        self._loop.run(self._client.wait_until_ready(timeout_s))

    def capabilities(self, model: str = "") -> Capabilities:
        return self._loop.run(self._client.capabilities(model))

    def create(
        self,
        *,
        prompt: str = "",
        character: str = "",
        scene: str = "",
        image: ImageSource | None = None,
        model: str = "",
        seed: int = 0,
        idempotency_key: str = "",
    ) -> Session:
        """As `nacre.Client.create`."""
        created = self._client.create(
            prompt=prompt,
            character=character,
            scene=scene,
            image=image,
            model=model,
            seed=seed,
            idempotency_key=idempotency_key,
        )
        return Session(self._loop, self._loop.run(created))

    def session(self, session_id: str, resume_token: str = "") -> Session:
        return Session(self._loop, self._client.session(session_id, resume_token))


def connect(address: str, *, credentials: grpc.ChannelCredentials | None = None, timeout_s: float = 30.0) -> Client:
    """As `nacre.connect`, for `with`."""
    return Client(address, credentials=credentials, timeout_s=timeout_s)
