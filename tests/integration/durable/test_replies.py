"""What replies say of what is in effect after a session went elsewhere, or back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc.aio

from nacre.v1 import admin_pb2, admin_pb2_grpc, quota_pb2, session_pb2, session_pb2_grpc
from tests.integration.durable.harness import service, take

TENANT = "default"


async def test_replies_say_where_a_session_goes_on_and_what_its_tenant_may_use(tmp_path: Path) -> None:
    async with service(tmp_path, num_workers=2) as kept, grpc.aio.insecure_channel(kept.server.address) as channel:
        admin: Any = admin_pb2_grpc.AdminServiceStub(channel)
        sessions: Any = session_pb2_grpc.SessionServiceStub(channel)
        limits = quota_pb2.Limits(concurrent_sessions=9)
        await admin.SetQuota(admin_pb2.SetQuotaRequest(tenant_id=TENANT, limits=limits))
        session = await kept.client.create(prompt="a quiet street", seed=5)
        async with session.enter(video="rgb", audio="pcm") as world:
            await take(world, 4)
            moved = await admin.MoveSession(admin_pb2.MoveSessionRequest(session_id=session.id))
            assert moved.worker_id == kept.workers[1].worker_id
            assert moved.chunk_index >= 4
            await take(world, 4)
            request = session_pb2.RewindSessionRequest(session_id=session.id, chunk_index=2)
            rewound = await sessions.RewindSession(request)
            assert (rewound.chunk_index, rewound.session.session_id) == (2, session.id)
            assert rewound.session.limits == limits
            assert rewound.branch_session_id not in ("", session.id)
