"""Open models of tiny size through the stages and the gateway: from a folder as published to frames."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from model.interface import ChunkControls
from serving.sessions.contract import Directive, Look, Move, SessionSpec, WorldSpec
from serving.sessions.replay import replay
from tests.integration.open_models.folders import open_model, reopened
from tests.integration.stages.conftest import local_rig, remote_rig
from tests.integration.stages.play import assert_same_media, chunks_of, control, take_chunks

NUM_CHUNKS = 6
PICTURE = np.random.default_rng(0).integers(0, 256, (70, 90, 3), np.uint8)
KINDS = {
    "wan-tiny": (Directive(text="it starts to rain"),),
    "matrix-game-tiny": (Move(forward=1, strafe=0), Look(yaw=1, pitch=0)),
    "abot-tiny": (Move(forward=1, strafe=0), Directive(text="it starts to rain")),
}


def opening(name: str, session_id: str = "s") -> SessionSpec:
    words = "" if name == "matrix-game-tiny" else "a quiet street at dusk"
    world = WorldSpec(model=name, seed=5, prompt=words, image_HWC=None if name == "wan-tiny" else PICTURE)
    return SessionSpec(session_id=session_id, world=world)


@pytest.mark.parametrize("name", KINDS)
async def test_an_open_model_plays_from_its_folder_and_replays_to_the_bit(name: str, tmp_path: Path) -> None:
    model = open_model(name, tmp_path)
    async with local_rig(model) as rig:
        link = await rig.plane.open(opening(name))
        await link.grant(NUM_CHUNKS)
        recorded = chunks_of(await take_chunks(link, 2))
        for kind in KINDS[name]:
            await link.send(control(kind))
        recorded += chunks_of(await take_chunks(link, NUM_CHUNKS - 2))
        journal = rig.journals.find("s")
        assert journal is not None
        opened, entries = journal.opening, journal.entries()
    assert all(chunk.frames_FHWC.shape == (12, 64, 96, 3) for chunk in recorded)
    assert all(len(chunk.samples_SC) == 0 for chunk in recorded)
    assert len(np.unique(recorded[-1].frames_FHWC)) > 16  # a picture, not a blank
    stages = (model.load_transformer(), model.load_video_decoder(), model.load_audio_decoder())
    again = await asyncio.to_thread(
        lambda: list(
            replay(opened, entries, NUM_CHUNKS, transformer=stages[0], video_decoder=stages[1], audio_decoder=stages[2])
        )
    )
    assert_same_media(recorded, again)


async def test_an_open_model_goes_on_from_a_snapshot_over_the_wire(tmp_path: Path) -> None:
    async with remote_rig(open_model("abot-tiny", tmp_path)) as rig:
        link = await rig.plane.open(opening("abot-tiny", "first"))
        await link.grant(3)
        await take_chunks(link, 3)
        data = (await asyncio.wait_for(link.snapshot(), 20)).data
        await link.grant(2)
        expected = chunks_of(await take_chunks(link, 2))
        restored = await rig.plane.open(opening("abot-tiny", "second"), snapshot=data)
        await restored.grant(2)
        assert_same_media(expected, chunks_of(await take_chunks(restored, 2)))


def test_the_picture_a_session_begins_with_is_what_it_shows_first(tmp_path: Path) -> None:
    model = open_model("abot-tiny", tmp_path)
    image = model.load_encoder().encode_image(PICTURE)
    transformer, decoder = model.load_transformer(), model.load_video_decoder()
    state, cache = transformer.open(1, None, image), decoder.open(1)
    frames = decoder.decode(cache, transformer.step([state], [ChunkControls()])[0].video)
    alone = decoder.decode(decoder.open(1), {"latents": image["latents"]})
    assert np.array_equal(frames[0], alone[0])


def test_weights_are_known_by_what_is_in_their_files(tmp_path: Path) -> None:
    first = open_model("wan-tiny", tmp_path).info.weights_sha256
    assert reopened("wan-tiny", tmp_path).info.weights_sha256 == first
    file = tmp_path / "diffusion_pytorch_model.safetensors"
    data = bytearray(file.read_bytes())
    data[-3] ^= 1
    file.write_bytes(data)
    assert reopened("wan-tiny", tmp_path).info.weights_sha256 != first
