"""A tenant that is pinned to a region never has a byte written elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

import nacre
from serving.access.config import AccessConfig
from serving.access.roles import Role
from serving.catalogue.database import Database, sqlite_url
from serving.catalogue.library import Library
from serving.catalogue.plane import catalogued
from serving.catalogue.regions import Region, Residency
from serving.catalogue.storage import StorageConfig, prepare_storage, storage_config
from serving.engine.config import EngineConfig
from serving.errors import RegionRefusedError, SessionStateError
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
    """The catalogue lies in the first of the regions."""
    regions = [Region(name=each, snapshots=str(folder / each / "store"), spool=str(folder / each)) for each in names]
    return storage_config(
        str(folder / "home"),
        sqlite_url(folder / names[0] / "catalogue" / "catalogue.db"),
        snapshot_every_chunks=2,
        regions=tuple(regions),
        catalogue_region=names[0],
    )


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


async def play(client: nacre.Client, mark: str = "") -> nacre.Session:
    """With all that writes: snapshots, a saved world, a rewind, a refusal, an end. `mark` is in every text."""
    session = await client.create(prompt=f"a quiet street at dusk {mark}", seed=7, licence=f"CC0 {mark}")
    async with session.enter(video="h264") as world, asyncio.timeout(30):
        said = world.say(f"it starts to rain {mark}")
        for _ in range(8):
            await anext(world)
        await said
        await session.save("dusk", note=f"before the rain {mark}")
        await session.share("view", seconds=60)
        await session.rewind(chunk_index=2)
        await anext(world)
    with pytest.raises(nacre.NacreError):
        await client.load(name=f"nowhere {mark}")
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
            assert service.holding(session_id) == {"eu"}
        assert service.holding(other.id) == {"home", "eu"}, "the catalogue of all lies in eu"
        assert service.files("eu")
        assert not [each for each in service.files("us") if "store" in each.parts]
        assert not [each for each in service.files("home") if "s-eu-" in str(each)]


async def test_e02_not_a_word_of_a_pinned_tenant_lies_outside_its_region(tmp_path: Path) -> None:
    """Byte by byte: names, words, notes, ids, in tables, journals, books, snapshots, recordings and what waits."""
    mark = "marked-3f9a61"
    async with place(tmp_path, "eu", "us") as service:
        service.library.residency.pin("acme", "eu")
        service.library.tenants.create("acme", f"Acme {mark}")
        _, text = service.library.keys.create("acme", Role.OWNER, name=f"server {mark}")
        async with nacre.connect(service.server.address, token=text) as pinned:
            session = await play(pinned, mark)
            world = await pinned.import_world(await exported(pinned, mark), f"brought {mark}")
            assert region_of(world.session_id) == "eu"
            await pinned.mint_token("viewer")
        assert_only_in(tmp_path, "eu", (mark, session.id, "acme"))
    assert_only_in(tmp_path, "eu", (mark, session.id, "acme"))  # what is written last of all, too


def assert_only_in(folder: Path, region: str, marks: tuple[str, ...]) -> None:
    written = {each.relative_to(folder): each.read_bytes() for each in folder.rglob("*") if each.is_file()}
    for mark in marks:
        holding = [path for path, data in written.items() if mark in str(path) or mark.encode() in data]
        assert holding, "it is written nowhere at all"
        assert {path.parts[0] for path in holding} == {region}, (mark, holding)


async def exported(client: nacre.Client, mark: str) -> bytes:
    session = await client.create(prompt=f"a harbour {mark}", seed=8)
    async with session.enter(video="rgb") as world, asyncio.timeout(30):
        await anext(world)
        data = await session.export()
    await session.end()
    return data


def test_e02_a_tenant_is_pinned_to_no_region_that_the_catalogue_is_not_in(tmp_path: Path) -> None:
    """Its journals hold what the tenant says."""
    storage = storage_in(tmp_path, "eu", "us")
    prepare_storage(storage)
    with Database(storage.catalogue_url) as database:
        with pytest.raises(RegionRefusedError, match='catalogue_region = "us"'):
            Library(database, storage).residency.pin("acme", "us")
        for nowhere in (replace(storage, catalogue_region=""), replace(storage, catalogue_region="", regions=())):
            with pytest.raises(RegionRefusedError, match="catalogue_region"):
                Library(database, nowhere).residency.pin("acme", "eu")
        Library(database, storage).residency.pin("acme", "eu")
    with pytest.raises(ValueError, match="catalogue_region"):
        replace(storage, catalogue_region="moon")


def test_a_catalogue_does_not_lie_where_it_would_be_taken_for_what_a_dead_worker_left(tmp_path: Path) -> None:
    storage = storage_in(tmp_path, "eu")
    with pytest.raises(ValueError, match="spool folder"):
        replace(storage, catalogue_url=sqlite_url(tmp_path / "eu" / "catalogue.db"))


def test_e02_a_service_whose_catalogue_lies_elsewhere_does_not_start(tmp_path: Path) -> None:
    storage = storage_in(tmp_path, "eu", "us")
    prepare_storage(storage)
    with Database(storage.catalogue_url) as database:
        Library(database, storage).residency.pin("acme", "eu")
    prepare_storage(storage)
    for elsewhere in ("", "us"):
        with pytest.raises(RegionRefusedError, match="acme"):
            prepare_storage(replace(storage, catalogue_region=elsewhere))


async def test_e02_a_service_without_the_region_refuses_with_a_reason(tmp_path: Path) -> None:
    async with place(tmp_path / "one", "eu") as service:
        Residency(service.library.database, "us").pin("acme", "us")  # by a service whose settings say so
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
