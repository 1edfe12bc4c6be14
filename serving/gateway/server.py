"""The gateway's gRPC server: binds, answers, and stops without cutting anybody short."""

from __future__ import annotations

import asyncio
import errno
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Protocol, Self

import grpc
import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from nacre.v1 import (
    access_pb2,
    access_pb2_grpc,
    admin_pb2,
    admin_pb2_grpc,
    admission_pb2,
    admission_pb2_grpc,
    audit_pb2,
    audit_pb2_grpc,
    export_pb2,
    export_pb2_grpc,
    library_pb2,
    library_pb2_grpc,
    session_pb2,
    session_pb2_grpc,
    usage_pb2,
    usage_pb2_grpc,
)
from serving.access.authenticator import Authenticator
from serving.access.config import check_listening
from serving.access.tls import server_credentials
from serving.admission.desk import Desk
from serving.admission.interceptor import AdmissionInterceptor
from serving.admission.quota_admin import QuotaAdmin
from serving.admission.service import AdmissionService
from serving.books.bookkeeper import Bookkeeper
from serving.catalogue.plane import CataloguedPlane
from serving.export.recorder import Recorder
from serving.export.service import ExportService
from serving.gateway.access_service import AccessService
from serving.gateway.admin_service import AdminService
from serving.gateway.audit_service import AuditService
from serving.gateway.auditing import AuditInterceptor, AuditWitness
from serving.gateway.authentication import AuthenticationInterceptor
from serving.gateway.bookkeeping import make_bookkeeper
from serving.gateway.calls import Calls
from serving.gateway.config import GatewayConfig
from serving.gateway.doorkeeper import DoorInterceptor
from serving.gateway.interceptor import ErrorInterceptor
from serving.gateway.key_admin import KeyAdmin
from serving.gateway.letting_in import make_authenticator
from serving.gateway.library_service import LibraryService
from serving.gateway.metrics import GatewayMetrics, NoMetrics
from serving.gateway.play import Pools
from serving.gateway.recording import make_exports, make_recorder
from serving.gateway.registry import SessionRegistry
from serving.gateway.service import SessionService
from serving.gateway.usage_service import UsageService
from serving.gateway.verbs import SessionVerbs
from serving.sessions.contract import WorldPlane

logger = logging.getLogger(__name__)

SERVICE_NAMES = tuple(
    service.full_name
    for messages in (
        access_pb2,
        session_pb2,
        admission_pb2,
        library_pb2,
        admin_pb2,
        usage_pb2,
        audit_pb2,
        export_pb2,
    )
    for service in messages.DESCRIPTOR.services_by_name.values()
)
# For Ended to reach clients, and calls in flight to be answered, after the sessions are over.
STOP_GRACE_S = 2.0
# The transport cuts off without details what is beyond its limits; up to these we say what is wrong. So many calls
# are refused at once, and a message may be so much larger than what is taken.
REFUSED_CALLS = 64
REFUSED_BYTES = 8 << 20
# Clients may ask whether we live this often; more is answered with a GOAWAY of the transport.
MIN_CLIENT_PING_S = 5.0


class Face(Protocol):
    """Another way in to the same calls. Begins and ends with the server that it is added to."""

    async def start(self) -> None: ...

    def drain(self) -> None:
        """The sessions are about to end."""
        ...

    async def stop(self, grace_s: float) -> None:
        """They have ended: let those who wait for answers have them, for so long at most."""
        ...


class GatewayServer:
    """Owns the server, the sessions' tasks and the threads. Use `start` and `stop`, or `async with`."""

    def __init__(
        self,
        plane: WorldPlane,
        config: GatewayConfig | None = None,
        metrics: GatewayMetrics | None = None,
        clock: Callable[[], float] = time.time,
        is_traced: Callable[[str], bool] = lambda session_id: False,
        catalogue: CataloguedPlane | None = None,
    ) -> None:
        """`clock` must be the workers' (time.time); `is_traced` says by session id whether to sample it. Without a
        `catalogue` nothing is kept of sessions."""
        self._config = config or GatewayConfig()
        self._metrics = metrics or NoMetrics()
        self._clock = clock
        self._pools = Pools(
            media=ThreadPoolExecutor(self._config.num_media_threads, "gateway-media"),
            images=ThreadPoolExecutor(self._config.num_image_threads, "gateway-images"),
        )
        self._desk = Desk(catalogue.database if catalogue else None, self._config.admission, clock)
        self._registry = SessionRegistry(
            plane, self._config, self._metrics, clock, is_traced, catalogue, self._pools.media, self._desk
        )
        verbs = SessionVerbs(self._registry, catalogue, clock)
        self._bookkeeper = make_bookkeeper(
            catalogue,
            verbs,
            self._config.books,
            self._metrics,
            is_authenticated=self._config.access.is_on,
            clock=clock,
        )
        if catalogue is not None:
            self._registry.region_for = catalogue.region_for
        self._registry.accounts = self._bookkeeper.accounts if self._bookkeeper else None
        self._recorder = self._registry.recorder = make_recorder(catalogue, self._config, self._metrics, clock)
        self._exports = make_exports(catalogue, self._config, self._recorder, clock)
        self.export_service = ExportService(self._exports, plane.info.frame_rate, clock)
        self._service = SessionService(plane, self._registry, self._config, self._pools, self._metrics, verbs, clock)
        # Before the door: what was done already is told again, also of a session that was deleted by it.
        self._admission = AdmissionInterceptor(self._desk.keyed)
        self._door = DoorInterceptor(verbs.door)
        self._library_service = LibraryService(verbs)
        self._authenticator = make_authenticator(self._config.access, catalogue.library if catalogue else None)
        self._access_service = AccessService(self._authenticator, clock)
        directory = self._authenticator.directory if self._authenticator else None
        self._admin_service = AdminService(
            verbs, KeyAdmin(lambda: verbs.kept, directory, clock), QuotaAdmin(self._desk, clock)
        )
        self._admission_service = AdmissionService(self._desk, self._service.CreateSession, clock)
        self._usage_service = UsageService(self._bookkeeper, plane.info, clock)
        self._audit_service = AuditService(self._bookkeeper)
        self._health = health.aio.HealthServicer()  # pyright: ignore[reportAttributeAccessIssue]  # set by a star import
        self._interceptors = self._make_interceptors()
        self.calls = Calls(self._interceptors)
        self._add_services(self.calls)
        self._faces: list[Face] = []
        self._server: grpc.aio.Server | None = None
        self._host_task: asyncio.Task[None] | None = None
        self._stop_lock = asyncio.Lock()
        self.port = 0

    @property
    def address(self) -> str:
        return f"{self._config.host}:{self.port}"

    @property
    def config(self) -> GatewayConfig:
        return self._config

    @property
    def authenticator(self) -> Authenticator | None:
        """None where nobody is asked."""
        return self._authenticator

    def add_face(self, face: Face) -> None:
        """Before `start`."""
        self._faces.append(face)

    async def start(self) -> None:
        """Bind and answer. Raises OSError(EADDRINUSE) if the port is taken, ValueError for a place where strangers
        could do anything or certificates that cannot be used."""
        check_listening(self._config.host, self._config.access)
        server = self._make_server()
        self.port = self._bind(server)
        is_hosting = asyncio.Event()
        # The one task without a group around it: it is the group, owned by this object from start to stop.
        self._host_task = asyncio.create_task(self._registry.host(is_hosting), name="gateway-sessions")
        await is_hosting.wait()
        self._desk.start()
        if self._bookkeeper is not None:
            self._bookkeeper.start()
        if self._recorder is not None:
            self._recorder.start()
        await server.start()
        self._server = server
        for face in self._faces:
            await face.start()
        for name in ("", *SERVICE_NAMES):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        logger.info("listening on %s", self.address)

    async def stop(self, drain_s: float | None = None) -> None:
        """Warn clients, end sessions after `drain_s` (config.drain_s), then close. Safe to call twice."""
        async with self._stop_lock:
            if self._server is None or self._host_task is None:
                return
            await self._health.enter_graceful_shutdown()
            for face in self._faces:
                face.drain()
            await self._registry.drain(self._config.drain_s if drain_s is None else drain_s)
            await asyncio.gather(self._server.stop(STOP_GRACE_S), *(face.stop(STOP_GRACE_S) for face in self._faces))
            self._host_task.cancel()
            await asyncio.wait([self._host_task])
            await self._desk.close()
            if self._bookkeeper is not None:
                await self._bookkeeper.stop()
            if self._recorder is not None:
                await self._recorder.stop()
            if self._exports is not None:
                self._exports.close()
            for pool in self._pools:
                pool.shutdown(wait=False, cancel_futures=True)
            if self._authenticator is not None:
                self._authenticator.close()
            self._server = self._host_task = None

    async def wait_for_termination(self) -> None:
        if self._server is not None:
            await self._server.wait_for_termination()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    def _make_server(self) -> grpc.aio.Server:
        server = grpc.aio.server(
            interceptors=self._interceptors,
            options=_channel_options(self._config),
            maximum_concurrent_rpcs=self._config.max_concurrent_calls + REFUSED_CALLS,
        )
        self._add_services(server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        names = (*SERVICE_NAMES, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, server)
        return server

    def _make_interceptors(self) -> list[grpc.aio.ServerInterceptor]:
        return [
            *self._auditing(AuditInterceptor),
            ErrorInterceptor(self._metrics, self._config),
            *self._authentication(),
            *self._auditing(AuditWitness),
            self._admission,
            self._door,
        ]

    def _add_services(self, server: Any) -> None:
        """To gRPC's server, or to what takes services as it does."""
        session_pb2_grpc.add_SessionServiceServicer_to_server(self._service, server)
        library_pb2_grpc.add_LibraryServiceServicer_to_server(self._library_service, server)
        admin_pb2_grpc.add_AdminServiceServicer_to_server(self._admin_service, server)
        access_pb2_grpc.add_AccessServiceServicer_to_server(self._access_service, server)
        usage_pb2_grpc.add_UsageServiceServicer_to_server(self._usage_service, server)
        audit_pb2_grpc.add_AuditServiceServicer_to_server(self._audit_service, server)
        admission_pb2_grpc.add_AdmissionServiceServicer_to_server(self._admission_service, server)
        export_pb2_grpc.add_ExportServiceServicer_to_server(self.export_service, server)

    @property
    def recorder(self) -> Recorder | None:
        """None where nothing is recorded."""
        return self._recorder

    @property
    def bookkeeper(self) -> Bookkeeper | None:
        return self._bookkeeper

    def _auditing(self, kind: Callable[[Bookkeeper], grpc.aio.ServerInterceptor]) -> list[grpc.aio.ServerInterceptor]:
        return [] if self._bookkeeper is None else [kind(self._bookkeeper)]

    def _authentication(self) -> list[AuthenticationInterceptor]:
        return [] if self._authenticator is None else [AuthenticationInterceptor(self._authenticator, self._clock)]

    def _bind(self, server: grpc.aio.Server) -> int:
        address = f"{self._config.host}:{self._config.port}"
        try:
            if (credentials := server_credentials(self._config.access.tls)) is not None:
                port = server.add_secure_port(address, credentials)
            else:
                port = server.add_insecure_port(address)
        except RuntimeError as error:
            raise OSError(errno.EADDRINUSE, f"cannot listen on {address}: is another service on that port?") from error
        if port == 0:
            raise OSError(errno.EADDRINUSE, f"cannot listen on {address}: is another service on that port?")
        return port


def _channel_options(config: GatewayConfig) -> list[tuple[str, int]]:
    return [
        ("grpc.so_reuseport", 0),  # or a second service on the port would start and take half the calls
        ("grpc.max_receive_message_length", config.max_receive_bytes + REFUSED_BYTES),
        ("grpc.max_concurrent_streams", config.max_streams_per_connection),
        ("grpc.keepalive_time_ms", round(config.keepalive_time_s * 1000)),
        ("grpc.keepalive_timeout_ms", round(config.keepalive_timeout_s * 1000)),
        ("grpc.http2.min_ping_interval_without_data_ms", round(MIN_CLIENT_PING_S * 1000)),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", round(MIN_CLIENT_PING_S * 1000)),
    ]
