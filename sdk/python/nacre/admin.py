"""What those who run the service do with it: its workers, and where sessions play."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from nacre.access import Keys, Tenants
from nacre.calls import Calls
from nacre.enums import name_of
from nacre.queueing import Limits, Quota, from_limits, to_quota
from nacre.session import Session
from nacre.v1 import admin_pb2


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A transformer worker at the moment of asking."""

    worker_id: str
    state: str  # "up", "draining", "drained" or "lost"
    model: str
    num_slots: int  # sessions at once
    num_used_slots: int
    started_at: datetime
    seen_at: datetime  # when it last said that it lives


class Admin:
    """Get it as `client.admin`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self.keys = Keys(calls)
        self.tenants = Tenants(calls)

    async def workers(self) -> list[Worker]:
        """Those that were heard of within a day, the newest first."""
        response = await self._calls(self._calls.admin.ListWorkers, admin_pb2.ListWorkersRequest())
        return [_to_worker(each) for each in response.workers]

    async def drain(self, worker_id: str) -> Worker:
        """Give it no session any more, and move those it has to others. Answers at once; `workers` tells when its
        state is "drained"."""
        request = admin_pb2.DrainWorkerRequest(worker_id=worker_id)
        return _to_worker((await self._calls(self._calls.admin.DrainWorker, request)).worker)

    async def undrain(self, worker_id: str) -> Worker:
        """Let it take sessions again."""
        request = admin_pb2.UndrainWorkerRequest(worker_id=worker_id)
        return _to_worker((await self._calls(self._calls.admin.UndrainWorker, request)).worker)

    async def quotas(self) -> list[Quota]:
        """Of every tenant of whom something was said, or who used something today."""
        response = await self._calls(self._calls.admin.ListQuotas, admin_pb2.ListQuotasRequest())
        return [to_quota(each) for each in response.quotas]

    async def set_quota(self, tenant_id: str, limits: Limits, *, weight: float | None = None) -> Quota:
        """In place of all that was said of the tenant before; what is None is as the service's settings have it."""
        request = admin_pb2.SetQuotaRequest(tenant_id=tenant_id, limits=from_limits(limits), weight=weight)
        return to_quota((await self._calls(self._calls.admin.SetQuota, request)).quota)

    async def move(self, session: Session | str) -> str:
        """Let a running session go on with another worker, or with the same one anew, without a chunk lost. Answers
        when it goes on, with the worker's id. Raises `LimitReached` where there is no room."""
        session_id = session if isinstance(session, str) else session.id
        request = admin_pb2.MoveSessionRequest(session_id=session_id)
        return (await self._calls(self._calls.admin.MoveSession, request)).worker_id


def _to_worker(message: admin_pb2.Worker) -> Worker:
    return Worker(
        worker_id=message.worker_id,
        state=name_of(admin_pb2.WorkerState, message.state, "WORKER_STATE_").lower(),
        model=message.model,
        num_slots=message.num_slots,
        num_used_slots=message.num_used_slots,
        started_at=message.start_time.ToDatetime(UTC),
        seen_at=message.seen_time.ToDatetime(UTC),
    )
