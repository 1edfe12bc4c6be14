"""What the tests do with a link."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable

import numpy as np

from serving.sessions.contract import (
    Applied,
    Control,
    ControlKind,
    DecodedChunk,
    LinkEvent,
    Rejected,
    SessionLink,
    SessionSpec,
    Superseded,
    WorldSpec,
)

WAIT_S = 20.0
_numbers = itertools.count()


def spec(session_id: str = "", seed: int = 11, prompt: str = "a quiet street at dusk") -> SessionSpec:
    world = WorldSpec(model="fake", seed=seed, prompt=prompt)
    return SessionSpec(session_id=session_id or f"session-{next(_numbers)}", world=world)


def control(kind: ControlKind, control_id: str = "") -> Control:
    return Control(control_id=control_id or f"control-{next(_numbers)}", kind=kind, received_s=time.time())


async def take_until(link: SessionLink, is_last: Callable[[LinkEvent], bool]) -> list[LinkEvent]:
    events = []
    async with asyncio.timeout(WAIT_S):
        async for event in link.events():
            events.append(event)
            if is_last(event):
                break
    return events


async def take_chunks(link: SessionLink, num_chunks: int) -> list[LinkEvent]:
    """Everything up to and with that many more chunks."""
    left = itertools.count(num_chunks - 1, -1)
    return await take_until(link, lambda event: isinstance(event, DecodedChunk) and next(left) == 0)


async def take_all(link: SessionLink) -> list[LinkEvent]:
    return await take_until(link, lambda event: False)


def chunks_of(events: list[LinkEvent]) -> list[DecodedChunk]:
    return [event for event in events if isinstance(event, DecodedChunk)]


def terminal_ids(events: list[LinkEvent]) -> list[str]:
    return [event.control_id for event in events if isinstance(event, Applied | Superseded | Rejected)]


async def eventually(is_true: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not is_true():
            await asyncio.sleep(0.01)


def assert_same_media(expected: list, actual: list) -> None:
    assert [each.chunk_idx for each in actual] == [each.chunk_idx for each in expected]
    for one, other in zip(expected, actual, strict=True):
        np.testing.assert_array_equal(one.frames_FHWC, other.frames_FHWC)
        np.testing.assert_array_equal(one.samples_SC, other.samples_SC)
        assert one.pose == other.pose
