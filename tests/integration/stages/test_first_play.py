"""A worker has played a world, and gone on with one, before anybody is sent to it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from serving.catalogue.database import Database
from serving.catalogue.schema import sessions
from serving.catalogue.storage import StorageConfig, prepare_storage, storage_config
from serving.errors import WorkerUnavailableError
from serving.first_play import play_first
from serving.stages.host import StageHost, WorkerConfig
from serving.stages.stage import DECODERS
from tests.fakes_model import INFO
from tests.integration.durable.harness import FaultyModel, worker


@pytest.fixture
def storage(tmp_path: Path) -> StorageConfig:
    found = storage_config(str(tmp_path))
    prepare_storage(found)
    return found


async def until_idle(host: StageHost) -> None:
    assert host.transformer is not None
    async with asyncio.timeout(10):
        while host.transformer.engine.num_used_slots:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("controls", [("move", "look", "directive", "image"), ("move", "image")])
async def test_it_plays_goes_on_and_leaves_nothing(storage: StorageConfig, controls: tuple[str, ...]) -> None:
    model = FaultyModel(replace(INFO, controls=controls))
    transformer: Any = model.transformer
    restored, restore = list[Any](), transformer.restore
    transformer.restore = lambda snapshot: (restored.append(snapshot), restore(snapshot))[1]
    async with worker(model, storage, 1) as host:
        await play_first(host)
        assert len(restored) == 1
        assert int(restored[0]["next_chunk_idx"]) == 2
        assert len(model.transformer.num_steps) >= 4
        await until_idle(host)
    with Database(storage.catalogue_url) as database, database.read() as connection:
        assert connection.execute(select(func.count()).select_from(sessions)).scalar() == 0


async def test_one_that_cannot_play_says_so_and_serves_nobody(storage: StorageConfig) -> None:
    model = FaultyModel(INFO)
    model.transformer.is_broken = True
    async with worker(model, storage, 1) as host:
        with pytest.raises(WorkerUnavailableError):
            await play_first(host)


async def test_one_of_several_processes_waits_for_the_whole_service(storage: StorageConfig) -> None:
    model = FaultyModel(INFO)
    host = StageHost(model, WorkerConfig(stages=DECODERS, storage=storage))
    await host.load()
    try:
        await host.listen()
        await play_first(host)
    finally:
        await host.close()
    assert model.transformer.num_steps == []
