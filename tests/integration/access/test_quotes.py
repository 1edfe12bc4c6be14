"""The price of a world is told to whoever may see the world."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration

from nacre.v1 import usage_pb2, usage_pb2_grpc, world_pb2
from serving.access.ownership import Ownership
from serving.access.roles import Role
from serving.catalogue.worlds import NewWorld
from tests.integration.access.harness import Door, bearer, door
from tests.integration.gateway.harness import QUICK, refusal

HOUR = Duration(seconds=3_600)


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Door]:
    async with door(tmp_path) as gate:
        yield gate


def save(gate: Door, tenant_id: str, world_id: str, session_id: str, model: str = QUICK.name) -> None:
    gate.library.worlds.add(
        NewWorld(
            world_id=world_id,
            name="dusk",
            session_id=session_id,
            epoch=1,
            chunk_idx=4,
            num_bytes=10,
            model=model,
            weights_sha256="",
            spec={"seed": 1},
            ownership=Ownership(tenant_id=tenant_id, owner_id="key:1"),
        )
    )


async def test_b03_one_asks_the_price_of_a_world_that_one_may_see(gate: Door) -> None:
    usage: Any = usage_pb2_grpc.UsageServiceStub(gate.channel)
    for tenant_id in ("acme", "rival"):
        gate.library.tenants.create(tenant_id)
    texts = {tenant_id: gate.key(Role.OWNER, tenant_id)[1] for tenant_id in ("acme", "rival")}
    keys = {tenant_id: bearer(text) for tenant_id, text in texts.items()}
    session_id = (await gate.create(texts["acme"])).session.session_id
    save(gate, "acme", "w-acme", session_id)
    save(gate, "acme", "w-old", session_id, model="another-model")

    def ask(tenant_id: str, **of: Any) -> Any:
        request = usage_pb2.GetQuoteRequest(duration=HOUR, num_viewers=2, **of)
        return usage.GetQuote(request, metadata=keys[tenant_id])

    quoted = await ask("acme", world_id="w-acme")
    assert (quoted.model, quoted.world_id) == (QUICK.name, "w-acme")
    assert quoted.num_frames == round(3_600 * QUICK.frame_rate)
    stranger, missing = await refusal(ask("rival", world_id="w-acme")), await refusal(ask("rival", world_id="w-none"))
    assert (stranger.reason, stranger.field) == ("WORLD_NOT_FOUND", "world_id")
    assert (stranger.code, stranger.reason, stranger.message) == (missing.code, missing.reason, missing.message)
    assert (await refusal(ask("acme", world_id="w-old"))).reason == "MODEL_UNKNOWN"
    spec = world_pb2.WorldSpec(prompt="a quiet street")
    assert (await ask("rival", world=spec)).bill == quoted.bill
    assert (await refusal(ask("rival", world=world_pb2.WorldSpec()))).reason == "WORLD_MISSING"
    assert (await ask("rival")).model == QUICK.name
