"""The gateway's gRPC server: binds, answers, and stops without cutting anybody short."""

from __future__ import annotations

import asyncio
import errno
import logging
import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

import grpc
import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from serving.access.authenticator import Authenticator
from serving.access.config import check_listening
from serving.access.tls import server_credentials
from serving.admission.interceptor import AdmissionInterceptor
from serving.books.bookkeeper import Bookkeeper
from serving.catalogue.plane import CataloguedPlane
from serving.export.recorder import Recorder
from serving.export.service import ExportService
from serving.gateway.auditing import AuditInterceptor, AuditWitness
from serving.gateway.authentication import AuthenticationInterceptor
from serving.gateway.calls import Calls
from serving.gateway.config import GatewayConfig
from serving.gateway.core import GatewayCore
from serving.gateway.doorkeeper import DoorInterceptor
from serving.gateway.health import HealthService
from serving.gateway.interceptor import ErrorInterceptor
from serving.gateway.letting_in import make_authenticator
from serving.gateway.metrics import GatewayMetrics, NoMetrics
from serving.gateway.services import SERVICE_NAMES, Services
from serving.sessions.contract import WorldPlane

logger = logging.getLogger(__name__)

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
        self._core = GatewayCore(plane, self._config, self._metrics, clock, is_traced, catalogue)
        self._authenticator = make_authenticator(self._config.access, catalogue.library if catalogue else None)
        self._services = Services.over(self._core, plane, self._config, self._metrics, self._authenticator, clock)
        self._health = HealthService(SERVICE_NAMES)
        self._interceptors = self._make_interceptors()
        self.calls = Calls(self._interceptors)
        self._services.add_to(self.calls)
        self._faces: list[Face] = []
        self._server: grpc.aio.Server | None = None
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
        if self._authenticator is not None:
            await self._authenticator.start()
        await self._core.start()
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
            if self._server is None:
                return
            await self._health.enter_graceful_shutdown()
            for face in self._faces:
                face.drain()
            await self._core.registry.drain(self._config.drain_s if drain_s is None else drain_s)
            await asyncio.gather(self._server.stop(STOP_GRACE_S), *(face.stop(STOP_GRACE_S) for face in self._faces))
            await self._core.stop()
            if self._authenticator is not None:
                self._authenticator.close()
            self._server = None

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
        self._services.add_to(server)
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
            # Before the door: what was done already is told again, also of a session that was deleted by it.
            AdmissionInterceptor(self._core.desk.keyed),
            DoorInterceptor(self._core.verbs.door),
        ]

    @property
    def export_service(self) -> ExportService:
        return self._services.export

    @property
    def recorder(self) -> Recorder | None:
        """None where nothing is recorded."""
        return self._core.recorder

    @property
    def bookkeeper(self) -> Bookkeeper | None:
        return self._core.bookkeeper

    def _auditing(self, kind: Callable[[Bookkeeper], grpc.aio.ServerInterceptor]) -> list[grpc.aio.ServerInterceptor]:
        return [] if self.bookkeeper is None else [kind(self.bookkeeper)]

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
