"""With one worker: what saving, forking, loading, going back and parking take."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from rich.progress import Progress

import nacre
from bench.durability.player import Player
from bench.durability.rig import Bench
from bench.statistics import percentile


async def measure_saves(bench: Bench, progress: Progress) -> dict[str, Any]:
    """Chunks that came late while the session was saved once a second, against as many seconds of the same walk
    without a save, taken by turns."""
    session = await bench.create()
    seconds: list[float] = []
    late = {True: 0, False: 0}
    task = progress.add_task("saves", total=bench.config.saves)
    saved: nacre.SavedWorld | None = None
    async with Player(session) as player:
        assert player.world is not None
        await player.play(25)
        for number in range(2 * bench.config.saves):
            is_saved, before, started_s = number % 2 == 0, player.num_late, time.monotonic()
            player.world.move(forward=0.3 if number % 4 < 2 else -0.3)
            if is_saved:
                saved = await session.save("bench")
                seconds.append(time.monotonic() - started_s)
                progress.advance(task)
            await asyncio.sleep(max(0.0, started_s + 1.0 - time.monotonic()))
            late[is_saved] += player.num_late - before
    bench.faults += player.faults
    return {
        "saves": len(seconds),
        "late_chunks": late[True],
        "late_chunks_without_saves": late[False],
        "save_p95_s": percentile(seconds, 95),
        "exact_bytes": 0 if saved is None else saved.num_bytes,
    }


async def _until_first_frame(session: nacre.Session) -> None:
    async with session.enter(video="rgb", audio="pcm") as world:
        await anext(world)


async def _timed(calls: Sequence[Callable[[], Awaitable[Any]]]) -> list[float]:
    seconds = []
    for call in calls:
        started_s = time.monotonic()
        await call()
        seconds.append(time.monotonic() - started_s)
    return seconds


async def measure_forks(bench: Bench, progress: Progress) -> dict[str, Any]:
    """From the call to the first frame of the fork, of a session that plays on."""
    session = await bench.create()
    task = progress.add_task("forks", total=bench.config.forks)

    async def fork() -> None:
        forked = await session.fork()
        await _until_first_frame(forked)
        forks.append(forked)

    forks: list[nacre.Session] = []
    seconds = []
    async with Player(session) as player:
        await player.play(50)
        for _ in range(bench.config.forks):
            seconds += await _timed([fork])
            await forks.pop().end()
            await player.play(5)
            progress.advance(task)
    bench.faults += player.faults
    return {
        "forks": len(seconds),
        "first_frame_p50_s": percentile(seconds, 50),
        "first_frame_p95_s": percentile(seconds, 95),
    }


async def measure_restores(bench: Bench, progress: Progress) -> dict[str, Any]:
    """From the call to an open session that goes on from a stored snapshot, on whichever worker."""
    session = await bench.create()
    async with Player(session) as player:
        assert player.world is not None
        player.world.move(forward=1.0)
        await player.play(75)
        saved = await session.save("restored")
        portable = await session.export()
    seconds, frame_seconds = [], []
    for _ in progress.track(range(bench.config.forks), description="restores"):
        started_s = time.monotonic()
        loaded = await bench.client.load(world_id=saved.world_id)
        seconds.append(time.monotonic() - started_s)
        await _until_first_frame(loaded)
        frame_seconds.append(time.monotonic() - started_s)
        await loaded.end()
    return {
        "restores": len(seconds),
        "restore_p50_s": percentile(seconds, 50),
        "restore_p95_s": percentile(seconds, 95),
        "first_frame_p95_s": percentile(frame_seconds, 95),
        "exact_bytes": saved.num_bytes,
        "portable_bytes": len(portable),
    }


async def measure_rewinds(bench: Bench, progress: Progress) -> dict[str, Any]:
    """From the call to the first new frame, of a session that plays."""
    session = await bench.create()
    config = bench.config
    seconds = []
    task = progress.add_task("rewinds", total=config.rewinds)
    async with Player(session) as player:
        assert player.world is not None
        player.world.look(yaw=0.2)
        capabilities = player.session.capabilities
        assert capabilities is not None
        length = round(config.rewind_s / capabilities.chunk_duration_s)
        await player.play(length + 20)
        for number in range(config.rewinds):
            if number:
                await player.play(length)
            started_s = time.monotonic()
            rewound = await session.rewind(seconds=config.rewind_s)
            while player.last_index > rewound.chunk_index + 20 or not player.world.rewinds[number:]:
                await player.next_chunk()
            first_s = next(at for index, at in reversed(player.received_s) if index == rewound.chunk_index)
            seconds.append(first_s - started_s)
            progress.advance(task)
    bench.faults += player.faults
    return {"rewinds": len(seconds), "rewind_s": config.rewind_s, "first_frame_max_s": max(seconds)}


async def measure_parking(bench: Bench, progress: Progress) -> dict[str, Any]:
    """Many sessions that are kept and hold nothing, each woken once."""
    sessions: list[nacre.Session] = []
    for number in progress.track(range(bench.config.parked), description="parking"):
        session = await bench.client.create(prompt="a quiet street at dusk", seed=1 + number)
        async with session.enter(video="rgb", audio="pcm") as world:
            for _ in range(4):
                await anext(world)
        await session.park()
        sessions.append(session)
    num_parked = len([each async for each in bench.client.sessions(states=["parked"])])
    seconds, frame_seconds = [], []
    for session in progress.track(sessions, description="waking"):
        started_s = time.monotonic()
        await session.wake()
        seconds.append(time.monotonic() - started_s)
        await _until_first_frame(session)
        frame_seconds.append(time.monotonic() - started_s)
        await session.end()
    return {
        "parked": num_parked,
        "wake_p50_s": percentile(seconds, 50),
        "wake_p95_s": percentile(seconds, 95),
        "first_frame_p95_s": percentile(frame_seconds, 95),
    }
