"""The three measures, each of a service of its own."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from statistics import median
from typing import Any

import nacre
from bench.admission.rig import House
from bench.statistics import fit_slope, percentile

PROMPT = "a quiet street at dusk"
# A minute of warm-up in sessions: caches fill, pools reach their size.
SETTLE_SHARE = 0.2
NUM_SAMPLES = 40
# After the last session, for what is written on the side.
QUIET_S = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejections:
    """Seconds until each was told."""

    p50_s: float | None
    p99_s: float | None
    longest_s: float
    num_rejected: int


async def reject(house: House, num_slots: int, count: int) -> Rejections:
    """With every slot taken by sessions that play."""
    async with house.connect() as client, contextlib.AsyncExitStack() as stack:
        for _ in range(num_slots):
            world = await stack.enter_async_context((await client.create(prompt=PROMPT)).enter())
            stack.push_async_callback(_cancelled, asyncio.create_task(_look(world)))
        await asyncio.sleep(1.0)
        seconds: list[float] = []
        for _ in range(count):
            started_s = time.perf_counter()
            try:
                await client.create(prompt=PROMPT)
            except nacre.LimitReached:
                seconds.append(time.perf_counter() - started_s)
        return Rejections(
            p50_s=percentile(seconds, 50),
            p99_s=percentile(seconds, 99),
            longest_s=max(seconds, default=0.0),
            num_rejected=len(seconds),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlCost:
    """Processor seconds of the whole service for each control."""

    per_control_s: float
    per_s: float  # of play without controls
    num_controls: int


async def control_cost(house: House, seconds: float, per_s: float) -> ControlCost:
    """As long without controls as with them, so that what playing costs is taken away."""
    async with house.connect() as client, (await client.create(prompt=PROMPT)).enter() as world:
        looking = asyncio.create_task(_look(world))
        try:
            await asyncio.sleep(1.0)
            idle_s = await _cpu_s(house, seconds, world, 0.0)
            busy_s = await _cpu_s(house, seconds, world, per_s)
        finally:
            await _cancelled(looking)
    num_controls = round(seconds * per_s)
    return ControlCost(
        per_control_s=(busy_s - idle_s) / num_controls, per_s=idle_s / seconds, num_controls=num_controls
    )


def compared(full: list[ControlCost], plain: list[ControlCost]) -> dict[str, Any]:
    """Rounds taken in turns, of the same machine in the same minutes."""
    full_s, plain_s = (median(each.per_control_s for each in costs) for costs in (full, plain))
    return {
        "per_control_s": full_s,
        "plain_per_control_s": plain_s,
        "added_per_control_s": full_s - plain_s,
        "ratio": full_s / plain_s if plain_s > 0 else None,
        "rounds": [
            {"full_s": one.per_control_s, "plain_s": other.per_control_s}
            for one, other in zip(full, plain, strict=True)
        ],
    }


async def churn(house: House, count: int) -> dict[str, Any]:
    """Sessions created and ended one after the other."""
    async with house.connect() as client:
        await _come_and_go(client, max(1, round(count * SETTLE_SHARE)))
        await asyncio.sleep(QUIET_S)
        before, started_s = house.state(), time.monotonic()
        samples: list[tuple[int, int]] = []
        num_done = 0
        for part in _parts(count, NUM_SAMPLES):
            await _come_and_go(client, part)
            num_done += part
            samples.append((num_done, house.state()["rss_bytes"]))
        wall_s = time.monotonic() - started_s
        await asyncio.sleep(QUIET_S)
        after = house.state()
        quota = await client.quota()
    slope = fit_slope([float(number) for number, _ in samples], [float(rss) for _, rss in samples])
    return {
        "num_sessions": count,
        "sessions_per_s": count / wall_s,
        "bytes_per_session": slope.per_s,
        "bytes_per_session_low": slope.low_per_s,
        "bytes_per_session_high": slope.high_per_s,
        "before": before,
        "after": after,
        "num_places": quota.use.concurrent_sessions,
    }


async def _come_and_go(client: nacre.Client, count: int) -> None:
    for _ in range(count):
        await (await client.create(prompt=PROMPT)).end()


async def _cpu_s(house: House, seconds: float, world: nacre.World, per_s: float) -> float:
    began_s = house.cpu_s()
    for idx in range(round(seconds * per_s)):
        world.move(forward=(-1.0) ** idx)
        await asyncio.sleep(1 / per_s)
    if not per_s:
        await asyncio.sleep(seconds)
    return house.cpu_s() - began_s


async def _look(world: nacre.World) -> None:
    async for _ in world:
        pass


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _parts(count: int, num_parts: int) -> list[int]:
    num_parts = max(3, min(num_parts, count))
    return [count // num_parts + (idx < count % num_parts) for idx in range(num_parts)]
