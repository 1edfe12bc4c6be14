"""Offers and answers over HTTP, in the manner of WHEP: https://datatracker.ietf.org/doc/draft-ietf-wish-whep/"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import secrets
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from serving.access.credentials import AUTHORIZATION, read_credentials
from serving.errors import (
    CallsExceededError,
    InvalidFieldError,
    MessageTooLargeError,
    NacreError,
    SessionNotFoundError,
    UnavailableError,
)
from serving.gateway.calls import Metadata
from serving.gateway.request_id import REQUEST_ID_KEY, request_id_of
from serving.gateway.server import REFUSED_BYTES, GatewayServer
from serving.gateway.status import to_status
from serving.web.answers import NO_STORE, refusal
from serving.web.config import WebConfig
from serving.web.request import metadata_of, named, peer_of
from serving.web.rtc.addresses import addresses_of
from serving.web.rtc.call import RtcCall, last_words
from serving.web.rtc.config import IceServer
from serving.web.rtc.door import PATH
from serving.web.rtc.line import LineLostError
from serving.web.rtc.offers import MAX_OFFER_BYTES
from serving.web.rtc.peer import Peer

logger = logging.getLogger(__name__)

SDP = "application/sdp"
CREATED, NO_CONTENT, CLIENT_GONE = 201, 204, 499
UNSUPPORTED_MEDIA_TYPE, CONTENT_TOO_LARGE = 415, 413


@dataclass(frozen=True, slots=True, kw_only=True)
class _Connection:
    peer: Peer
    task: asyncio.Task[None]
    authorization: str  # of whoever began it, who alone may end it


class RtcCalls:
    """Answers offers, and plays over the connections that come of them, each a task of its own until `stop`."""

    def __init__(self, gateway: GatewayServer, config: WebConfig) -> None:
        self._gateway = gateway
        self._config = config
        self._addresses = config.webrtc.addresses or addresses_of(gateway.config.host)
        self._connections: dict[str, _Connection] = {}
        self._num_begun = 0
        self._is_stopping = False

    @property
    def num_connections(self) -> int:
        return len(self._connections)

    async def stop(self, grace_s: float) -> None:
        """Let those who are told of an end take it, then close."""
        self._is_stopping = True
        tasks = [each.task for each in self._connections.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=grace_s)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def offer(self, request: Request) -> Response:
        """POST: an offer comes, an answer goes."""
        metadata = metadata_of(request.headers)
        request_id = request_id_of(metadata)
        try:
            await self._check_caller(metadata)
            text = await self._read(request)
            connection_id, answer = await self._begin(text, named(metadata, request_id), peer_of(request.scope))
        except ClientDisconnect:
            return Response(status_code=CLIENT_GONE)
        except NacreError as error:
            return refusal(to_status(error, request_id), request_id, http=_HTTP_STATUSES.get(type(error)))
        headers = {**NO_STORE, REQUEST_ID_KEY: request_id, "location": f"{PATH}/{connection_id}"}
        response = Response(answer, CREATED, headers, SDP)
        for server in self._config.webrtc.ice_servers:
            response.headers.append("link", _link(server))
        return response

    async def end(self, request: Request) -> Response:
        """DELETE: by whoever began it."""
        metadata = metadata_of(request.headers)
        request_id = request_id_of(metadata)
        found = self._connections.get(request.path_params["connection_id"])
        if found is None or not hmac.compare_digest(found.authorization.encode(), _authorization(metadata).encode()):
            return refusal(to_status(SessionNotFoundError("there is no such connection"), request_id), request_id)
        found.task.cancel()
        await asyncio.wait((found.task,))
        return Response(status_code=NO_CONTENT, headers={**NO_STORE, REQUEST_ID_KEY: request_id})

    async def _check_caller(self, metadata: Metadata) -> None:
        """Before anything is held for it. Raises `NacreError`."""
        if self._is_stopping:
            raise UnavailableError("the service is stopping")
        if (authenticator := self._gateway.authenticator) is not None:
            await authenticator.authenticate(read_credentials(metadata))

    async def _read(self, request: Request) -> str:
        """Raises `NacreError`, and `ClientDisconnect`."""
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != SDP:
            raise _MediaTypeError("an offer is a session description", field="content-type", allowed=(SDP,))
        body = bytearray()
        try:
            async with asyncio.timeout(self._config.body_timeout_s):
                async for part in request.stream():
                    body += part
                    if len(body) > MAX_OFFER_BYTES:
                        raise MessageTooLargeError(f"the offer has more than {MAX_OFFER_BYTES} bytes")
            return body.decode()
        except TimeoutError:
            raise InvalidFieldError("the offer did not come in time", field="offer") from None
        except UnicodeDecodeError:
            raise InvalidFieldError("an offer is text", field="offer") from None

    async def _begin(self, offer: str, metadata: Metadata, caller: str) -> tuple[str, str]:
        """Its id and the answer. Raises `NacreError`."""
        limit = self._config.webrtc.max_peers
        if self._num_begun >= limit:
            raise CallsExceededError(f"{limit} connections are open")
        self._num_begun += 1
        peer = Peer(self._config.webrtc, self._addresses, self._gateway.config.max_receive_bytes + REFUSED_BYTES)
        try:
            answer = await peer.answer(offer)
        except BaseException as error:
            self._num_begun -= 1
            await peer.close()
            if isinstance(error, OSError):
                raise CallsExceededError("no port is free for another connection") from error
            raise
        connection_id = secrets.token_urlsafe(16)
        task = asyncio.create_task(self._play(connection_id, peer, metadata, caller), name="gateway-rtc")
        self._connections[connection_id] = _Connection(peer=peer, task=task, authorization=_authorization(metadata))
        return connection_id, answer

    async def _play(self, connection_id: str, peer: Peer, metadata: Metadata, caller: str) -> None:
        try:
            await self._answer(peer, metadata, caller)
        except (LineLostError, TimeoutError):
            logger.debug("the client is gone, or never came")
        finally:
            self._connections.pop(connection_id, None)
            self._num_begun -= 1
            with contextlib.suppress(ConnectionError):
                await peer.close()

    async def _answer(self, peer: Peer, metadata: Metadata, caller: str) -> None:
        """Raises `LineLostError` and TimeoutError."""
        line = await peer.opened()
        call = RtcCall(line, peer.media(), metadata, caller)
        status = await call.answer(self._gateway.calls, self._gateway.config.attach_timeout_s)
        async with asyncio.timeout(self._config.close_timeout_s):
            await line.finish(last_words(status))
            await line.wait_lost()  # the client closes, having read it; or its time is over


class _MediaTypeError(InvalidFieldError):
    """What is in the body is no offer."""


_HTTP_STATUSES: dict[type[NacreError], int] = {
    _MediaTypeError: UNSUPPORTED_MEDIA_TYPE,
    MessageTooLargeError: CONTENT_TOO_LARGE,
}


def _authorization(metadata: Metadata) -> str:
    return next((str(value) for name, value in metadata if name == AUTHORIZATION), "")


def _link(server: IceServer) -> str:
    """RFC 9725, section 4.6: what a client may reach us by."""
    link = f'<{server.url}>; rel="ice-server"'
    if server.username:
        link += f'; username="{server.username}"; credential="{server.credential}"; credential-type="password"'
    return link
