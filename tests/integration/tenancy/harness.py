"""Two tenants of one service, with everything that a tenant can have, and callers of every role."""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
from google.protobuf import message_factory
from google.protobuf.message import Message
from sqlalchemy import event, select

import nacre.v1
from nacre.v1 import access_pb2, admission_pb2, library_pb2, session_pb2
from serving.access.config import AccessConfig
from serving.access.roles import Role
from serving.admission.limits import AdmissionConfig
from serving.books.chain import Book
from serving.catalogue.schema import book_rows, metadata, places
from serving.gateway.config import GatewayConfig
from tests.integration.durable.harness import Service, service
from tests.integration.gateway.harness import WORLD, Refusal, read_refusal

TIMEOUT_S = 20.0
WORLD_NAME = "dusk"  # both tenants have a world of that name
KEY = "the-same-key"  # both use it
# Sessions that run use seconds, hold their places and are written into books.
BY_TIME = frozenset({"places", "session_seconds", "queue_turns", "books", "book_rows", "book_exports"})
# What a tenant's own calls leave behind, those that were refused as well.
BY_CALLS = BY_TIME | {"keyed_answers"}
Bearer = Sequence[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Belongings:
    """Of one tenant: ids and secrets, by what they are called in requests."""

    tenant_id: str
    session_id: str  # runs
    resume_token: str
    parked_id: str
    parked_token: str
    ended_id: str
    world_id: str
    share_id: str
    share_token: str  # lets see the session that runs
    sessions_cursor: str
    worlds_cursor: str
    key_id: str
    reservation_id: str
    minted_token: str

    @property
    def marks(self) -> list[str]:
        """What nobody else may come across."""
        names = {"sessions_cursor", "worlds_cursor"}
        return [value for name, value in vars(self).items() if name not in names]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Of one call, as far as it tells something: the name of the call itself is left out."""

    refusal: tuple[object, ...] = ()
    message: Message | None = None

    @property
    def reason(self) -> str:
        return str(self.refusal[1]) if self.refusal else "OK"


@dataclass(frozen=True, kw_only=True)
class Tenancy:
    running: Service
    channel: grpc.aio.Channel
    bearers: Mapping[tuple[str, Role], Bearer]
    statements: list[str] = field(default_factory=list)

    async def call(self, path: str, request: Message, bearer: Bearer) -> Answer:
        """Any method, by its name. Of a stream, the first message."""
        method = METHODS[path]
        response = message_factory.GetMessageClass(method.output_type)
        kind = f"{'stream' if method.client_streaming else 'unary'}_{'stream' if method.server_streaming else 'unary'}"
        call: Any = getattr(self.channel, kind)(
            path, request_serializer=type(request).SerializeToString, response_deserializer=response.FromString
        )
        sent = _once(request) if method.client_streaming else request
        answering = call(sent, metadata=bearer, timeout=TIMEOUT_S)
        try:
            if not method.server_streaming:
                return Answer(message=await answering)
            first = await answering.read()
            assert isinstance(first, response), f"{path} ended without a word"
            return Answer(message=first)
        except grpc.aio.AioRpcError as error:
            return Answer(refusal=_told(read_refusal(error)))
        finally:
            answering.cancel()

    async def ask(self, path: str, request: Message, tenant_id: str, role: Role = Role.OWNER) -> Any:
        """What must be answered."""
        answer = await self.call(path, request, self.bearers[tenant_id, role])
        assert answer.message is not None, (path, answer)
        return answer.message

    @contextmanager
    def watched(self) -> Iterator[list[str]]:
        """What the catalogue is asked meanwhile about whose something is."""
        self.statements.clear()
        seen: list[str] = []
        yield seen
        seen += [each for each in self.statements if any(name in each for name in ("world_access", "FROM shares"))]

    def rows(self, tenant_id: str, but: frozenset[str] = BY_TIME) -> dict[str, list[tuple[Any, ...]]]:
        """All that is on record of a tenant, table by table."""
        found = {}
        with self.running.plane.library.access.database.read() as connection:
            for table in metadata.sorted_tables:
                if "tenant_id" in table.c and table.name not in but:
                    query = select(table).where(table.c.tenant_id == tenant_id)
                    found[table.name] = sorted(map(_plain, connection.execute(query)), key=str)
        return found

    def subjects(self, tenant_id: str) -> set[str]:
        """Who did something, by the tenant's audit book."""
        is_told = (book_rows.c.tenant_id == tenant_id, book_rows.c.book == Book.AUDIT.value)
        with self.running.plane.library.access.database.read() as connection:
            query = select(book_rows.c.subject_id).where(*is_told, book_rows.c.subject_id.is_not(None)).distinct()
            return set(connection.execute(query).scalars())

    def has_reservation(self, reservation_id: str) -> bool:
        with self.running.plane.library.access.database.read() as connection:
            query = select(places.c.place_id).where(places.c.place_id == reservation_id)
            return connection.execute(query).one_or_none() is not None

    def keys(self, tenant_id: str) -> set[str]:
        return {f"key:{key.key_id}" for key in self.running.plane.library.keys.of(tenant_id)}


async def _once(request: Message) -> AsyncIterator[Message]:
    yield request


def _told(refusal: Refusal) -> tuple[object, ...]:
    return (refusal.code.name, refusal.reason, refusal.message, refusal.field, refusal.allowed, refusal.retry_after_s)


def _plain(row: Any) -> tuple[Any, ...]:
    """Without what its own worker and its own keys' use write all the time."""
    changing = {"updated_s", "lease_until_s", "last_used_s", "num_uses", "epoch", "owner"}
    return tuple((name, value) for name, value in row._mapping.items() if name not in changing)


def methods() -> dict[str, Any]:
    """Of every service there is a message for, by the name that the transport calls it."""
    found = {}
    for module in pkgutil.iter_modules(nacre.v1.__path__):
        if module.name.endswith("_pb2"):
            descriptor = importlib.import_module(f"nacre.v1.{module.name}").DESCRIPTOR
            for each in descriptor.services_by_name.values():
                found |= {f"/{each.full_name}/{method.name}": method for method in each.methods}
    return found


METHODS = methods()


@asynccontextmanager
async def tenancy(folder: Path, *tenant_ids: str, url: str = "") -> AsyncIterator[Tenancy]:
    """`url`: of an empty catalogue; SQLite in the folder when left out."""
    access = AccessConfig(is_on=True, own_key_file=str(folder / "signing.key"))
    # However busy the machine is, a place that was reserved stays so until the test is over.
    admission = AdmissionConfig(reservation_s=3_600.0)
    config = GatewayConfig(port=0, drain_s=0.1, access_check_s=0.05, access=access, admission=admission)
    async with service(folder, num_slots=12, config=config, url=url) as running:
        library, bearers = running.plane.library, {}
        for tenant_id in tenant_ids:
            library.tenants.create(tenant_id)
            for role in Role:
                _, text = library.keys.create(tenant_id, role)
                bearers[tenant_id, role] = [("authorization", f"Bearer {text}")]
        async with grpc.aio.insecure_channel(running.server.address) as channel:
            made = Tenancy(running=running, channel=channel, bearers=bearers)
            engine = library.access.database.engine
            listen = _listener(made.statements)
            event.listen(engine, "before_cursor_execute", listen)
            with contextlib.ExitStack() as stack:
                stack.callback(event.remove, engine, "before_cursor_execute", listen)
                yield made


def _listener(statements: list[str]) -> Any:
    def listen(connection: Any, cursor: Any, statement: str, *more: Any) -> None:
        statements.append(statement)

    return listen


async def belongings(tenancy: Tenancy, tenant_id: str) -> Belongings:
    """Made over the API, by the tenant's owner."""
    sessions, library = "/nacre.v1.SessionService", "/nacre.v1.LibraryService"
    reserving, minting = "/nacre.v1.AdmissionService/Reserve", "/nacre.v1.AccessService/MintToken"

    async def create(key: str = "") -> session_pb2.CreateSessionResponse:
        request = session_pb2.CreateSessionRequest(world=WORLD, idempotency_key=key)
        return await tenancy.ask(f"{sessions}/CreateSession", request, tenant_id)

    running, parked, ended = await create(KEY), await create(), await create()
    parked_id, ended_id = parked.session.session_id, ended.session.session_id
    await tenancy.ask(f"{sessions}/ParkSession", session_pb2.ParkSessionRequest(session_id=parked_id), tenant_id)
    await tenancy.ask(f"{sessions}/EndSession", session_pb2.EndSessionRequest(session_id=ended_id), tenant_id)
    session_id = running.session.session_id
    for name in (WORLD_NAME, f"{tenant_id}'s own"):
        saving = library_pb2.SaveWorldRequest(session_id=session_id, name=name)
        saved = await tenancy.ask(f"{library}/SaveWorld", saving, tenant_id)
    sharing = library_pb2.CreateShareLinkRequest(session_id=session_id, scope=library_pb2.SHARE_SCOPE_VIEW)
    link = await tenancy.ask(f"{library}/CreateShareLink", sharing, tenant_id)
    some = session_pb2.ListSessionsRequest(page_size=1)
    some_worlds = library_pb2.ListWorldsRequest(page_size=1)
    keys = tenancy.running.plane.library.keys.of(tenant_id)
    return Belongings(
        tenant_id=tenant_id,
        session_id=session_id,
        resume_token=running.resume_token,
        parked_id=parked_id,
        parked_token=parked.resume_token,
        ended_id=ended_id,
        world_id=saved.world.world_id,
        share_id=link.share_link.share_id,
        share_token=link.token,
        sessions_cursor=(await tenancy.ask(f"{sessions}/ListSessions", some, tenant_id)).next_page_token,
        worlds_cursor=(await tenancy.ask(f"{library}/ListWorlds", some_worlds, tenant_id)).next_page_token,
        key_id=next(key.key_id for key in keys if key.role is Role.PLAYER),
        reservation_id=(
            await tenancy.ask(reserving, admission_pb2.ReserveRequest(), tenant_id)
        ).reserved.reservation_id,
        minted_token=(await tenancy.ask(minting, access_pb2.MintTokenRequest(role="ROLE_VIEWER"), tenant_id)).token,
    )


NOWHERE = Belongings(
    tenant_id="nobody",
    session_id="s-000000000000000000",
    resume_token="A" * 32,
    parked_id="s-000000000000000001",
    parked_token="B" * 32,
    ended_id="s-000000000000000002",
    world_id="w-000000000000000000",
    share_id="share-0000000000000000",
    share_token="share-" + "C" * 43,
    sessions_cursor="bm90IGEgY3Vyc29y",
    worlds_cursor="bm90IGEgY3Vyc29y",
    key_id="000000000000",
    reservation_id="r-000000000000000000",
    minted_token="no.token.atall",
)
