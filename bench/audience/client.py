"""The clients, in processes of their own: `python -m bench.audience.client drive` or `watch`. Each tells in JSON."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
import zlib
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field

import typer

import nacre

READY = "ready"
FIRST_S = 1.0  # of play before the first control
# 3.17 chunks of 80 ms: the phase moves on by a sixth of a chunk from control to control.
INTERVAL_S = 0.2536
OUTCOME_TIMEOUT_S = 10.0
MAX_HELD_BYTES = 64 << 20  # more is a fault either way

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@dataclass(slots=True, kw_only=True)
class Driven:
    """What whoever drives saw. Times by its own clock."""

    control_to_frame_s: list[float] = field(default_factory=list)
    accept_s: list[float] = field(default_factory=list)
    encodings: dict[int, int] = field(default_factory=dict)  # by chunk: a checksum of its pictures


@dataclass(slots=True, kw_only=True)
class Watched:
    """What one who looks on saw."""

    is_stalled: bool
    start_s: float = 0.0  # from the attachment until the first picture
    begins_with_keyframe: bool = False
    interval_s: list[float] = field(default_factory=list)
    num_missed: int = 0
    encodings: dict[int, int] = field(default_factory=dict)
    num_held_bytes: int = 0  # of one who stalled: what had been on its way all the time


@app.command()
def drive(address: str, session_id: str, token: str, controls: int) -> None:
    tell(asdict(asyncio.run(_drive(address, session_id, token, controls))))


@app.command()
def watch(address: str, session_id: str, token: str, viewers: int, stalled: int) -> None:
    """Says that it is ready once all see the session; looks on until its input ends."""
    tell([asdict(each) for each in asyncio.run(_watch(address, session_id, token, viewers, stalled))])


def tell(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


# --- driving ---


async def _drive(address: str, session_id: str, token: str, num_controls: int) -> Driven:
    driven, arrived_s = Driven(), dict[int, float]()
    async with nacre.connect(address) as client, client.session(session_id, token).enter() as world:

        async def read() -> None:
            async for chunk in world:
                arrived_s[chunk.index] = chunk.received_s
                driven.encodings[chunk.index] = checksum(chunk)

        reading = asyncio.create_task(read())
        await asyncio.sleep(FIRST_S)
        receipts: list[nacre.Receipt] = []
        async with asyncio.TaskGroup() as tasks:
            for idx in range(num_controls):
                receipts.append(world.look(yaw=0.3 if idx % 2 else -0.3))
                tasks.create_task(_time_accept(receipts[-1].accepted, receipts[-1].sent_s, driven))
                await asyncio.sleep(INTERVAL_S)
        async with asyncio.timeout(OUTCOME_TIMEOUT_S):
            outcomes = [await receipt for receipt in receipts]
            await asyncio.sleep(FIRST_S)
        reading.cancel()
    for receipt, outcome in zip(receipts, outcomes, strict=True):
        if isinstance(outcome, nacre.Applied) and outcome.chunk_index in arrived_s:
            driven.control_to_frame_s.append(arrived_s[outcome.chunk_index] - receipt.sent_s)
    return driven


async def _time_accept(accepted: Awaitable[None], sent_s: float, driven: Driven) -> None:
    async with asyncio.timeout(OUTCOME_TIMEOUT_S):
        await accepted
    driven.accept_s.append(time.monotonic() - sent_s)


# --- looking on ---


async def _watch(address: str, session_id: str, token: str, num_viewers: int, num_stalled: int) -> list[Watched]:
    watched = [Watched(is_stalled=idx < num_stalled) for idx in range(num_viewers)]
    over = asyncio.Event()
    async with nacre.connect(address) as client, AsyncExitStack() as stack:
        session = client.session(session_id, token)
        entered = [await stack.enter_async_context(session.enter(role="viewer")) for _ in watched]
        async with asyncio.TaskGroup() as tasks:
            begun = [asyncio.Event() for _ in watched]
            for world, each, event in zip(entered, watched, begun, strict=True):
                tasks.create_task(_look_on(world, each, event, over))
            await asyncio.gather(*(event.wait() for event in begun))
            tell(READY)
            await asyncio.to_thread(sys.stdin.read)
            over.set()
    return watched


async def _look_on(world: nacre.World, watched: Watched, begun: asyncio.Event, over: asyncio.Event) -> None:
    since_s, last_s, last_idx = time.monotonic(), 0.0, 0
    while not over.is_set():
        chunk = await anext(world)
        if not begun.is_set():
            watched.start_s, watched.begins_with_keyframe = chunk.received_s - since_s, chunk.frames[0].is_keyframe
            begun.set()
        else:
            watched.interval_s.append(chunk.received_s - last_s)
            watched.num_missed += chunk.index - last_idx - 1
        last_s, last_idx = chunk.received_s, chunk.index
        watched.encodings[chunk.index] = checksum(chunk)
        if watched.is_stalled:
            await over.wait()
            watched.num_held_bytes = await _held_bytes(world, last_idx)
            return


async def _held_bytes(world: nacre.World, last_idx: int) -> int:
    """Of what follows without a gap: the rest was let go of."""
    num_bytes = 0
    with contextlib.suppress(nacre.NacreError):  # one who stalls for long is let go
        async with asyncio.timeout(OUTCOME_TIMEOUT_S):
            while (chunk := await anext(world)).index == last_idx + 1 and num_bytes < MAX_HELD_BYTES:
                num_bytes += sum(len(frame.data) for frame in chunk.frames)
                num_bytes += sum(map(len, chunk.sound.packets)) if chunk.sound is not None else 0
                last_idx = chunk.index
    return num_bytes


def checksum(chunk: nacre.Chunk) -> int:
    value = 0
    for frame in chunk.frames:
        value = zlib.crc32(frame.data, value)
    return value


if __name__ == "__main__":
    app()
