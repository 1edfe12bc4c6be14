"""gRPC's health service, whose refusals say why as all others do."""

from __future__ import annotations

from typing import Any

from grpc_health.v1 import health, health_pb2

from serving.errors import ServiceUnknownError

_HealthServicer: Any = health.aio.HealthServicer  # pyright: ignore[reportAttributeAccessIssue]  # set by a star import


class HealthService(_HealthServicer):
    def __init__(self, names: tuple[str, ...]) -> None:
        """`names`: of the services that are asked about, beside "" for all of them."""
        super().__init__()
        self._names = frozenset(("", *names))

    async def Check(  # noqa: N802
        self, request: health_pb2.HealthCheckRequest, context: Any
    ) -> health_pb2.HealthCheckResponse:
        """Raises `ServiceUnknownError`."""
        if request.service not in self._names:
            raise ServiceUnknownError(f"there is no service {request.service[:63]!r}", field="service")
        return await super().Check(request, context)
