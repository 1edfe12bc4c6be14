"""The calls of those who run the service."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import grpc
import grpc.aio
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

import nacre
from nacre.v1 import admin_pb2, admin_pb2_grpc
from tests.unit.sdk.scripted_service import Context, abort


def worker(state: admin_pb2.WorkerState) -> admin_pb2.Worker:
    return admin_pb2.Worker(
        worker_id="box-1-a",
        state=state,
        model="toy",
        num_slots=3,
        num_used_slots=2,
        start_time=Timestamp(seconds=10),
        seen_time=Timestamp(seconds=20),
    )


@dataclass
class ScriptedAdmin(admin_pb2_grpc.AdminServiceServicer):
    asked: list[str] = field(default_factory=list)

    async def ListWorkers(  # noqa: N802
        self, request: admin_pb2.ListWorkersRequest, context: Context
    ) -> admin_pb2.ListWorkersResponse:
        states = (admin_pb2.WORKER_STATE_UP, admin_pb2.WORKER_STATE_LOST)
        return admin_pb2.ListWorkersResponse(workers=[worker(state) for state in states])

    async def DrainWorker(  # noqa: N802
        self, request: admin_pb2.DrainWorkerRequest, context: Context
    ) -> admin_pb2.DrainWorkerResponse:
        self.asked.append(f"drain {request.worker_id}")
        if request.worker_id == "nobody":
            await abort(context, grpc.StatusCode.NOT_FOUND, "WORKER_NOT_FOUND", field_path="worker_id")
        return admin_pb2.DrainWorkerResponse(worker=worker(admin_pb2.WORKER_STATE_DRAINING))

    async def UndrainWorker(  # noqa: N802
        self, request: admin_pb2.UndrainWorkerRequest, context: Context
    ) -> admin_pb2.UndrainWorkerResponse:
        self.asked.append(f"undrain {request.worker_id}")
        return admin_pb2.UndrainWorkerResponse(worker=worker(admin_pb2.WORKER_STATE_DRAINED))

    async def MoveSession(  # noqa: N802
        self, request: admin_pb2.MoveSessionRequest, context: Context
    ) -> admin_pb2.MoveSessionResponse:
        self.asked.append(f"move {request.session_id}")
        return admin_pb2.MoveSessionResponse()


@pytest.fixture
def scripted() -> ScriptedAdmin:
    return ScriptedAdmin()  # pyright: ignore[reportAbstractUsage]  # what it leaves out is answered with UNIMPLEMENTED


@pytest.fixture
async def client(scripted: ScriptedAdmin) -> AsyncIterator[nacre.Client]:
    async with _served(scripted) as port, nacre.connect(f"127.0.0.1:{port}") as client:
        yield client


@contextlib.asynccontextmanager
async def _served(scripted: ScriptedAdmin) -> AsyncIterator[int]:
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    admin_pb2_grpc.add_AdminServiceServicer_to_server(scripted, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield port
    finally:
        await server.stop(None)


async def test_workers_come_as_plain_values(client: nacre.Client) -> None:
    up, lost = await client.admin.workers()
    assert (up.state, lost.state) == ("up", "lost")
    assert up == nacre.Worker(
        worker_id="box-1-a",
        state="up",
        model="toy",
        num_slots=3,
        num_used_slots=2,
        started_at=datetime.fromtimestamp(10, UTC),
        seen_at=datetime.fromtimestamp(20, UTC),
    )


async def test_draining_and_moving_name_what_they_are_about(client: nacre.Client, scripted: ScriptedAdmin) -> None:
    assert (await client.admin.drain("box-1-a")).state == "draining"
    assert (await client.admin.undrain("box-1-a")).state == "drained"
    await client.admin.move("s-1")
    await client.admin.move(client.session("s-2"))
    assert scripted.asked == ["drain box-1-a", "undrain box-1-a", "move s-1", "move s-2"]


async def test_a_worker_there_is_none_of_is_a_typed_error(client: nacre.Client) -> None:
    with pytest.raises(nacre.NotFound) as caught:
        await client.admin.drain("nobody")
    assert (caught.value.reason, caught.value.field) == ("WORKER_NOT_FOUND", "worker_id")
