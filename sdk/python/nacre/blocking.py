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
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import grpc

import nacre
from nacre import access
from nacre.admin import Worker
from nacre.books import AuditEntry, Quote, Usage
from nacre.credentials import Tls, Token
from nacre.errors import NacreError, Timeout
from nacre.hands import Hands
from nacre.image import ImageSource
from nacre.media import Chunk, MediaFormat
from nacre.queueing import Limits, OnQueue, Quota, Reservation
from nacre.receipt import Outcome
from nacre.records import (
    Branch,
    Capabilities,
    Difference,
    Rewind,
    SavedWorld,
    SessionRecord,
    SessionSummary,
    ShareLink,
)
from nacre.resume import ResumePolicy
from nacre.sharing import Grant
from nacre.when import When

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

    @property
    def session_id(self) -> str:
        return self._world.session_id

    @property
    def end(self) -> NacreError | None:
        """Why no more chunks will come; None while they will."""
        return self._world.end

    @property
    def next_chunk_index(self) -> int:
        """The first chunk of the current attachment."""
        return self._world.next_chunk_index

    @property
    def num_attachments(self) -> int:
        return self._world.num_attachments

    @property
    def go_away(self) -> nacre.GoAway | None:
        return self._world.go_away

    @property
    def rewinds(self) -> Sequence[Rewind]:
        """What the session went back to while this world was entered; chunks count from there again."""
        return tuple(self._world.rewinds)

    @property
    def client_id(self) -> str:
        return self._world.client_id

    @property
    def role(self) -> str:
        """As the service has it, once it is entered."""
        return self._world.role

    @property
    def in_control(self) -> bool:
        return self._world.in_control

    @property
    def hands(self) -> Hands | None:
        """The last that was told; those who look on are not told."""
        return self._world.hands

    def move(self, *, forward: float = 0.0, strafe: float = 0.0, when: When | None = None) -> Receipt:
        return self._send(lambda: self._world.move(forward=forward, strafe=strafe, when=when))

    def look(self, *, yaw: float = 0.0, pitch: float = 0.0, when: When | None = None) -> Receipt:
        return self._send(lambda: self._world.look(yaw=yaw, pitch=pitch, when=when))

    def say(self, text: str, *, when: When | None = None) -> Receipt:
        return self._send(lambda: self._world.say(text, when=when))

    def show(self, image: ImageSource, *, when: When | None = None) -> Receipt:
        return self._send(lambda: self._world.show(image, when=when))

    def perspective(self, perspective: str, *, when: When | None = None) -> Receipt:
        return self._send(lambda: self._world.perspective(perspective, when=when))

    def camera(self, move: str, *, when: When | None = None) -> Receipt:
        return self._send(lambda: self._world.camera(move, when=when))

    def cancel(self, control: Receipt | str) -> Receipt:
        """As `nacre.World.cancel`."""
        control_id = control if isinstance(control, str) else control.control_id
        return self._send(lambda: self._world.cancel(control_id))

    def ask_control(self) -> Receipt:
        return self._send(self._world.ask_control)

    def give_control(self, client_id: str = "") -> Receipt:
        return self._send(lambda: self._world.give_control(client_id))

    def take_control(self) -> Receipt:
        return self._send(self._world.take_control)

    def _send(self, verb: Callable[[], nacre.Receipt]) -> Receipt:
        return Receipt(self._loop, self._loop.call(verb))

    def __iter__(self) -> Iterator[Chunk]:
        return self

    def __next__(self) -> Chunk:
        chunk = self._loop.run(_next(self._world))
        if chunk is None:
            raise StopIteration
        return chunk


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
        role: str = "",
        client_id: str = "",
        stand_by: bool = False,
    ) -> World:
        """As `nacre.Session.enter`, for `with`."""

        def enter() -> nacre.World:
            return self._session.enter(
                video=video,
                audio=audio,
                buffer_chunks=buffer_chunks,
                resume=resume,
                attach_timeout_s=attach_timeout_s,
                role=role,
                client_id=client_id,
                stand_by=stand_by,
            )

        return World(self._loop, self._loop.call(enter))

    def state(self) -> SessionRecord:
        return self._loop.run(self._session.state())

    def end(self) -> SessionRecord:
        return self._loop.run(self._session.end())

    # --- its time ---

    def pause(self) -> SessionRecord:
        return self._loop.run(self._session.pause())

    def resume(self) -> SessionRecord:
        return self._loop.run(self._session.resume())

    def park(self) -> SessionRecord:
        return self._loop.run(self._session.park())

    def wake(self) -> SessionRecord:
        return self._loop.run(self._session.wake())

    def rewind(self, *, seconds: float | None = None, chunk_index: int | None = None) -> Rewind:
        return self._loop.run(self._session.rewind(seconds=seconds, chunk_index=chunk_index))

    def fork(self, *, chunk_index: int | None = None, label: str = "") -> Session:
        return Session(self._loop, self._loop.run(self._session.fork(chunk_index=chunk_index, label=label)))

    def branches(self) -> list[Branch]:
        return self._loop.run(self._session.branches())

    def diff(self, other: Session | str) -> Difference:
        return self._loop.run(self._session.diff(other if isinstance(other, str) else other.id))

    # --- what is kept of it ---

    def save(self, name: str, *, note: str = "", licence: str = "") -> SavedWorld:
        return self._loop.run(self._session.save(name, note=note, licence=licence))

    def export(self, *, exact: bool = False) -> bytes:
        return self._loop.run(self._session.export(exact=exact))

    def delete(self) -> None:
        self._loop.run(self._session.delete())

    def share(self, can: str, *, seconds: float | None = None) -> ShareLink:
        return self._loop.run(self._session.share(can, seconds=seconds))

    def share_links(self) -> list[ShareLink]:
        return self._loop.run(self._session.share_links())

    def revoke(self, link: ShareLink | str) -> None:
        self._loop.run(self._session.revoke(link))

    def __repr__(self) -> str:
        return repr(self._session)


class Keys:
    """Get it as `client.admin.keys`."""

    def __init__(self, loop: _Loop, keys: access.Keys) -> None:
        self._loop = loop
        self._keys = keys

    def create(
        self, role: str, *, tenant_id: str = "", name: str = "", lifetime_s: float | None = None
    ) -> access.ApiKey:
        return self._loop.run(self._keys.create(role, tenant_id=tenant_id, name=name, lifetime_s=lifetime_s))

    def list(self, *, tenant_id: str = "") -> Sequence[access.ApiKey]:
        return self._loop.run(self._keys.list(tenant_id=tenant_id))

    def revoke(self, key_id: str) -> access.ApiKey:
        return self._loop.run(self._keys.revoke(key_id))

    def rotate(self, key_id: str, *, grace_s: float = 24 * 3_600.0) -> access.ApiKey:
        return self._loop.run(self._keys.rotate(key_id, grace_s=grace_s))


class Tenants:
    """Get it as `client.admin.tenants`."""

    def __init__(self, loop: _Loop, tenants: access.Tenants) -> None:
        self._loop = loop
        self._tenants = tenants

    def create(self, tenant_id: str, *, name: str = "") -> access.Tenant:
        return self._loop.run(self._tenants.create(tenant_id, name=name))

    def list(self) -> Sequence[access.Tenant]:
        return self._loop.run(self._tenants.list())

    def suspend(self, tenant_id: str) -> access.Tenant:
        return self._loop.run(self._tenants.suspend(tenant_id))

    def restore(self, tenant_id: str) -> access.Tenant:
        return self._loop.run(self._tenants.restore(tenant_id))


class Admin:
    """What those who run the service do with it. Get it as `client.admin`."""

    def __init__(self, loop: _Loop, admin: nacre.Admin) -> None:
        self._loop = loop
        self._admin = admin
        self.keys = Keys(loop, admin.keys)
        self.tenants = Tenants(loop, admin.tenants)

    def workers(self) -> list[Worker]:
        return self._loop.run(self._admin.workers())

    def drain(self, worker_id: str) -> Worker:
        return self._loop.run(self._admin.drain(worker_id))

    def undrain(self, worker_id: str) -> Worker:
        return self._loop.run(self._admin.undrain(worker_id))

    def quotas(self) -> list[Quota]:
        return self._loop.run(self._admin.quotas())

    def set_quota(self, tenant_id: str, limits: Limits, *, weight: float | None = None) -> Quota:
        """As `nacre.Admin.set_quota`."""
        return self._loop.run(self._admin.set_quota(tenant_id, limits, weight=weight))

    def move(self, session: Session | str) -> None:
        self._loop.run(self._admin.move(session if isinstance(session, str) else session.id))


class Books:
    """What playing costs, what was used, and who did what. Get it as `client.books`."""

    def __init__(self, loop: _Loop, books: nacre.Books) -> None:
        self._loop = loop
        self._books = books

    def quote(self, seconds: float, *, viewers: int = 0) -> Quote:
        return self._loop.run(self._books.quote(seconds, viewers=viewers))

    def usage(self, *, session_id: str = "", world_id: str = "", month: str = "", tenant_id: str = "") -> Usage:
        return self._loop.run(
            self._books.usage(session_id=session_id, world_id=world_id, month=month, tenant_id=tenant_id)
        )

    def audit(self, *, limit: int = 50, session_id: str = "", refused_only: bool = False) -> list[AuditEntry]:
        return self._loop.run(self._books.audit(limit=limit, session_id=session_id, refused_only=refused_only))


class Client:
    """Use with `with`, or call `close`."""

    def __init__(self, connect: Callable[[], nacre.Client]) -> None:
        self._loop = _Loop()
        try:
            self._client = self._loop.call(connect)
        except BaseException:
            self._loop.stop()
            raise
        self.admin = Admin(self._loop, self._client.admin)
        self.books = Books(self._loop, self._client.books)

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

    def caller(self) -> access.Caller:
        return self._loop.run(self._client.caller())

    def mint_token(
        self,
        role: str = "player",
        *,
        lifetime_s: float = 600.0,
        session_id: str = "",
        world_id: str = "",
        max_session_s: float | None = None,
        max_cost: float | None = None,
        allowed_origins: Sequence[str] = (),
    ) -> access.ClientToken:
        """As `nacre.Client.mint_token`."""
        minted = self._client.mint_token(
            role,
            lifetime_s=lifetime_s,
            session_id=session_id,
            world_id=world_id,
            max_session_s=max_session_s,
            max_cost=max_cost,
            allowed_origins=allowed_origins,
        )
        return self._loop.run(minted)

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
        licence: str = "",
        arbitration: str = "single",
        idempotency_key: str = "",
        wait_s: float = 0.0,
        on_queue: OnQueue | None = None,
        reservation_id: str = "",
    ) -> Session:
        """As `nacre.Client.create`; `on_queue` is called on the client's own thread."""
        created = self._client.create(
            prompt=prompt,
            character=character,
            scene=scene,
            image=image,
            model=model,
            seed=seed,
            licence=licence,
            arbitration=arbitration,
            idempotency_key=idempotency_key,
            wait_s=wait_s,
            on_queue=on_queue,
            reservation_id=reservation_id,
        )
        return Session(self._loop, self._loop.run(created))

    def reserve(self, wait_s: float = 0.0, on_queue: OnQueue | None = None) -> Reservation:
        """As `nacre.Client.reserve`, awaited."""

        async def wait() -> Reservation:
            return await self._client.reserve(wait_s, on_queue)

        return self._loop.run(wait())

    def cancel_reservation(self, reservation_id: str) -> None:
        self._loop.run(self._client.cancel_reservation(reservation_id))

    def quota(self, tenant_id: str = "") -> Quota:
        return self._loop.run(self._client.quota(tenant_id))

    def session(self, session_id: str, resume_token: str = "") -> Session:
        return Session(self._loop, self._client.session(session_id, resume_token))

    def sessions(self, *, states: Sequence[str] = (), page_size: int = 50) -> Iterator[SessionSummary]:
        """As `nacre.Client.sessions`, a page at a time."""
        return self._each(self._client.sessions(states=states, page_size=page_size))

    def load(self, *, name: str = "", world_id: str = "") -> Session:
        return Session(self._loop, self._loop.run(self._client.load(name=name, world_id=world_id)))

    def worlds(self, *, name: str = "", page_size: int = 50) -> Iterator[SavedWorld]:
        """As `nacre.Client.worlds`, a page at a time."""
        return self._each(self._client.worlds(name=name, page_size=page_size))

    def import_world(self, data: bytes, name: str, *, note: str = "", licence: str = "") -> SavedWorld:
        return self._loop.run(self._client.import_world(data, name, note=note, licence=licence))

    def world_access(self, world_id: str) -> list[Grant]:
        return self._loop.run(self._client.world_access(world_id))

    def set_world_access(self, world_id: str, grants: Sequence[Grant]) -> list[Grant]:
        return self._loop.run(self._client.set_world_access(world_id, grants))

    def delete_world(self, world_id: str) -> None:
        self._loop.run(self._client.delete_world(world_id))

    def open_share(self, token: str) -> Session:
        return Session(self._loop, self._loop.run(self._client.open_share(token)))

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
