"""The shipped model through the stages: what holds for the fake one holds for it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from model.interface import Model, Tuning
from model.recaching import MARK
from serving.models import load_model
from serving.sessions.contract import Applied, Directive, Look, Move
from serving.sessions.encoded import EncodedDirective, Opening
from serving.sessions.journal import JournalEntry
from serving.sessions.replay import ReplayedChunk, replay
from tests.integration.stages.conftest import local_rig, remote_rig
from tests.integration.stages.play import assert_same_media, chunks_of, control, spec, take_chunks

pytestmark = pytest.mark.timeout(300)

NUM_CHUNKS = 12


@pytest.fixture(scope="module")
def pearl() -> Model:
    return load_model("pearl-xs")


@pytest.mark.parametrize("recaches", [False, True])
async def test_a_session_of_the_shipped_model_replays_bit_for_bit(pearl: Model, recaches: bool) -> None:
    """Also where words make the window again: that is on record, and asked of nobody who does it once more."""
    played = load_model("pearl-xs", tuning=Tuning(recaches=recaches))
    async with local_rig(played) as rig:
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
    [told] = [entry.control.kind for entry in entries if isinstance(entry.control.kind, EncodedDirective)]
    assert (MARK in told.tensors) == recaches
    assert_same_media(recorded, await asyncio.to_thread(again, pearl, opening, entries))
    assert len(np.unique(recorded[-1].frames_FHWC)) > 16  # a picture, not a blank


@pytest.mark.parametrize(
    ("sentence", "understood"),
    [
        ("it starts to rain", ("weather: rain",)),
        ("a kitten runs to the girl", ("kitten: come to person",)),
        ("hello", ()),
    ],
)
async def test_a_sentence_that_took_effect_tells_what_it_was_taken_for(
    pearl: Model, sentence: str, understood: tuple[str, ...]
) -> None:
    async with remote_rig(pearl) as rig:
        link = await rig.plane.open(spec("told"))
        await link.send(control(Directive(text=sentence)))
        await link.grant(3)
        [applied] = [each for each in await take_chunks(link, 3) if isinstance(each, Applied)]
    assert applied.understood == understood


def again(model: Model, opening: Opening, entries: Sequence[JournalEntry]) -> list[ReplayedChunk]:
    stages = (model.load_transformer(), model.load_video_decoder(), model.load_audio_decoder())
    return list(
        replay(opening, entries, NUM_CHUNKS, transformer=stages[0], video_decoder=stages[1], audio_decoder=stages[2])
    )


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
