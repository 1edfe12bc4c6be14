"""What those who run the service do with quotas."""

from __future__ import annotations

from collections.abc import Callable

from nacre.v1 import admin_pb2
from serving.admission.codec import read_limits, to_quota
from serving.admission.desk import Desk
from serving.admission.limits import check_weight
from serving.errors import InvalidFieldError
from serving.gateway.validation import check_id


class QuotaAdmin:
    def __init__(self, desk: Desk, clock: Callable[[], float]) -> None:
        self._desk = desk
        self._clock = clock

    async def list_quotas(self) -> admin_pb2.ListQuotasResponse:
        states = await self._desk.ask(self._desk.quotas.all)
        return admin_pb2.ListQuotasResponse(quotas=[to_quota(state, self._clock()) for state in states])

    async def set_quota(self, request: admin_pb2.SetQuotaRequest) -> admin_pb2.SetQuotaResponse:
        tenant_id = check_id(request.tenant_id, "tenant_id")
        limits, weight = read_limits(request.limits, "limits"), None
        if request.HasField("weight"):
            try:
                weight = check_weight(request.weight, "weight")
            except ValueError as error:
                raise InvalidFieldError(str(error), field="weight") from error
        quotas = self._desk.quotas
        state = await self._desk.ask(lambda: quotas.set(tenant_id, limits, weight))
        return admin_pb2.SetQuotaResponse(quota=to_quota(state, self._clock()))
