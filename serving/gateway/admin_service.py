"""The calls of nacre.v1.AdminService."""

from __future__ import annotations

from nacre.v1 import admin_pb2, admin_pb2_grpc
from serving.admission.quota_admin import QuotaAdmin
from serving.catalogue.workers import DRAINED, UP, WorkerRow
from serving.gateway.key_admin import KeyAdmin
from serving.gateway.library_codec import to_timestamp
from serving.gateway.validation import check_id
from serving.gateway.verbs import SessionVerbs


class AdminService(admin_pb2_grpc.AdminServiceServicer):
    """Checks what came, asks for it, answers. Raises `serving.errors`."""

    def __init__(self, verbs: SessionVerbs, keys: KeyAdmin, quotas: QuotaAdmin) -> None:
        self._verbs = verbs
        self._keys = keys
        self._quotas = quotas

    async def ListWorkers(  # noqa: N802
        self, request: admin_pb2.ListWorkersRequest, context: object
    ) -> admin_pb2.ListWorkersResponse:
        rows = await self._verbs.kept.call(self._verbs.kept.library.workers.latest)
        return admin_pb2.ListWorkersResponse(workers=[to_worker(row) for row in rows])

    async def DrainWorker(  # noqa: N802
        self, request: admin_pb2.DrainWorkerRequest, context: object
    ) -> admin_pb2.DrainWorkerResponse:
        return admin_pb2.DrainWorkerResponse(worker=await self._want(request.worker_id, DRAINED))

    async def UndrainWorker(  # noqa: N802
        self, request: admin_pb2.UndrainWorkerRequest, context: object
    ) -> admin_pb2.UndrainWorkerResponse:
        return admin_pb2.UndrainWorkerResponse(worker=await self._want(request.worker_id, UP))

    async def MoveSession(  # noqa: N802
        self, request: admin_pb2.MoveSessionRequest, context: object
    ) -> admin_pb2.MoveSessionResponse:
        """Answers when it goes on."""
        session = await self._verbs.running(check_id(request.session_id, "session_id"))
        await session.kept.move()
        standing = await session.kept.standing()
        return admin_pb2.MoveSessionResponse(worker_id=standing.worker_id, chunk_index=standing.next_chunk_idx)

    async def ListQuotas(  # noqa: N802
        self, request: admin_pb2.ListQuotasRequest, context: object
    ) -> admin_pb2.ListQuotasResponse:
        return await self._quotas.list_quotas()

    async def SetQuota(  # noqa: N802
        self, request: admin_pb2.SetQuotaRequest, context: object
    ) -> admin_pb2.SetQuotaResponse:
        return await self._quotas.set_quota(request)

    async def CreateTenant(  # noqa: N802
        self, request: admin_pb2.CreateTenantRequest, context: object
    ) -> admin_pb2.CreateTenantResponse:
        return await self._keys.create_tenant(request)

    async def ListTenants(  # noqa: N802
        self, request: admin_pb2.ListTenantsRequest, context: object
    ) -> admin_pb2.ListTenantsResponse:
        return await self._keys.list_tenants()

    async def SuspendTenant(  # noqa: N802
        self, request: admin_pb2.SuspendTenantRequest, context: object
    ) -> admin_pb2.SuspendTenantResponse:
        return await self._keys.suspend_tenant(request)

    async def RestoreTenant(  # noqa: N802
        self, request: admin_pb2.RestoreTenantRequest, context: object
    ) -> admin_pb2.RestoreTenantResponse:
        return await self._keys.restore_tenant(request)

    async def CreateKey(  # noqa: N802
        self, request: admin_pb2.CreateKeyRequest, context: object
    ) -> admin_pb2.CreateKeyResponse:
        return await self._keys.create_key(request)

    async def ListKeys(  # noqa: N802
        self, request: admin_pb2.ListKeysRequest, context: object
    ) -> admin_pb2.ListKeysResponse:
        return await self._keys.list_keys(request)

    async def RevokeKey(  # noqa: N802
        self, request: admin_pb2.RevokeKeyRequest, context: object
    ) -> admin_pb2.RevokeKeyResponse:
        return await self._keys.revoke_key(request)

    async def RotateKey(  # noqa: N802
        self, request: admin_pb2.RotateKeyRequest, context: object
    ) -> admin_pb2.RotateKeyResponse:
        return await self._keys.rotate_key(request)

    async def _want(self, worker_id: str, wanted: str) -> admin_pb2.Worker:
        worker_id, kept = check_id(worker_id, "worker_id"), self._verbs.kept
        return to_worker(await kept.call(lambda: kept.library.workers.want(worker_id, wanted)))


def to_worker(row: WorkerRow) -> admin_pb2.Worker:
    return admin_pb2.Worker(
        worker_id=row.worker_id,
        state=f"WORKER_STATE_{row.state.upper()}",
        model=row.model,
        num_slots=row.num_slots,
        num_used_slots=row.num_used_slots,
        start_time=to_timestamp(row.started_s),
        seen_time=to_timestamp(row.seen_s),
    )
