"""What stands before every request: who may ask at all, and the headers that every answer has."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.errors import OriginRefusedError
from serving.gateway.request_id import request_id_of
from serving.gateway.status import to_status
from serving.web.answers import refusal
from serving.web.origins import OriginPolicy
from serving.web.request import metadata_of

# Nothing from elsewhere, and nothing of ours in others' frames. Pictures, sound and workers may be made by the page.
PAGE_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "worker-src 'self' blob:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS: Mapping[str, str] = {
    "content-security-policy": PAGE_POLICY,
    "cache-control": "no-cache",  # asked about again each time, by their tags: a new version is seen at once
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}
CORS_METHODS = "GET, POST, DELETE"
CORS_HEADERS = (
    "authorization, content-type, connect-protocol-version, connect-timeout-ms, range, traceparent, x-request-id"
)
CORS_EXPOSED = (
    "accept-ranges, content-disposition, content-length, content-range, link, location, retry-after, x-request-id"
)
CORS_MAX_AGE_S = 600


class Guard:
    """Refuses what comes from elsewhere, before anything is done for it."""

    def __init__(self, app: ASGIApp, policy: OriginPolicy) -> None:
        self._app = app
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        try:
            self._policy.check(host, origin)
        except OriginRefusedError as error:
            # A WebSocket is refused by an answer as any other request.
            request_id = request_id_of(metadata_of(headers))
            await refusal(to_status(error, request_id), request_id)(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)
            return
        is_foreign = origin is not None and not self._policy.is_same(host, origin)
        with_headers = _Headed(send, origin if is_foreign else None)
        if scope["method"] == "OPTIONS":
            await _preflight()(scope, receive, with_headers)
        else:
            await self._app(scope, receive, with_headers)


class _Headed:
    """Sends an answer with our headers on it."""

    def __init__(self, send: Send, foreign_origin: str | None) -> None:
        self._send = send
        self._foreign_origin = foreign_origin

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            if self._foreign_origin is not None:
                headers["access-control-allow-origin"] = self._foreign_origin
                headers["access-control-expose-headers"] = CORS_EXPOSED
                headers.add_vary_header("origin")
            else:
                headers.setdefault("cross-origin-resource-policy", "same-origin")
        await self._send(message)


def _preflight() -> Response:
    """The origin is let in, or we would not be here; its header stands on every answer."""
    return Response(
        status_code=204,
        headers={
            "access-control-allow-methods": CORS_METHODS,
            "access-control-allow-headers": CORS_HEADERS,
            "access-control-max-age": str(CORS_MAX_AGE_S),
            "allow": CORS_METHODS,
        },
    )
