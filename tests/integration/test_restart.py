"""The service is killed while it plays, and started again: its client goes on in the same world."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

import nacre
from nacre.resume import ResumePolicy

ROOT = Path(__file__).resolve().parents[2]
MODEL = "tests.fakes_model:load"
READY_TIMEOUT_S = 90.0
POLL_S = 0.1
KILL_AT_CHUNK, LAST_CHUNK = 30, 70


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextmanager
def service(port: int, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Ready in one process, without Ray; killed at the end of the block."""
    options = ["--model", MODEL, "--port", str(port), "--metrics-port", "0", "--snapshot-every-chunks", "10"]
    command = [sys.executable, "-m", "serving", "--local", "--data-folder", str(folder), *options]
    log = folder.parent / f"log-{time.monotonic_ns()}"
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)
    try:
        give_up_s = time.monotonic() + READY_TIMEOUT_S
        while b"READY" not in log.read_bytes():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < give_up_s, log.read_text()
            time.sleep(POLL_S)
        yield process
    finally:
        process.kill()
        process.wait()


async def play(port: int, process: subprocess.Popen[bytes], restarted: asyncio.Event) -> list[nacre.Chunk]:
    """Walk, see the service die at a chunk, and stay until the last."""
    chunks: list[nacre.Chunk] = []
    is_killed = False
    async with nacre.connect(f"127.0.0.1:{port}") as client:
        session = await client.create(prompt="a quiet street at dusk")
        policy = ResumePolicy(max_attempts=200, max_delay_s=0.5)
        async with session.enter(video="rgb", audio="pcm", resume=policy) as world:
            world.move(forward=1.0)
            async for chunk in world:
                chunks.append(chunk)
                if chunk.index == 10:
                    await world.say("it starts to rain")
                if chunk.index == KILL_AT_CHUNK and not is_killed:
                    is_killed = True
                    process.send_signal(signal.SIGKILL)
                    restarted.set()
                if chunk.index >= LAST_CHUNK:
                    break
        await session.end()
    return chunks


async def restart(port: int, folder: Path, died: asyncio.Event, is_over: asyncio.Event) -> None:
    await died.wait()
    starting = service(port, folder)
    await asyncio.to_thread(starting.__enter__)
    await is_over.wait()
    await asyncio.to_thread(starting.__exit__, None, None, None)


async def test_a_client_goes_on_in_its_world_after_the_service_was_killed(tmp_path: Path) -> None:
    port, folder = free_port(), tmp_path / "data"
    died, is_over = asyncio.Event(), asyncio.Event()
    with service(port, folder) as process:
        restarting = asyncio.create_task(restart(port, folder, died, is_over))
        try:
            async with asyncio.timeout(150):
                chunks = await play(port, process, died)
        finally:
            is_over.set()
            died.set()
            await restarting
    by_index: dict[int, nacre.Chunk] = {}
    for chunk in chunks:
        seen = by_index.setdefault(chunk.index, chunk)
        np.testing.assert_array_equal(seen.frames[0].rgb, chunk.frames[0].rgb)
    assert sorted(by_index) == list(range(LAST_CHUNK + 1))
    assert_replays(folder)


def assert_replays(folder: Path) -> None:
    """The whole session, over the death, is what its journal makes without one."""
    cli = [sys.executable, "-m", "serving.cli.app"]
    listing = subprocess.run(
        [*cli, "sessions", "--json", "--data-folder", folder], cwd=ROOT, capture_output=True, check=True
    )
    [listed] = json.loads(listing.stdout)
    command = [*cli, "replay", listed["session_id"], "--json", "--model", MODEL, "--data-folder", folder]
    replayed = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    assert json.loads(replayed.stdout)["num_compared"] > LAST_CHUNK
    assert (listed["state"], listed["epoch"]) == ("ended", 2)
