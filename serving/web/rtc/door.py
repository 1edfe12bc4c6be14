"""The way in by WebRTC, where it is switched on. What it is made with is imported there alone: it is an extra."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from serving.errors import MethodUnknownError
from serving.gateway.request_id import request_id_of
from serving.gateway.server import GatewayServer
from serving.gateway.status import to_status
from serving.web.answers import refusal
from serving.web.request import metadata_of
from serving.web.rtc.extra import check_extra

if TYPE_CHECKING:
    from serving.web.config import WebConfig
    from serving.web.rtc.routes import RtcCalls

PATH = "/v1/rtc"


class RtcDoor:
    def __init__(self, gateway: GatewayServer, config: WebConfig) -> None:
        """Raises ValueError where it is on and not installed."""
        self._calls: RtcCalls | None = None
        check_extra(config.webrtc)
        if config.webrtc.is_on:
            from serving.web.rtc.routes import RtcCalls

            self._calls = RtcCalls(gateway, config)

    @property
    def routes(self) -> list[BaseRoute]:
        if self._calls is None:
            return [Route(PATH, _closed, methods=["POST"])]
        ending = Route(f"{PATH}/{{connection_id}}", self._calls.end, methods=["DELETE"])
        return [Route(PATH, self._calls.offer, methods=["POST"]), ending]

    @property
    def num_connections(self) -> int:
        return self._calls.num_connections if self._calls is not None else 0

    async def stop(self, grace_s: float) -> None:
        if self._calls is not None:
            await self._calls.stop(grace_s)


async def _closed(request: Request) -> Response:
    request_id = request_id_of(metadata_of(request.headers))
    error = MethodUnknownError("WebRTC is off here; its operator can switch it on, by web.webrtc.enabled")
    return refusal(to_status(error, request_id), request_id)
