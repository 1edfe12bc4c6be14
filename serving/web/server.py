"""The HTTP server beside the gateway's gRPC server, on the same event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from serving.access.config import TlsConfig, check_listening
from serving.access.credentials import read_credentials
from serving.access.roles import Permission
from serving.errors import NacreError
from serving.gateway.request_id import request_id_of
from serving.gateway.server import REFUSED_BYTES, REFUSED_CALLS, GatewayServer
from serving.gateway.status import to_status
from serving.web.answers import NO_STORE, refusal
from serving.web.config import WebConfig
from serving.web.guard import Guard
from serving.web.origins import OriginPolicy
from serving.web.protocols import TimedHttp, TimedSocket
from serving.web.recordings import Recordings
from serving.web.request import metadata_of
from serving.web.rtc.door import RtcDoor
from serving.web.sockets import StreamCalls
from serving.web.tls import RenewedTls
from serving.web.unary import UnaryCalls

logger = logging.getLogger(__name__)

PAGE = Path(__file__).parent / "page" / "dist"
NO_PAGE = "Nacre serves worlds here. This installation has no page; docs/web.md says what can be asked.\n"
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
MAX_HEAD_BYTES = 16_384
# What the kernel holds for a client that does not read, beyond what waits in the service.
KERNEL_SEND_BYTES = 256 << 10
TICK_S = 1.0
START_POLL_S = 0.005
BACKLOG = 256

RenderMetrics = Callable[[], bytes]


class WebServer:
    """Implements `serving.gateway.server.Face`."""

    def __init__(self, gateway: GatewayServer, config: WebConfig, render_metrics: RenderMetrics | None = None) -> None:
        """Raises ValueError where WebRTC is on and not installed."""
        self._gateway = gateway
        self._config = config
        self._render_metrics = render_metrics
        self._streams = StreamCalls(gateway.calls, config, gateway.config)
        self._rtc = RtcDoor(gateway, config)
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_draining = False
        self.port = 0

    @property
    def address(self) -> str:
        """Where browsers find it."""
        scheme = "https" if self._gateway.config.access.tls.certificate_file else "http"
        host = self._gateway.config.host
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def num_connections(self) -> int:
        return len(self._server.server_state.connections) if self._server is not None else 0

    @property
    def num_rtc_connections(self) -> int:
        return self._rtc.num_connections

    async def start(self) -> None:
        """Raises OSError where it cannot listen, ValueError for a place where strangers could do anything."""
        config = self._gateway.config
        check_listening(config.host, config.access)
        listening = listen(config.host, self._config.port)
        self.port = listening.getsockname()[1]
        server = self._server = _Server(self._settings())
        # The one task without a group around it: owned by this object from start to stop.
        self._task = asyncio.create_task(server.serve(sockets=[listening]), name="gateway-web")
        while not server.started:
            if self._task.done():
                self._task.result()
            await asyncio.sleep(START_POLL_S)
        logger.info("listening on %s", self.address)

    def drain(self) -> None:
        self._is_draining = True

    async def stop(self, grace_s: float) -> None:
        """Close what is open. Those who play were told before."""
        if self._server is None or self._task is None:
            return
        await asyncio.gather(self._streams.wait_idle(grace_s), self._rtc.stop(grace_s))
        self._server.exit()
        self._server.config.timeout_graceful_shutdown = round(grace_s)
        await asyncio.wait([self._task])
        self._server = self._task = None

    def _settings(self) -> uvicorn.Config:
        gateway = self._gateway.config
        # What uvicorn calls for each connection; that it need not be a class is not in its types.
        http: Any = partial(
            TimedHttp, head_timeout_s=self._config.head_timeout_s, stall_timeout_s=gateway.stall_timeout_s
        )
        ws: Any = partial(TimedSocket, last_words_timeout_s=self._config.close_timeout_s)
        return uvicorn.Config(
            self._application(),
            http=http,
            ws=ws,
            ws_max_size=gateway.max_receive_bytes + REFUSED_BYTES,
            ws_ping_interval=gateway.keepalive_time_s,
            ws_ping_timeout=gateway.keepalive_timeout_s,
            ws_per_message_deflate=False,  # pictures and sound are as small as they get
            lifespan="off",
            log_config=None,
            log_level=logging.WARNING,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            limit_concurrency=gateway.max_concurrent_calls + REFUSED_CALLS,
            backlog=BACKLOG,
            timeout_keep_alive=round(self._config.idle_timeout_s),
            h11_max_incomplete_event_size=MAX_HEAD_BYTES,
            ssl_context_factory=_tls(gateway.access.tls),
        )

    def _application(self) -> Guard:
        gateway = self._gateway.config
        unary = UnaryCalls(self._gateway.calls, self._config, gateway.max_receive_bytes)
        streams = self._streams
        recordings = Recordings(self._gateway.calls, self._gateway.export_service)
        routes = [
            Route("/healthz", self._health),
            Route("/metrics", self._metrics),
            WebSocketRoute("/v1/play", streams.play),
            WebSocketRoute("/v1/stream/{service}/{method}", streams.stream),
            Route("/v1/sessions/{session_id}/recording.mp4", recordings.__call__),
            *self._rtc.routes,
            Route("/{service}/{method}", unary.__call__, methods=["POST"]),
            self._page(),
        ]
        policy = OriginPolicy(allowed_origins=self._config.allowed_origins, knows_callers=gateway.access.is_on)
        return Guard(Starlette(routes=routes), policy)

    def _page(self) -> BaseRoute:
        if (PAGE / "index.html").is_file():
            return Mount("/", StaticFiles(directory=PAGE, html=True))
        return Route("/", lambda request: PlainTextResponse(NO_PAGE))

    async def _health(self, request: Request) -> Response:
        if self._is_draining:
            return PlainTextResponse("draining", 503, headers=NO_STORE)
        return PlainTextResponse("ok", headers=NO_STORE)

    async def _metrics(self, request: Request) -> Response:
        if self._render_metrics is None:
            return PlainTextResponse("this service measures nothing", 404)
        metadata = metadata_of(request.headers)
        if (authenticator := self._gateway.authenticator) is not None:
            try:
                standing = await authenticator.authenticate(read_credentials(metadata))
                standing.principal.check(Permission.FLEET)
            except NacreError as error:
                request_id = request_id_of(metadata)
                return refusal(to_status(error, request_id), request_id)
        text = await asyncio.get_running_loop().run_in_executor(None, self._render_metrics)
        return Response(text, media_type=METRICS_TYPE, headers=NO_STORE)


class _Server(uvicorn.Server):
    """Signals are the service's, not its server's. It looks once a second whether it is to end, and at once when it is
    told: uvicorn looks ten times as often, which costs a gateway that idles a fifth of all it uses."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._exiting = asyncio.Event()

    def exit(self) -> None:
        self.should_exit = True
        self._exiting.set()

    async def main_loop(self) -> None:
        while not await self.on_tick(0):  # a whole second each: it brings the date of answers up to date
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_S):
                    await self._exiting.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def add_web(gateway: GatewayServer, config: WebConfig, render_metrics: RenderMetrics | None) -> WebServer | None:
    """Beside the server that is about to start; None where the settings have none."""
    if not config.is_on:
        return None
    web = WebServer(gateway, config, render_metrics)
    gateway.add_face(web)
    return web


def listen(host: str, port: int) -> socket.socket:
    """On `port`, or on any free one where that is taken: another service on the machine is no reason not to start.
    Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError:
        if port == 0:
            raise
        logger.warning("HTTP port %d is taken; another one is used", port)
        listening = socket.create_server((host, 0), family=family, backlog=BACKLOG)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_SEND_BYTES)  # those that come in have it from here
    return listening


def _tls(config: TlsConfig) -> Callable[..., ssl.SSLContext] | None:
    """None for a plain line."""
    if not config.certificate_file:
        return None
    tls = RenewedTls(config)
    return lambda *_: tls.context
