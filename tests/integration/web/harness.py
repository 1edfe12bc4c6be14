"""A gateway with its HTTP face, fake workers behind it, and how tests speak to it."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from nacre.v1 import access_pb2, library_pb2, session_pb2
from serving.access.config import AccessConfig
from serving.access.principal import DEFAULT_TENANT
from serving.access.roles import Role
from serving.catalogue.library import Library
from serving.catalogue.plane import catalogued
from serving.catalogue.storage import prepare_storage, storage_config
from serving.gateway.config import GatewayConfig
from serving.gateway.server import GatewayServer
from serving.web.config import WebConfig
from serving.web.server import WebServer
from tests.fakes import FakeWorldPlane
from tests.integration.durable.harness import Service
from tests.integration.gateway.harness import QUICK, WORLD, Recorder
from tests.integration.web.play_call import PlayCall

PROTO = {"content-type": "application/proto"}
SESSIONS = "/nacre.v1.SessionService/"
LIBRARY = "/nacre.v1.LibraryService/"
ACCESS = "/nacre.v1.AccessService/"


class End(NamedTuple):
    """How a socket's call ended."""

    document: dict[str, Any]
    close_code: int

    @property
    def reason(self) -> str:
        return reason_in(self.document)


def reason_in(document: Mapping[str, Any]) -> str:
    """Off the bytes of the details, as a client reads it."""
    info = error_details_pb2.ErrorInfo()
    for detail in document["details"]:
        if detail["type"] == info.DESCRIPTOR.full_name:
            value = detail["value"]
            info.ParseFromString(base64.b64decode(value + "=" * (-len(value) % 4)))
            assert detail["debug"]["reason"] == info.reason
    assert info.domain == "nacre"
    return info.reason


class Socket(PlayCall):
    """A call over a WebSocket."""

    def __init__(self, raw: ClientConnection, answer: type[Message] = session_pb2.PlayResponse) -> None:
        self.raw = raw
        self._answer = answer

    async def send(self, **message: Any) -> None:
        await self.raw.send(session_pb2.PlayRequest(**message).SerializeToString())

    async def receive(self) -> Message | End:
        data = await self.raw.recv()
        return await self._end(data) if isinstance(data, str) else self._answer.FromString(data)

    async def closed(self) -> int:
        """The close code, where nothing comes before."""
        try:
            data = await self.raw.recv()
        except ConnectionClosed as error:
            return error.rcvd.code if error.rcvd is not None else 1006
        raise AssertionError(f"before the close came {data!r}")

    async def _end(self, text: str) -> End:
        return End(json.loads(text), await self.closed())


@dataclass(frozen=True, kw_only=True)
class Site:
    server: GatewayServer
    web: WebServer
    plane: FakeWorldPlane
    metrics: Recorder
    http: httpx2.AsyncClient
    library: Library | None

    async def post(self, method: str, message: Message, **headers: str) -> httpx2.Response:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.post(method, content=message.SerializeToString(), headers={**PROTO, **given})

    async def create(self, **headers: str) -> session_pb2.CreateSessionResponse:
        request = session_pb2.CreateSessionRequest(world=WORLD)
        response = await self.post(SESSIONS + "CreateSession", request, **headers)
        assert response.status_code == 200, response.text
        return session_pb2.CreateSessionResponse.FromString(response.content)

    async def state(self, created: session_pb2.CreateSessionResponse, **headers: str) -> session_pb2.Session:
        request = session_pb2.GetSessionRequest(session_id=created.session.session_id)
        response = await self.post(SESSIONS + "GetSession", request, **headers)
        return session_pb2.GetSessionResponse.FromString(response.content).session

    @asynccontextmanager
    async def socket(
        self,
        path: str = "/v1/play",
        *,
        answer: type[Message] = session_pb2.PlayResponse,
        subprotocol: str = "nacre.v1",
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> AsyncIterator[Socket]:
        url = self.web.address.replace("http", "ws", 1) + path
        options = {"subprotocols": [subprotocol], "compression": None, "max_size": None, **options}
        async with connect(url, additional_headers=headers, **options) as raw:
            yield Socket(raw, answer)

    def key(self, role: Role = Role.OWNER) -> str:
        assert self.library is not None
        return self.library.keys.create(DEFAULT_TENANT, role)[1]

    async def mint(self, key: str, **order: Any) -> str:
        request = access_pb2.MintTokenRequest(**{"role": access_pb2.ROLE_PLAYER, **order})
        response = await self.post(ACCESS + "MintToken", request, authorization=f"Bearer {key}")
        return access_pb2.MintTokenResponse.FromString(response.content).token

    async def share(self, session_id: str, key: str) -> str:
        request = library_pb2.CreateShareLinkRequest(session_id=session_id, scope=library_pb2.SHARE_SCOPE_VIEW)
        response = await self.post(LIBRARY + "CreateShareLink", request, authorization=f"Bearer {key}")
        assert response.status_code == 200, response.text
        return library_pb2.CreateShareLinkResponse.FromString(response.content).token


@asynccontextmanager
async def site(
    *,
    web: WebConfig | None = None,
    plane: FakeWorldPlane | None = None,
    folder: Path | None = None,
    access: AccessConfig | None = None,
    verify: Any = True,
    **settings: Any,
) -> AsyncIterator[Site]:
    """With a `folder` sessions are kept, and with `access` callers are asked who they are."""
    plane, metrics = plane or FakeWorldPlane(info=QUICK), Recorder()
    async with AsyncExitStack() as stack:
        kept, config = plane, GatewayConfig(**{"port": 0, "drain_s": 0.05, **settings})
        catalogue = None
        if folder is not None:
            storage = storage_config(str(folder))
            prepare_storage(storage)
            kept = catalogue = await stack.enter_async_context(catalogued(plane, storage))
            config = GatewayConfig(**{"port": 0, "drain_s": 0.05, "access": access or AccessConfig(), **settings})
        server = GatewayServer(kept, config, metrics, catalogue=catalogue)
        face = WebServer(server, web or WebConfig(port=0), lambda: b"nacre_chunks_delivered_total 7\n")
        server.add_face(face)
        await stack.enter_async_context(server)
        http = await stack.enter_async_context(httpx2.AsyncClient(base_url=face.address, verify=verify, timeout=20))
        library = catalogue.library if catalogue is not None else None
        yield Site(server=server, web=face, plane=plane, metrics=metrics, http=http, library=library)


@asynccontextmanager
async def beside(service: Service) -> AsyncIterator[Site]:
    """The HTTP face of a service that runs, with real workers."""
    web = WebServer(service.server, WebConfig(port=0))
    service.server.add_face(web)
    await web.start()
    async with httpx2.AsyncClient(base_url=web.address, timeout=20) as http:
        yield Site(
            server=service.server,
            web=web,
            plane=FakeWorldPlane(),
            metrics=Recorder(),
            http=http,
            library=service.plane.library,
        )


def asking(folder: Path) -> AccessConfig:
    """Callers are asked who they are."""
    return AccessConfig(is_on=True, own_key_file=str(folder / "signing.key"))
