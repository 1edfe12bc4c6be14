"""The services that a gateway answers, all over one core."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

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
from serving.access.authenticator import Authenticator
from serving.admission.quota_admin import QuotaAdmin
from serving.admission.service import AdmissionService
from serving.export.service import ExportService
from serving.gateway.access_service import AccessService
from serving.gateway.admin_service import AdminService
from serving.gateway.audit_service import AuditService
from serving.gateway.config import GatewayConfig
from serving.gateway.core import GatewayCore
from serving.gateway.key_admin import KeyAdmin
from serving.gateway.library_service import LibraryService
from serving.gateway.metrics import GatewayMetrics
from serving.gateway.recording_accounts import make_tickets
from serving.gateway.service import SessionService
from serving.gateway.usage_service import UsageService
from serving.sessions.contract import WorldPlane

SERVICE_NAMES = tuple(
    service.full_name
    for messages in (
        access_pb2,
        session_pb2,
        admission_pb2,
        library_pb2,
        admin_pb2,
        usage_pb2,
        audit_pb2,
        export_pb2,
    )
    for service in messages.DESCRIPTOR.services_by_name.values()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    session: SessionService
    library: LibraryService
    admin: AdminService
    access: AccessService
    usage: UsageService
    audit: AuditService
    admission: AdmissionService
    export: ExportService

    @classmethod
    def over(
        cls,
        core: GatewayCore,
        plane: WorldPlane,
        config: GatewayConfig,
        metrics: GatewayMetrics,
        authenticator: Authenticator | None,
        clock: Callable[[], float],
    ) -> Self:
        verbs, desk, info = core.verbs, core.desk, plane.info
        directory = authenticator.directory if authenticator else None
        session = SessionService(plane, core.registry, config, core.pools, metrics, verbs, clock)
        keys = KeyAdmin(lambda: verbs.kept, directory, clock)
        return cls(
            session=session,
            library=LibraryService(verbs),
            admin=AdminService(verbs, keys, QuotaAdmin(desk, clock)),
            access=AccessService(authenticator, clock),
            usage=UsageService(core.bookkeeper, info, clock, verbs.saved_world if verbs.keeps_worlds else None),
            audit=AuditService(core.bookkeeper),
            admission=AdmissionService(desk, session.CreateSession, session.check_create, clock),
            export=ExportService(core.exports, info.frame_rate, make_tickets(config.access), clock),
        )

    def add_to(self, server: Any) -> None:
        """To gRPC's server, or to what takes services as it does."""
        session_pb2_grpc.add_SessionServiceServicer_to_server(self.session, server)
        library_pb2_grpc.add_LibraryServiceServicer_to_server(self.library, server)
        admin_pb2_grpc.add_AdminServiceServicer_to_server(self.admin, server)
        access_pb2_grpc.add_AccessServiceServicer_to_server(self.access, server)
        usage_pb2_grpc.add_UsageServiceServicer_to_server(self.usage, server)
        audit_pb2_grpc.add_AuditServiceServicer_to_server(self.audit, server)
        admission_pb2_grpc.add_AdmissionServiceServicer_to_server(self.admission, server)
        export_pb2_grpc.add_ExportServiceServicer_to_server(self.export, server)
