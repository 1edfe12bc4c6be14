"""A moment of play that a worker has with itself before anybody is sent to it.

A spare stands idle until a session has to go on there, and then there is less than a chunk's time. Whatever is slow the
first time, from the first allocation of torch to the first stream of the data server, has been done by then; and what
stays in memory for good is there before the garbage collector is told so.
"""

from __future__ import annotations

import asyncio
import uuid

import numpy as np

from model.interface import ModelInfo
from serving.errors import WorkerUnavailableError
from serving.sessions.contract import SessionSpec, WorldPlane, WorldSpec
from serving.stages.host import StageHost
from serving.stages.placement import Placement, StaticPlacer
from serving.stages.rehearsal import NUM_CHUNKS, rehearsal_spec, until_played
from serving.stages.remote import RemotePlane
from serving.stages.stage import DECODERS, Stage
from serving.stages.transformer import DecoderPlace

# As for a whole service's warm-up: loading is over, first calls take seconds at most.
TIMEOUT_S = 120.0
SIDE_PX = 64


async def play_first(host: StageHost) -> None:
    """Play a world, keep its moment, and go on from that, all in a worker that listens and over its own server. Leaves
    nothing on record. Does nothing where not every stage is
    here. Raises `WorkerUnavailableError`."""
    if host.config.stages != frozenset(Stage) or not {"directive", "image"} & set(host.info.controls):
        return
    decoders = DecoderPlace(address=host.stream_address, stages=DECODERS)
    itself = Placement(encoder=host.address, transformer=host.address, decoders=(decoders,))
    try:
        async with (
            asyncio.timeout(TIMEOUT_S),
            RemotePlane(host.info, StaticPlacer(itself), host.config.secret) as plane,
        ):
            moment = await _play(plane, _spec(host.info))
            await _play(plane, rehearsal_spec(host.info), moment)
    except TimeoutError as error:
        raise WorkerUnavailableError(f"the worker did not play within {TIMEOUT_S:.0f} s of its start") from error


def _spec(info: ModelInfo) -> SessionSpec:
    """From words where it reads, else from a picture."""
    reads = "directive" in info.controls
    world = WorldSpec(
        model=info.name,
        seed=1,
        prompt="a quiet street at dusk" if reads else "",
        image_HWC=None if reads else np.full((SIDE_PX, SIDE_PX, 3), 128, np.uint8),
    )
    return SessionSpec(session_id=f"first-play-{uuid.uuid4().hex[:8]}", world=world)


async def _play(plane: WorldPlane, spec: SessionSpec, moment: bytes = b"") -> bytes:
    """Gives the moment that it came to."""
    link = await plane.open(spec, moment)
    try:
        await link.grant(NUM_CHUNKS)
        await until_played(link)
        return (await link.snapshot(when_paused=True)).data
    finally:
        await link.close()
