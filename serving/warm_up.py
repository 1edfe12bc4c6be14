"""A short session through every stage, so that the first client finds all of them warm."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Iterator

import numpy as np

from model.interface import ModelInfo
from serving.errors import WorkerUnavailableError
from serving.sessions.contract import (
    Control,
    DecodedChunk,
    Directive,
    LinkEnded,
    SessionLink,
    SessionSpec,
    WorldPlane,
    WorldSpec,
)

logger = logging.getLogger(__name__)

# The second chunk is the first with a past; a few more settle what adapts to its input.
NUM_CHUNKS = 6
# Loading is over by now; torch's first calls and the first connections take seconds at most.
TIMEOUT_S = 120.0
SIDE_PX = 64


def strangers_worlds(info: ModelInfo) -> Iterator[SessionSpec]:
    """Nobody's sessions: from words and from a picture, as far as the model begins with either."""
    picture = np.full((SIDE_PX, SIDE_PX, 3), 128, np.uint8)
    reads = "directive" in info.controls
    for image_HWC in (*((None,) if reads else ()), *((picture,) if "image" in info.controls else ())):
        prompt = "a quiet street at dusk" if reads else ""
        world = WorldSpec(model=info.name, seed=1, prompt=prompt, image_HWC=image_HWC)
        yield SessionSpec(session_id=f"warm-up-{uuid.uuid4().hex[:8]}", world=world)


async def warm_up(plane: WorldPlane) -> None:
    """Play all of `strangers_worlds`. Raises `WorkerUnavailableError`."""
    for spec in strangers_worlds(plane.info):
        link = await plane.open(spec)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await _play(link, reads="directive" in plane.info.controls)
        except TimeoutError as error:
            raise WorkerUnavailableError(f"no chunk came within {TIMEOUT_S:.0f} s of warming up") from error
        finally:
            await link.close()


async def _play(link: SessionLink, *, reads: bool) -> None:
    await link.grant(NUM_CHUNKS)
    if reads:
        await link.send(Control(control_id="warm-up", kind=Directive(text="it starts to rain"), received_s=0.0))
    async for event in link.events():
        if isinstance(event, LinkEnded):
            raise WorkerUnavailableError(f"warming up failed: {event.message or event.reason}")
        if isinstance(event, DecodedChunk) and event.chunk_idx == NUM_CHUNKS - 1:
            return
