"""Single calls to the service, with our errors."""

from __future__ import annotations

from typing import Any

import grpc.aio

from nacre.credentials import Token, signed
from nacre.errors import from_rpc_error
from nacre.v1 import access_pb2_grpc, admin_pb2_grpc, library_pb2_grpc, session_pb2_grpc


class Calls:
    """The service's stubs on one channel."""

    def __init__(self, channel: grpc.aio.Channel, timeout_s: float, bearer: Token = "") -> None:
        self.access: access_pb2_grpc.AccessServiceAsyncStub = signed(access_pb2_grpc.AccessServiceStub(channel), bearer)
        self.sessions: session_pb2_grpc.SessionServiceAsyncStub = signed(
            session_pb2_grpc.SessionServiceStub(channel), bearer
        )
        self.library: library_pb2_grpc.LibraryServiceAsyncStub = signed(
            library_pb2_grpc.LibraryServiceStub(channel), bearer
        )
        self.admin: admin_pb2_grpc.AdminServiceAsyncStub = signed(admin_pb2_grpc.AdminServiceStub(channel), bearer)
        self.timeout_s = timeout_s

    async def __call__(self, method: Any, request: object) -> Any:
        """Raises `NacreError`."""
        try:
            return await method(request, timeout=self.timeout_s)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error
