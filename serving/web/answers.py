"""How calls are answered over HTTP."""

from __future__ import annotations

import math

from google.rpc import error_details_pb2, status_pb2
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from serving.gateway.request_id import REQUEST_ID_KEY
from serving.web.connect_error import code_of, http_status, to_json

JSON = "application/json"
NO_STORE = {"cache-control": "no-store"}


class Refusal(Response):
    """To a request, or to a WebSocket that is not to be opened (ASGI's "websocket.http.response")."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        prefix = "websocket." if scope["type"] == "websocket" else ""
        start = {"type": f"{prefix}http.response.start", "status": self.status_code, "headers": self.raw_headers}
        await send(start)
        await send({"type": f"{prefix}http.response.body", "body": self.body})


def refusal(status: status_pb2.Status, request_id: str = "", *, http: int | None = None) -> Refusal:
    """`http`: the answer's status, where HTTP has a better word than the code's own."""
    headers = dict(NO_STORE)
    if request_id:
        headers[REQUEST_ID_KEY] = request_id
    if (wait_s := retry_after_s(status)) is not None:
        headers["retry-after"] = str(math.ceil(wait_s))
    return Refusal(to_json(status), http or http_status(code_of(status)), headers, JSON)


def retry_after_s(status: status_pb2.Status) -> float | None:
    info = error_details_pb2.RetryInfo()
    for detail in status.details:
        if detail.Unpack(info):
            return info.retry_delay.seconds + info.retry_delay.nanos / 1e9
    return None
