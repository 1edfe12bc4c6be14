"""Starting, stopping, and what is left: nothing."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
from pathlib import Path

import psutil
import pytest

import nacre
from serving.gateway.config import GatewayConfig
from tests.cluster.conftest import ROOT, command, started

pytestmark = pytest.mark.timeout(500)

LINGER_S = 5.0
TAKE_TIMEOUT_S = 60.0
OUT_OF_ORDER = "did not end in order"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def assert_nothing_left(family: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(family, timeout=LINGER_S)
    assert [" ".join(each.cmdline()) for each in alive] == []


def test_two_starts_in_a_row_on_one_port_leave_nothing(tmp_path: Path) -> None:
    port = free_port()
    for number in (signal.SIGINT, signal.SIGTERM):
        with started(tmp_path / number.name, "--port", str(port)) as service:
            assert service.address == f"127.0.0.1:{port}"
            family = service.descendants()
            assert len(family) >= 4
            assert service.stop(number) == 0, service.text
            assert OUT_OF_ORDER not in service.text
            assert_nothing_left(family)
            assert list(service.temporary.iterdir()) == []


def test_a_service_whose_gateway_is_dead_stops_nevertheless(tmp_path: Path) -> None:
    with started(tmp_path / "log", "--port", "0") as service:
        family = service.descendants()
        service.replica("ServeReplica:nacre:Gateway").kill()
        assert service.stop(signal.SIGTERM) == 0, service.text
        assert f"Gateway {OUT_OF_ORDER}" in service.text
        assert_nothing_left(family)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_local_service_stops_in_order(tmp_path: Path, number: signal.Signals) -> None:
    with started(tmp_path / "log", "--local", "--port", "0") as service:
        assert service.descendants() == []
        assert service.stop(number) == 0, service.text


@pytest.mark.parametrize("kind", ["--local", "--cluster"])
async def test_sessions_are_there_again_after_a_stop_and_a_start(tmp_path: Path, kind: str) -> None:
    """One that plays, one that is paused and one that its client just left: each where it was, with its world's axes
    as they were held."""
    arguments = (kind, "--port", "0", "--web-port", "0", "--slots", "3", "--data-folder", str(tmp_path / "data"))
    with started(tmp_path / "log-1", *arguments) as service:
        async with nacre.connect(service.address) as client:
            sessions = [await client.create(prompt="a quiet street at dusk", seed=seed) for seed in (1, 2, 3)]
            playing, paused, left = sessions
            shown = {left.id: await walk(left), paused.id: await walk(paused)}
            await paused.pause()
            async with playing.enter(video="rgb", audio="pcm") as world:
                await world.move(forward=1.0)
                shown[playing.id] = await take(world, 10)
                stopping = asyncio.create_task(asyncio.to_thread(service.stop, signal.SIGTERM))
                with pytest.raises(nacre.SessionEnded, match="service stopping"):
                    async for chunk in world:
                        shown[playing.id].append(chunk)
            assert await stopping == 0, service.text
        assert "without a last snapshot" not in service.text
    with started(tmp_path / "log-2", *arguments) as service:
        async with nacre.connect(service.address) as client:
            for before in sessions:
                session = client.session(before.id, before.resume_token)
                assert (await session.state()).state == "parked"
                async with session.enter(video="rgb", audio="pcm") as world:
                    chunks = await take(world, 6)
                last = shown[before.id][-1]
                assert last.index < chunks[0].index <= last.index + GatewayConfig().window_chunks + 1
                assert chunks[-1].pose != chunks[0].pose, "it walks on"
                if before is playing:
                    assert chunks[0].index == last.index + 1
                await session.park()


async def walk(session: nacre.Session) -> list[nacre.Chunk]:
    async with session.enter(video="rgb", audio="pcm") as world:
        await world.move(forward=1.0)
        return await take(world, 8)


async def take(world: nacre.World, num_chunks: int) -> list[nacre.Chunk]:
    async with asyncio.timeout(TAKE_TIMEOUT_S):
        return [await anext(world) for _ in range(num_chunks)]


@pytest.mark.parametrize("kind", ["--local", "--cluster"])
def test_a_port_in_use_is_a_clear_error(kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        ended = subprocess.run(
            command(kind, "--port", str(port)), cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
        )
    assert ended.returncode == 2
    assert f"127.0.0.1:{port}" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("kind", ["--local", "--cluster"])
def test_a_model_there_is_none_of_is_a_clear_error(kind: str) -> None:
    arguments = [*command(kind, "--port", "0"), "--model", "pearl-none"]
    ended = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 2
    assert "pearl-none" in ended.stderr
    assert "Traceback" not in ended.stderr
