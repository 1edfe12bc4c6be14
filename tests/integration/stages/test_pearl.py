"""The shipped model through the stages: what holds for the fake one holds for it."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from model.interface import Model
from serving.models import load_model
from serving.sessions.contract import Directive, Look, Move
from serving.sessions.replay import replay
from tests.integration.stages.conftest import local_rig, remote_rig
from tests.integration.stages.play import assert_same_media, chunks_of, control, spec, take_chunks

pytestmark = pytest.mark.timeout(300)

NUM_CHUNKS = 12


@pytest.fixture(scope="module")
def pearl() -> Model:
    return load_model("pearl-xs")


async def test_a_session_of_the_shipped_model_replays_bit_for_bit(pearl: Model) -> None:
    async with local_rig(pearl) as rig:
        link = await rig.plane.open(spec("recorded", seed=5))
        await link.grant(NUM_CHUNKS)
        recorded = chunks_of(await take_chunks(link, 2))
        for kind in (Move(forward=1, strafe=0), Directive(text="it starts to rain"), Look(yaw=1, pitch=0)):
            await link.send(control(kind))
            recorded += chunks_of(await take_chunks(link, 3))
        recorded += chunks_of(await take_chunks(link, NUM_CHUNKS - len(recorded)))
        journal = rig.journals.find("recorded")
        assert journal is not None
        opening, entries = journal.opening, journal.entries()
    assert [entry.is_pending for entry in entries] == [False] * 3
    replayed = await asyncio.to_thread(
        lambda: list(
            replay(
                opening,
                entries,
                NUM_CHUNKS,
                transformer=pearl.load_transformer(),
                video_decoder=pearl.load_video_decoder(),
                audio_decoder=pearl.load_audio_decoder(),
            )
        )
    )
    assert_same_media(recorded, replayed)
    assert len(np.unique(recorded[-1].frames_FHWC)) > 16  # a picture, not a blank


async def test_a_session_of_the_shipped_model_is_restored_bit_for_bit(pearl: Model) -> None:
    async with remote_rig(pearl) as rig:
        link = await rig.plane.open(spec("original"))
        await link.send(control(Move(forward=1.0, strafe=0.0)))
        await link.grant(4)
        await take_chunks(link, 4)
        data = (await asyncio.wait_for(link.snapshot(), 20)).data
        await link.grant(4)
        expected = chunks_of(await take_chunks(link, 4))
        restored = await rig.plane.open(spec("restored"), snapshot=data)
        await restored.grant(4)
        assert_same_media(expected, chunks_of(await take_chunks(restored, 4)))
