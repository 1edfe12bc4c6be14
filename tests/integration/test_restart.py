"""The service is killed while it plays, and started again: its client goes on in the same world."""

from __future__ import annotations

import asyncio
import itertools
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
from serving.access.principal import DEFAULT_TENANT
from serving.books.chain import Book, BookId, Row
from serving.books.ledger import Ledger, RowFilter
from serving.books.meter import HELD_CHUNKS
from serving.books.usage import SESSION, read_usage, total_usage
from serving.catalogue.database import Database, sqlite_url
from serving.catalogue.storage import CATALOGUE_FILE

ROOT = Path(__file__).resolve().parents[2]
MODEL = "tests.fakes_model:load"
READY_TIMEOUT_S = 90.0
POLL_S = 0.1
KILL_AT_CHUNK, LAST_CHUNK = 45, 70
# So that there are rows of the life that ends early. Written a moment later, on a machine that may be busy.
BOOKS = "[books]\nrow_every_s = 0.2\n"
MAX_UNWRITTEN_CHUNKS = HELD_CHUNKS + 20
BILLED_TIMEOUT_S = 20.0
OWN = BookId(Book.USAGE, DEFAULT_TENANT)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextmanager
def service(port: int, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Ready in one process, without Ray; killed at the end of the block."""
    options = ["--model", MODEL, "--port", str(port), "--metrics-port", "0", "--snapshot-every-chunks", "10"]
    settings = folder.parent / "nacre.toml"
    settings.write_text(BOOKS)
    options += ["--config", str(settings)]
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
    """Walk, see the service die at a chunk, and stay until all is shown."""
    chunks: list[nacre.Chunk] = []
    is_killed = is_ended = False
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
                if chunk.index >= LAST_CHUNK and not is_ended:
                    is_ended = True
                    await session.end()  # what was on its way comes
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
                await asyncio.to_thread(wait_billed, folder, max(chunk.index for chunk in chunks))
        finally:
            is_over.set()
            died.set()
            await restarting
    by_index: dict[int, nacre.Chunk] = {}
    for chunk in chunks:
        seen = by_index.setdefault(chunk.index, chunk)
        np.testing.assert_array_equal(seen.frames[0].rgb, chunk.frames[0].rgb)
    assert sorted(by_index) == list(range(max(by_index) + 1))
    assert max(by_index) >= LAST_CHUNK
    assert_replays(folder)
    assert_billed(folder, [len(chunk.frames) for chunk in by_index.values()])


def read_rows(folder: Path) -> list[Row]:
    with Database(sqlite_url(folder / CATALOGUE_FILE)) as database:
        assert Ledger(database).verify(OWN) is None
        return Ledger(database).read(OWN, RowFilter(kind=SESSION))


def chunks_by_epoch(rows: list[Row]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for row in rows:
        for first, last in row.fields["chunks"]:
            found.setdefault(row.fields["epoch"], []).extend(range(first, last + 1))
    return found


def wait_billed(folder: Path, chunk_idx: int) -> None:
    """Of a session that ended in order the last row comes a moment later."""
    give_up_s = time.monotonic() + BILLED_TIMEOUT_S
    while chunk_idx not in itertools.chain.from_iterable(chunks_by_epoch(read_rows(folder)).values()):
        assert time.monotonic() < give_up_s, "of the life that ended in order the last chunk is not billed"
        time.sleep(POLL_S)


def assert_billed(folder: Path, frames_by_chunk: list[int]) -> None:
    """Nothing that the client did not get, nothing twice; and all but the last moments of the life that was cut
    short."""
    rows = read_rows(folder)
    by_epoch = chunks_by_epoch(rows)
    billed = sorted(chunk_idx for each in by_epoch.values() for chunk_idx in each)
    assert len(set(billed)) == len(billed), "a chunk is billed once, whichever gateway brought it"
    assert set(billed) <= set(range(len(frames_by_chunk)))
    usage = total_usage(read_usage(rows))
    num_billed = usage.num_frames + usage.num_blank_frames + usage.num_frozen_frames
    assert num_billed == sum(frames_by_chunk[chunk_idx] for chunk_idx in billed)
    assert len(by_epoch) == 2, "both lives are on the bill"
    assert len(frames_by_chunk) - MAX_UNWRITTEN_CHUNKS <= len(billed) <= len(frames_by_chunk)


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
