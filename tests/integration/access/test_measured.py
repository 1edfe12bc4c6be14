"""Whose calls are measured as whose."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nacre.v1 import session_pb2
from observability.metric_table import GATEWAY_ROWS
from observability.metrics import GatewayMetrics, ProcessMetrics
from serving.access.roles import Role
from tests.integration.access.harness import bearer, door
from tests.integration.gateway.harness import refusal


async def test_b12_what_is_refused_is_counted_for_the_tenant_that_asked(tmp_path: Path) -> None:
    process = ProcessMetrics(GATEWAY_ROWS)

    def errors(tenant: str, reason: str) -> Any:
        return process.registry.get_sample_value("nacre_errors_total", {"tenant": tenant, "reason": reason})

    async with door(tmp_path, metrics=GatewayMetrics(process)) as gate:
        gate.library.tenants.create("acme")
        _, key = gate.key(Role.OWNER, "acme")
        missing = session_pb2.GetSessionRequest(session_id="s-1")
        refused = await refusal(gate.sessions.GetSession(missing, metadata=bearer(key)))
        assert refused.reason == "SESSION_NOT_FOUND"
        assert (await refusal(gate.sessions.GetSession(missing))).reason == "UNAUTHENTICATED"
        call = gate.sessions.Play(metadata=bearer(key))
        await call.write(session_pb2.PlayRequest())
        assert (await refusal(call.read())).reason == "ATTACH_EXPECTED"
    assert errors("acme", "SESSION_NOT_FOUND") == 1
    assert errors("acme", "ATTACH_EXPECTED") == 1
    assert errors("_nobody", "UNAUTHENTICATED") == 1
    assert errors("default", "SESSION_NOT_FOUND") is None
