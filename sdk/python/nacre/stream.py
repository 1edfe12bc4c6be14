"""One attachment to a session: an open Play call."""

from __future__ import annotations

import asyncio
import contextlib

import grpc.aio

from nacre.errors import ConnectionLost, ProtocolError, Timeout, from_ended, from_rpc_error, from_stream_error
from nacre.v1 import session_pb2, session_pb2_grpc

PlayCall = grpc.aio.StreamStreamCall[session_pb2.PlayRequest, session_pb2.PlayResponse]


class PlayStream:
    """Reads and writes the messages of one call; raises only our errors."""

    def __init__(self, call: PlayCall, attached: session_pb2.Attached) -> None:
        self._call = call
        self.attached = attached

    @classmethod
    async def open(
        cls, stub: session_pb2_grpc.SessionServiceAsyncStub, attach: session_pb2.Attach, timeout_s: float
    ) -> PlayStream:
        """Attach, and wait for the service's answer."""
        call = stub.Play()
        try:
            async with asyncio.timeout(timeout_s):
                return cls(call, await _attach(call, attach))
        except BaseException as error:  # also where the caller was cancelled
            call.cancel()
            if isinstance(error, TimeoutError):
                raise Timeout(f"no answer to the attachment within {timeout_s:g} s") from None
            raise

    async def read(self) -> session_pb2.PlayResponse:
        try:
            response = await self._call.read()
        except grpc.aio.AioRpcError as error:
            raise from_stream_error(error) from error
        return _checked(response)

    async def write(self, request: session_pb2.PlayRequest) -> bool:
        """False if the stream is over; `read` tells why."""
        try:
            await self._call.write(request)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            return False
        return True

    def close(self) -> None:
        self._call.cancel()


async def _attach(call: PlayCall, attach: session_pb2.Attach) -> session_pb2.Attached:
    try:
        # A refused call ends before it takes the message; reading then tells why.
        with contextlib.suppress(asyncio.InvalidStateError):
            await call.write(session_pb2.PlayRequest(attach=attach))
        response = _checked(await call.read())
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error) from error
    if response.WhichOneof("message") == "ended":
        raise from_ended(response.ended.session)
    if response.WhichOneof("message") != "attached":
        raise ProtocolError("the first answer on the stream was not `attached`")
    return response.attached


def _checked(response: object) -> session_pb2.PlayResponse:
    if not isinstance(response, session_pb2.PlayResponse):  # grpc.aio.EOF
        raise ConnectionLost("the service closed the stream")
    return response
