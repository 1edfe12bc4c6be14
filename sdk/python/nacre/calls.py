"""Single calls to the service, with our errors."""

from __future__ import annotations

import secrets
from typing import Any

import grpc.aio
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions

from nacre.credentials import Token, signed
from nacre.errors import from_rpc_error
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

KEY_FIELD, KEY_BYTES = "idempotency_key", 16
_FILES = (access_pb2, admin_pb2, admission_pb2, audit_pb2, export_pb2, library_pb2, session_pb2, usage_pb2)


def repeatable_methods() -> list[tuple[str, str]]:
    """Service and method of all that may be asked twice: what only reads, and what has a key by which the service knows
    it again. Streams are taken up by whoever reads them."""
    services = [service for file in _FILES for service in file.DESCRIPTOR.services_by_name.values()]
    return [
        (service.full_name, method.name)
        for service in services
        for method in service.methods
        if not (method.client_streaming or method.server_streaming)
        and (_only_reads(method) or _has_key(method.input_type))
    ]


def _only_reads(method: MethodDescriptor) -> bool:
    return method.GetOptions().idempotency_level == MethodOptions.NO_SIDE_EFFECTS


def _has_key(request: Descriptor) -> bool:
    return KEY_FIELD in request.fields_by_name


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
        self.admission: admission_pb2_grpc.AdmissionServiceAsyncStub = signed(
            admission_pb2_grpc.AdmissionServiceStub(channel), bearer
        )
        self.usage: usage_pb2_grpc.UsageServiceAsyncStub = signed(usage_pb2_grpc.UsageServiceStub(channel), bearer)
        self.audit: audit_pb2_grpc.AuditServiceAsyncStub = signed(audit_pb2_grpc.AuditServiceStub(channel), bearer)
        self.exports: export_pb2_grpc.ExportServiceAsyncStub = signed(
            export_pb2_grpc.ExportServiceStub(channel), bearer
        )
        self.timeout_s = timeout_s

    async def __call__(self, method: Any, request: Any) -> Any:
        """What changes something gets an idempotency key where it has none. Raises `NacreError`."""
        if _has_key(request.DESCRIPTOR) and not request.idempotency_key:
            request.idempotency_key = secrets.token_hex(KEY_BYTES)
        try:
            return await method(request, timeout=self.timeout_s)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error
