"""The same client for scripts without asyncio.

    with nacre.blocking.connect("localhost:50051") as client:
        with client.create(prompt="a quiet street at dusk").enter(video="rgb") as world:
            world.move(forward=1.0)
            for chunk in world:
                ...

Each client runs the asynchronous one on a thread of its own. Its objects may be used from any thread, and their verbs
are those of the asynchronous ones, with the same parameters; they return when the verb is done.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from types import TracebackType
from typing import Self, TypeVar

import grpc

import nacre
from nacre import access, admin, books, client, receipt, recording, session, world
from nacre.credentials import Tls, Token
from nacre.errors import NacreError, Timeout
from nacre.faces import Face, Loop, awaited, awaited_as, called_as
from nacre.hands import Hands
from nacre.media import Chunk, MediaFormat
from nacre.queueing import OnQueue, Reservation
from nacre.receipt import Outcome
from nacre.records import Capabilities, Difference, Rewind, SavedWorld, SessionRecord, SessionSummary

T = TypeVar("T")


class Receipt(Face[receipt.Receipt]):
    """What a verb returns. It may be left alone."""

    @property
    def control_id(self) -> str:
        return self._of.control_id

    @property
    def is_settled(self) -> bool:
        return self._of.is_settled

    @property
    def outcome(self) -> Outcome | NacreError | None:
        return self._of.outcome

    def wait(self, timeout_s: float | None = None) -> Outcome:
        """The outcome, or the error it settled with. Raises `Timeout` if there is none in time."""

        async def settle() -> Outcome:
            try:
                async with asyncio.timeout(timeout_s):
                    return await self._of
            except TimeoutError:
                raise Timeout(f"no outcome within {timeout_s:g} s") from None

        return self._loop.run(settle())


class World(Face[world.World]):
    """Enter with `with session.enter()`; iterate for chunks."""

    def __enter__(self) -> Self:
        self._loop.run(self._of.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._loop.run(self._of.__aexit__(kind, error, traceback))

    @property
    def format(self) -> MediaFormat:
        return self._of.format

    @property
    def capabilities(self) -> Capabilities:
        return self._of.capabilities

    @property
    def session_id(self) -> str:
        return self._of.session_id

    @property
    def end(self) -> NacreError | None:
        """Why no more chunks will come; None while they will."""
        return self._of.end

    @property
    def next_chunk_index(self) -> int:
        """The first chunk of the current attachment."""
        return self._of.next_chunk_index

    @property
    def num_attachments(self) -> int:
        return self._of.num_attachments

    @property
    def go_away(self) -> nacre.GoAway | None:
        return self._of.go_away

    @property
    def quality(self) -> nacre.Quality | None:
        """What the world gets of a worker that cannot keep up; None while that is all."""
        return self._of.quality

    @property
    def num_dropped(self) -> int:
        """Chunks that came before anybody iterated, and were let go."""
        return self._of.num_dropped

    @property
    def rewinds(self) -> Sequence[Rewind]:
        """What the session went back to while this world was entered; chunks count from there again."""
        return tuple(self._of.rewinds)

    @property
    def client_id(self) -> str:
        return self._of.client_id

    @property
    def role(self) -> str:
        """As the service has it, once it is entered."""
        return self._of.role

    @property
    def in_control(self) -> bool:
        return self._of.in_control

    @property
    def hands(self) -> Hands | None:
        """The last that was told; those who look on are not told."""
        return self._of.hands

    move = called_as(world.World.move, Receipt)
    look = called_as(world.World.look, Receipt)
    say = called_as(world.World.say, Receipt)
    show = called_as(world.World.show, Receipt)
    perspective = called_as(world.World.perspective, Receipt)
    camera = called_as(world.World.camera, Receipt)
    ask_control = called_as(world.World.ask_control, Receipt)
    give_control = called_as(world.World.give_control, Receipt)
    take_control = called_as(world.World.take_control, Receipt)

    def cancel(self, control: Receipt | str) -> Receipt:
        """As `nacre.World.cancel`."""
        control_id = control if isinstance(control, str) else control.control_id
        return Receipt(self._loop, self._loop.call(lambda: self._of.cancel(control_id)))

    def __iter__(self) -> Iterator[Chunk]:
        return self

    def __next__(self) -> Chunk:
        chunk = self._loop.run(_next(self._of))
        if chunk is None:
            raise StopIteration
        return chunk


class Recording(Face[recording.Recording]):
    """Get it from `session.recording()` or `client.recording(session_id)`."""

    @property
    def info(self) -> nacre.RecordingInfo:
        return self._of.info

    save = awaited(recording.Recording.save)
    delete = awaited(recording.Recording.delete)


class Session(Face[session.Session]):
    """A session, from outside."""

    @property
    def id(self) -> str:
        return self._of.id

    @property
    def resume_token(self) -> str:
        return self._of.resume_token

    @property
    def record(self) -> SessionRecord | None:
        return self._of.record

    @property
    def capabilities(self) -> Capabilities | None:
        return self._of.capabilities

    enter = called_as(session.Session.enter, World)
    state = awaited(session.Session.state)
    end = awaited(session.Session.end)

    pause = awaited(session.Session.pause)
    resume = awaited(session.Session.resume)
    park = awaited(session.Session.park)
    wake = awaited(session.Session.wake)
    rewind = awaited(session.Session.rewind)
    branches = awaited(session.Session.branches)

    def fork(self, *, chunk_index: int | None = None, label: str = "") -> Session:
        """As `nacre.Session.fork`."""
        return Session(self._loop, self._loop.run(self._of.fork(chunk_index=chunk_index, label=label)))

    def diff(self, other: Session | str) -> Difference:
        """As `nacre.Session.diff`."""
        return self._loop.run(self._of.diff(other if isinstance(other, str) else other.id))

    save = awaited(session.Session.save)
    export = awaited(session.Session.export)
    recording = awaited_as(session.Session.recording, Recording)
    delete = awaited(session.Session.delete)
    share = awaited(session.Session.share)
    share_links = awaited(session.Session.share_links)
    revoke = awaited(session.Session.revoke)


class Keys(Face[access.Keys]):
    """Get it as `client.admin.keys`."""

    create = awaited(access.Keys.create)
    list = awaited(access.Keys.list)
    revoke = awaited(access.Keys.revoke)
    rotate = awaited(access.Keys.rotate)


class Tenants(Face[access.Tenants]):
    """Get it as `client.admin.tenants`."""

    create = awaited(access.Tenants.create)
    list = awaited(access.Tenants.list)
    suspend = awaited(access.Tenants.suspend)
    restore = awaited(access.Tenants.restore)


class Admin(Face[admin.Admin]):
    """What those who run the service do with it. Get it as `client.admin`."""

    def __init__(self, loop: Loop, of: admin.Admin) -> None:
        super().__init__(loop, of)
        self.keys = Keys(loop, of.keys)
        self.tenants = Tenants(loop, of.tenants)

    workers = awaited(admin.Admin.workers)
    drain = awaited(admin.Admin.drain)
    undrain = awaited(admin.Admin.undrain)
    quotas = awaited(admin.Admin.quotas)
    set_quota = awaited(admin.Admin.set_quota)

    def move(self, session: Session | str) -> str:
        """As `nacre.Admin.move`."""
        return self._loop.run(self._of.move(session if isinstance(session, str) else session.id))


class Books(Face[books.Books]):
    """What playing costs, what was used, and who did what. Get it as `client.books`."""

    quote = awaited(books.Books.quote)
    usage = awaited(books.Books.usage)
    audit = awaited(books.Books.audit)


class Client(Face[client.Client]):
    """Use with `with`, or call `close`."""

    def __init__(self, connect: Callable[[], client.Client]) -> None:
        loop = Loop()
        try:
            super().__init__(loop, loop.call(connect))
        except BaseException:
            loop.stop()
            raise
        self.admin = Admin(loop, self._of.admin)
        self.books = Books(loop, self._of.books)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._loop.run(self._of.close())
        self._loop.stop()

    wait_until_ready = awaited(client.Client.wait_until_ready)
    caller = awaited(client.Client.caller)
    mint_token = awaited(client.Client.mint_token)
    revoke_token = awaited(client.Client.revoke_token)
    capabilities = awaited(client.Client.capabilities)

    create = awaited_as(client.Client.create, Session)  # `on_queue` is called on the client's own thread
    load = awaited_as(client.Client.load, Session)
    open_share = awaited_as(client.Client.open_share, Session)
    session = called_as(client.Client.session, Session)
    recording = awaited_as(client.Client.recording, Recording)

    def reserve(self, wait_s: float = 0.0, on_queue: OnQueue | None = None) -> Reservation:
        """As `nacre.Client.reserve`, awaited."""

        async def wait() -> Reservation:
            return await self._of.reserve(wait_s, on_queue)

        return self._loop.run(wait())

    cancel_reservation = awaited(client.Client.cancel_reservation)
    quota = awaited(client.Client.quota)

    def sessions(self, *, states: Sequence[str] = (), page_size: int = 50) -> Iterator[SessionSummary]:
        """As `nacre.Client.sessions`, a page at a time."""
        return self._each(self._of.sessions(states=states, page_size=page_size))

    def worlds(self, *, name: str = "", page_size: int = 50) -> Iterator[SavedWorld]:
        """As `nacre.Client.worlds`, a page at a time."""
        return self._each(self._of.worlds(name=name, page_size=page_size))

    import_world = awaited(client.Client.import_world)
    world_access = awaited(client.Client.world_access)
    set_world_access = awaited(client.Client.set_world_access)
    delete_world = awaited(client.Client.delete_world)

    def _each(self, items: AsyncIterator[T]) -> Iterator[T]:
        while (found := self._loop.run(_next(items))) is not None:
            yield found


async def _next(items: AsyncIterator[T]) -> T | None:
    return await anext(items, None)


def connect(
    address: str,
    *,
    api_key: str = "",
    token: Token = "",
    tls: Tls | bool = False,
    credentials: grpc.ChannelCredentials | None = None,
    timeout_s: float = 30.0,
) -> Client:
    """As `nacre.connect`, for `with`."""
    return Client(
        lambda: nacre.connect(
            address, api_key=api_key, token=token, tls=tls, credentials=credentials, timeout_s=timeout_s
        )
    )
