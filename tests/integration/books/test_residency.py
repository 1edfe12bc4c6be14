"""A tenant that is pinned to a region never has a byte written elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

import nacre
from serving.access.config import AccessConfig
from serving.access.roles import Role
from serving.catalogue.library import Library
from serving.catalogue.plane import catalogued
from serving.catalogue.regions import Region
from serving.catalogue.storage import StorageConfig, prepare_storage, storage_config
from serving.engine.engine import EngineConfig
from serving.errors import SessionStateError
from serving.gateway.config import GatewayConfig
from serving.gateway.server import GatewayServer
from serving.local import LocalPlane
from serving.sessions.names import region_of
from serving.stages.host import WorkerConfig
from serving.stages.stage import Stage
from tests.fakes_model import FakeModel


@dataclass(frozen=True, kw_only=True)
class Place:
    folder: Path
    server: GatewayServer
    library: Library

    def client(self, tenant_id: str) -> nacre.Client:
        if self.library.tenants.find(tenant_id) is None:
            self.library.tenants.create(tenant_id)
        _, text = self.library.keys.create(tenant_id, Role.OWNER)
        return nacre.connect(self.server.address, token=text)

    def files(self, name: str) -> list[Path]:
        return sorted(each for each in (self.folder / name).rglob("*") if each.is_file())

    def holding(self, session_id: str) -> set[str]:
        """The folders and stores in which the session is named or written about."""
        files = [each for each in self.folder.rglob("*") if each.is_file()]
        named = [each for each in files if session_id in str(each) or session_id.encode() in each.read_bytes()]
        return {str(each.relative_to(self.folder).parts[0]) for each in named}


def storage_in(folder: Path, *names: str) -> StorageConfig:
    regions = [Region(name=each, snapshots=str(folder / each / "store"), spool=str(folder / each)) for each in names]
    return storage_config(str(folder / "home"), snapshot_every_chunks=2, regions=tuple(regions))


@asynccontextmanager
async def place(folder: Path, *regions: str) -> AsyncIterator[Place]:
    storage = storage_in(folder, *regions)
    prepare_storage(storage)
    engine = EngineConfig(num_slots=4, snapshot_every_chunks=2)
    worker = WorkerConfig(stages=frozenset(Stage), storage=storage, engine=engine)
    access = AccessConfig(is_on=True, own_key_file=str(folder / "signing.key"))
    async with LocalPlane(FakeModel(), worker) as local, catalogued(local, storage) as kept:
        config = GatewayConfig(port=0, drain_s=0.1, access=access)
        async with GatewayServer(kept, config, catalogue=kept) as server:
            yield Place(folder=folder, server=server, library=kept.library)


async def play(client: nacre.Client) -> nacre.Session:
    """With all that writes: snapshots, a saved world, a rewind, an end."""
    session = await client.create(prompt="a quiet street at dusk", seed=7)
    async with session.enter(video="rgb") as world, asyncio.timeout(30):
        for _ in range(8):
            await anext(world)
        await session.save("dusk")
        await session.rewind(chunk_index=2)
        await anext(world)
    await session.end()
    return session


async def test_e02_no_byte_of_a_pinned_tenant_is_written_outside_its_region(tmp_path: Path) -> None:
    async with place(tmp_path, "eu", "us") as service:
        service.library.residency.pin("acme", "eu")
        async with service.client("acme") as pinned, service.client("beta") as free:
            mine, other = await play(pinned), await play(free)
            assert region_of(mine.id) == "eu"
            assert region_of(other.id) == ""
            tree = {branch.session_id for branch in await mine.branches()}
            assert {region_of(each) for each in tree} == {"eu"}, "what a rewind keeps is in the region too"
            loaded = await pinned.load(name="dusk")
            assert region_of(loaded.id) == "eu"
            await loaded.end()
        for session_id in (*tree, loaded.id):
            assert service.holding(session_id) - {"home"} <= {"eu"}
            named = [each for each in service.files("home") if session_id in str(each)]
            assert not named, "in the home folder only the catalogue knows of it"
        assert service.holding(other.id) == {"home"}
        assert service.files("eu")
        assert not [each for each in service.files("us") if "store" in each.parts]
        assert not [each for each in service.files("home") if "s-eu-" in str(each)]


async def test_e02_a_service_without_the_region_refuses_with_a_reason(tmp_path: Path) -> None:
    async with place(tmp_path / "one", "eu") as service:
        service.library.residency.pin("acme", "us")
        async with service.client("acme") as client:
            with pytest.raises(nacre.NacreError) as refused:
                await client.create(prompt="a quiet street at dusk")
            assert getattr(refused.value, "reason", "") == "REGION_REFUSED"


async def test_e02_a_world_does_not_leave_its_region_by_a_link(tmp_path: Path) -> None:
    async with place(tmp_path, "eu") as service:
        service.library.residency.pin("acme", "eu")
        async with service.client("acme") as pinned, service.client("beta") as free:
            session = await pinned.create(prompt="a quiet street at dusk", seed=7)
            async with session.enter(video="rgb") as world:
                await anext(world)
                link = await session.share("fork", seconds=60)
                with pytest.raises(nacre.NacreError) as refused:
                    await free.open_share(link.token)
            assert getattr(refused.value, "reason", "") == "REGION_REFUSED"


async def test_e02_a_tenant_that_has_sessions_cannot_be_pinned(tmp_path: Path) -> None:
    async with place(tmp_path, "eu") as service, service.client("acme") as client:
        await client.create(prompt="a quiet street at dusk")
        with pytest.raises(SessionStateError, match="sessions already"):
            service.library.residency.pin("acme", "eu")
