"""A moment of play that a worker has with itself before anybody is sent to it.

A spare stands idle until a session has to go on there, and then there is less than a chunk's time. Whatever is slow the
first time, from the first allocation of torch to the first stream of the data server, has been done by then; and what
stays in memory for good is there before the garbage collector is told so.
"""

from __future__ import annotations

import asyncio

from serving.errors import WorkerUnavailableError
from serving.sessions.contract import SessionSpec, WorldPlane
from serving.stages.host import StageHost
from serving.stages.placement import Placement, StaticPlacer
from serving.stages.rehearsal import NUM_CHUNKS, rehearsal_spec, until_played
from serving.stages.remote import RemotePlane
from serving.stages.stage import DECODERS, Stage
from serving.stages.transformer import DecoderPlace
from serving.warm_up import TIMEOUT_S, strangers_worlds


async def play_first(host: StageHost) -> None:
    """Play a world, keep its moment, and go on from that, all in a worker that listens and over its own server. Leaves
    nothing on record. Does nothing where not every stage is here, or the model begins with neither words nor a picture.
    Raises `WorkerUnavailableError`."""
    spec = next(strangers_worlds(host.info), None)
    if spec is None or host.config.stages != frozenset(Stage):
        return
    decoders = DecoderPlace(address=host.stream_address, stages=DECODERS)
    itself = Placement(encoder=host.address, transformer=host.stream_address, decoders=(decoders,))
    try:
        async with (
            asyncio.timeout(TIMEOUT_S),
            RemotePlane(host.info, StaticPlacer(itself), host.config.secret) as plane,
        ):
            moment = await _play(plane, spec)
            await _play(plane, rehearsal_spec(host.info), moment)
    except TimeoutError as error:
        raise WorkerUnavailableError(f"the worker did not play within {TIMEOUT_S:.0f} s of its start") from error


async def _play(plane: WorldPlane, spec: SessionSpec, moment: bytes = b"") -> bytes:
    """Gives the moment that it came to."""
    link = await plane.open(spec, moment)
    try:
        await link.grant(NUM_CHUNKS)
        await until_played(link)
        return (await link.snapshot(when_paused=True)).data
    finally:
        await link.close()
