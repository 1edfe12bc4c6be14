"""Either end of a lane killed outright: the other notices, goes on, and nothing is left behind."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from serving.stages.outbox import Outbox
from serving.stages.routes import Route, transport_by
from tests.integration.stages.play import WAIT_S, eventually
from tests.integration.stages.test_transport import LANES, OPENING, PartOutbox, decoder_worker, mapped_rings
from tests.unit.serving.stages.test_decoder import latents

SHARED_FOLDER = Path("/dev/shm")


def shared_files() -> set[str]:
    return {each.name for each in SHARED_FOLDER.iterdir() if "nacre" in each.name}


@asynccontextmanager
async def peer(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.stages.lane_peer", *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(WAIT_S):
        return (await process.stdout.readline()).decode().strip()


async def test_a_decoder_worker_that_is_killed_leaves_no_memory_behind() -> None:
    left_before = shared_files()
    async with peer(Route.SHARED_MEMORY) as process, asyncio.timeout(WAIT_S):
        lost = Outbox[str]()
        transport = transport_by(Route.SHARED_MEMORY, await line(process), "127.0.0.1")
        async with transport.connect(OPENING, lost.put) as link:
            link.send(latents(0))
            await eventually(lambda: link._lane.is_ready)  # pyright: ignore[reportAttributeAccessIssue]
            for chunk_idx in range(1, 4):
                link.send(latents(chunk_idx))
            assert mapped_rings()
            assert mapped_rings(str(process.pid))
            process.kill()
            assert "decoder worker" in str(await lost.get())
            link.send(latents(4))  # of no effect
            assert not mapped_rings()
    assert shared_files() <= left_before


@pytest.mark.parametrize("route", LANES)
async def test_a_transformer_worker_that_is_killed_takes_its_session_along_and_no_other(route: Route) -> None:
    async with decoder_worker(route) as wire, asyncio.timeout(WAIT_S):
        address = wire.transport._address  # pyright: ignore[reportAttributeAccessIssue]
        others = PartOutbox()
        wire.stage.watch("b", others)
        async with peer(route, address) as process:
            assert await line(process) == "carried"
            assert wire.stage.num_sessions == 1
            process.kill()
            await eventually(lambda: wire.stage.num_sessions == 0)
        assert not mapped_rings()
        other = type(OPENING)(session_id="b", seed=4)
        async with wire.transport.connect(other, lambda message: None) as link:
            link.send(latents(0))
            assert await others.get() is not None
