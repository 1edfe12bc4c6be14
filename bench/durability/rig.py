"""A service to be hurt: with its workers in sight, and a client of its own."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import grpc.aio
import psutil

import nacre
from bench.hardware import ROOT
from bench.service import RunningService, ServiceConfig
from nacre.v1 import admin_pb2, admin_pb2_grpc
from serving.catalogue.database import Database
from serving.catalogue.sessions import Sessions
from serving.catalogue.storage import storage_config

LOG = ROOT / "out" / "bench" / "durability.log"
WORKER_TIMEOUT_S = 90.0
POLL_S = 0.2
NUM_WITH_SPARE = 2
SNAPSHOT_EVERY_CHUNKS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class DurabilityConfig:
    kills: int = 50
    moves: int = 20
    forks: int = 20
    saves: int = 20
    rewinds: int = 3
    rewind_s: float = 60.0
    parked: int = 64
    seed: int = 1
    model: str = "pearl-xs"


@dataclass(slots=True)
class Bench:
    """A service with a warm spare, and one who plays it."""

    client: nacre.Client
    admin: admin_pb2_grpc.AdminServiceAsyncStub
    database: Database
    config: DurabilityConfig
    faults: list[str] = field(default_factory=list)

    async def worker_pid(self, session_id: str) -> int:
        """The worker process that holds a session. The gateway holds it until the worker renews the lease for the
        first time. Raises TimeoutError."""
        async with asyncio.timeout(WORKER_TIMEOUT_S):
            while True:
                pid = self._owner_pid(session_id)
                if pid is not None and is_worker(pid):
                    return pid
                await asyncio.sleep(POLL_S)

    async def create(self) -> nacre.Session:
        return await self.client.create(prompt="a quiet street at dusk", seed=7)

    def _owner_pid(self, session_id: str) -> int | None:
        owner = Sessions(self.database).find(session_id).lease.owner
        return pid_of(owner) if owner else None


def pid_of(worker_id: str) -> int:
    """It ends with the pid and a few random digits."""
    return int(worker_id.split("-")[-2])


def is_worker(pid: int) -> bool:
    """Whether a transformer lives there; Ray writes a replica's name where its command was."""
    with suppress(psutil.NoSuchProcess):
        return "Transformer" in " ".join(psutil.Process(pid).cmdline())
    return False


@asynccontextmanager
async def rig(config: DurabilityConfig, replicas: int) -> AsyncIterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="nacre-bench-") as folder:
        arguments = (
            f"--model={config.model}",
            f"--replicas={replicas}",
            f"--data-folder={folder}",
            f"--snapshot-every-chunks={SNAPSHOT_EVERY_CHUNKS}",
        )
        service = RunningService(ServiceConfig(log=LOG, arguments=arguments))
        try:
            await asyncio.to_thread(service.__enter__)
            url = storage_config(folder).catalogue_url
            with Database(url) as database:
                async with (
                    nacre.connect(service.address, timeout_s=60) as client,
                    grpc.aio.insecure_channel(service.address) as channel,
                ):
                    yield Bench(client, admin_pb2_grpc.AdminServiceStub(channel), database, config)
        finally:
            await asyncio.to_thread(service.stop)


async def wait_for_spare(bench: Bench) -> None:
    """Until two workers say that they live: the one that plays, and another that could."""
    async with asyncio.timeout(WORKER_TIMEOUT_S):
        while True:
            listed = await bench.admin.ListWorkers(admin_pb2.ListWorkersRequest(), timeout=10)
            # One that was just killed counts as up for a while yet.
            alive = [worker for worker in listed.workers if is_worker(pid_of(worker.worker_id))]
            if sum(worker.state == admin_pb2.WORKER_STATE_UP for worker in alive) >= NUM_WITH_SPARE:
                return
            await asyncio.sleep(POLL_S)
