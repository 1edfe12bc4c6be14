"""A moment of a session played where it is about to go, apart from its record. Whether that works is known before the
session leaves where it is, and what takes longer the first time has been done once."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable

from model.interface import ModelInfo
from serving.errors import WorkerUnavailableError
from serving.sessions.contract import DecodedChunk, LinkEnded, SessionLink, SessionSpec, WorldSpec

# The first chunk finds the workers cold, the second shows them warm.
NUM_CHUNKS = 2
# Before the place that is kept for the session is given up.
TIMEOUT_S = 8.0


def rehearsal_spec(info: ModelInfo) -> SessionSpec:
    """Of nobody's session: with no epoch it leaves nothing on record."""
    world = WorldSpec(model=info.name, seed=0)
    return SessionSpec(session_id=f"rehearsal-{secrets.token_hex(8)}", world=world)


async def rehearse(open_link: Callable[[], Awaitable[SessionLink]]) -> None:
    """Let the link make a few chunks, and close it. Raises `WorkerUnavailableError` when they do not come."""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            link = await open_link()
            try:
                await link.grant(NUM_CHUNKS)
                await until_played(link)
            finally:
                await link.close()
    except TimeoutError as error:
        raise WorkerUnavailableError("the worker did not play the session in time") from error


async def until_played(link: SessionLink) -> None:
    """Until the chunks came that it was granted. Raises `WorkerUnavailableError`."""
    num_chunks = 0
    async for event in link.events():
        if isinstance(event, LinkEnded):
            raise WorkerUnavailableError(f"the worker cannot play the session: {event.message or event.reason}")
        num_chunks += isinstance(event, DecodedChunk)
        if num_chunks == NUM_CHUNKS:
            return
