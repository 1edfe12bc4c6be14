"""Play over one connection: answered by the very calls that answer it over gRPC and WebSockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, MutableSequence
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import DecodeError
from google.rpc import status_pb2

from nacre.v1 import media_pb2, session_pb2
from serving.errors import AttachTimeoutError, InvalidFieldError, NacreError
from serving.gateway.calls import CallContext, Calls, Metadata
from serving.gateway.request_id import request_id_of
from serving.gateway.status import to_status
from serving.web.connect_error import OK, status_in, to_json
from serving.web.request import with_token
from serving.web.rtc.line import DataLine, LineLostError
from serving.web.rtc.media import ChunkMedia
from serving.web.sockets import PLAY


class PlayContext(CallContext):
    """Sends messages by the line, and pictures and sound by the tracks."""

    def __init__(self, metadata: Metadata, peer: str, line: DataLine, media: ChunkMedia) -> None:
        super().__init__(metadata, peer, line.send)
        self._media = media

    async def write(self, message: session_pb2.PlayResponse) -> None:
        kind = message.WhichOneof("message")
        if kind == "attached":
            self._media.attached(message.attached)
        elif kind == "media":
            await self._media.take(message.media)  # the message is this client's own
        try:
            await super().write(message)
        except LineLostError:
            raise grpc.aio.InternalError("the client is gone") from None


class RtcCall:
    def __init__(self, line: DataLine, media: ChunkMedia, metadata: Metadata, peer: str) -> None:
        """`metadata`: of the request that brought the offer. `peer`: as `CallContext` has it."""
        self._line = line
        self._media = media
        self._metadata = metadata
        self._peer = peer

    async def answer(self, calls: Calls, first_timeout_s: float) -> status_pb2.Status | None:
        """How it ended; None for well. Raises `LineLostError` once the client is gone."""
        answering = asyncio.ensure_future(self._answer(calls, first_timeout_s))
        losing = asyncio.ensure_future(self._line.wait_lost())
        try:
            await asyncio.wait((answering, losing), return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                raise LineLostError
            return answering.result()
        finally:
            for task in (answering, losing):
                task.cancel()
            await asyncio.gather(answering, losing, return_exceptions=True)

    async def _answer(self, calls: Calls, first_timeout_s: float) -> status_pb2.Status | None:
        try:
            first = await self._first(first_timeout_s)
        except NacreError as error:
            return to_status(error, request_id_of(self._metadata))
        metadata = with_token(self._metadata, first.attach.token)
        context = PlayContext(metadata, self._peer, self._line, self._media)
        try:
            await calls.answer(PLAY, self._each(first.SerializeToString()), context)
        except grpc.aio.AbortError:
            return status_in(context.code(), context.details(), context.trailing_metadata())
        return None

    async def _first(self, timeout_s: float) -> session_pb2.PlayRequest:
        """With the codec that was agreed on before others that it takes as well. Raises `NacreError`."""
        try:
            async with asyncio.timeout(timeout_s):
                data = await self._line.read()
        except TimeoutError:
            raise AttachTimeoutError(f"the first message did not come within {timeout_s:g} s", field="attach") from None
        try:
            first = session_pb2.PlayRequest.FromString(data)
        except DecodeError:
            raise InvalidFieldError("the first message cannot be read", field="message") from None
        if first.HasField("attach"):
            _put_first(first.attach.video_codecs, self._media.video_codec)
        return first

    async def _each(self, first: bytes) -> AsyncIterator[bytes]:
        yield first
        while True:
            yield await self._line.read()


def _put_first(codecs: MutableSequence[media_pb2.VideoCodec], agreed: media_pb2.VideoCodec) -> None:
    if not codecs or agreed in codecs:
        codecs[:] = [agreed, *(each for each in codecs if each != agreed)]


def last_words(status: status_pb2.Status | None) -> str:
    document: Any = OK
    return json.dumps(document) if status is None else to_json(status).decode()
