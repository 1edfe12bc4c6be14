"""A session through every topology: it opens, flows by credit, obeys, and leaves nothing behind."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from serving.errors import CapacityExhaustedError, SessionEndedError, StorageUnavailableError, WorkerUnavailableError
from serving.sessions.contract import (
    Accepted,
    Applied,
    DecodedChunk,
    Directive,
    ImageControl,
    LinkEnded,
    Look,
    Move,
)
from serving.sessions.replay import replay
from tests.fakes_model import INFO, FakeModel
from tests.integration.stages.conftest import MakeRig
from tests.integration.stages.play import (
    assert_same_media,
    chunks_of,
    control,
    eventually,
    spec,
    take_all,
    take_chunks,
    take_until,
    terminal_ids,
)

IMAGE_HWC = np.arange(30, dtype=np.uint8).reshape(2, 5, 3)


async def test_chunks_come_in_order_with_picture_sound_pose_and_deadline(make_rig: MakeRig) -> None:
    async with make_rig(FakeModel()) as rig:
        link = await rig.plane.open(spec())
        await link.grant(5)
        chunks = chunks_of(await take_chunks(link, 5))
        assert [chunk.chunk_idx for chunk in chunks] == [0, 1, 2, 3, 4]
        assert chunks[0].frames_FHWC.shape == (1, INFO.height_px, INFO.width_px, 3)
        assert chunks[0].samples_SC.shape == (INFO.samples_per_chunk, 1)
        assert np.diff([chunk.due_s for chunk in chunks]) == pytest.approx([0.08] * 4, abs=1e-3)
        assert set(chunks[1].stage_seconds) == {"transformer", "video_decoder", "audio_decoder"}


async def test_without_credit_nothing_is_generated(make_rig: MakeRig) -> None:
    async with make_rig(FakeModel()) as rig:
        link = await rig.plane.open(spec())
        await link.grant(2)
        await take_chunks(link, 2)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.4):
                await anext(link.events())
        await link.grant(1)
        [chunk] = chunks_of(await take_chunks(link, 1))
        assert chunk.chunk_idx == 2


async def test_every_control_is_accepted_and_then_settled_exactly_once(make_rig: MakeRig) -> None:
    kinds = [
        Move(forward=1.0, strafe=0.0),
        Look(yaw=0.5, pitch=0.0),
        Directive(text="it rains"),
        Move(forward=0.0, strafe=1.0),
        ImageControl(image_HWC=IMAGE_HWC),
        ImageControl(image_HWC=IMAGE_HWC),
        Directive(text="night falls"),
    ]
    controls = [control(kind) for kind in kinds]
    async with make_rig(FakeModel()) as rig:
        link = await rig.plane.open(spec())
        for each in controls:
            await link.send(each)
        await link.grant(100)
        events = []
        while len(set(terminal_ids(events))) < len(controls):
            events += await take_chunks(link, 1)
        events += await take_chunks(link, 2)
    accepted = [event.control_id for event in events if isinstance(event, Accepted)]
    assert sorted(accepted) == sorted(each.control_id for each in controls)
    assert sorted(terminal_ids(events)) == sorted(accepted)


async def test_an_applied_control_comes_before_the_chunk_it_shapes(make_rig: MakeRig) -> None:
    async with make_rig(FakeModel()) as rig:
        link = await rig.plane.open(spec())
        await link.grant(100)
        await take_chunks(link, 2)
        await link.send(control(Move(forward=1.0, strafe=0.0)))
        events = await take_until(link, lambda event: isinstance(event, Applied))
        applied = events[-1]
        assert isinstance(applied, Applied)
        assert applied.frame_idx == applied.chunk_idx * INFO.frames_per_chunk
        assert applied.world_time_s == pytest.approx(applied.chunk_idx * INFO.chunk_duration_s)
        assert all(chunk.chunk_idx < applied.chunk_idx and chunk.pose.x_m == 0 for chunk in chunks_of(events))
        shaped = await take_until(
            link, lambda event: isinstance(event, DecodedChunk) and event.chunk_idx == applied.chunk_idx
        )
        assert chunks_of(shaped)[-1].pose.x_m == 1.0


async def test_replaying_the_journal_gives_the_recorded_frames_and_sound(make_rig: MakeRig) -> None:
    model = FakeModel()
    async with make_rig(model) as rig:
        link = await rig.plane.open(spec("recorded", seed=5))
        await link.grant(12)
        recorded = chunks_of(await take_chunks(link, 2))
        for kind in (Move(forward=1, strafe=0), Directive(text="it rains"), ImageControl(image_HWC=IMAGE_HWC)):
            await link.send(control(kind))
            recorded += chunks_of(await take_chunks(link, 3))
        await link.send(control(Look(yaw=-1, pitch=0.5)))
        recorded += chunks_of(await take_chunks(link, 1))
        journal = rig.journals.find("recorded")
        assert journal is not None
        opening, entries = journal.opening, journal.entries()
    assert any(entry.applied_chunk_idx for entry in entries)
    replayed = replay(
        opening,
        entries,
        12,
        transformer=model.load_transformer(),
        video_decoder=model.load_video_decoder(),
        audio_decoder=model.load_audio_decoder(),
    )
    assert_same_media(recorded, list(replayed))


async def test_a_snapshot_too_large_to_send_is_refused_and_the_session_plays_on(
    make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.stages.transformer.MAX_SENT_BYTES", 100)
    async with make_rig(FakeModel()) as rig:
        link = await rig.plane.open(spec())
        await link.grant(4)
        await take_chunks(link, 2)
        with pytest.raises(StorageUnavailableError, match="are more than go to a gateway"):
            await asyncio.wait_for(link.snapshot(), 10)
        await link.grant(2)
        assert len(await take_chunks(link, 4)) == 4


async def test_a_session_restored_from_its_snapshot_goes_on_bit_for_bit(make_rig: MakeRig) -> None:
    async with make_rig(FakeModel()) as rig:
        link = await rig.plane.open(spec("original"))
        await link.send(control(Move(forward=1.0, strafe=0.0)))
        await link.grant(4)
        await take_chunks(link, 4)
        data = (await asyncio.wait_for(link.snapshot(), 10)).data
        await link.grant(4)
        expected = chunks_of(await take_chunks(link, 4))
        restored = await rig.plane.open(spec("restored"), snapshot=data)
        await restored.grant(4)
        assert_same_media(expected, chunks_of(await take_chunks(restored, 4)))


async def test_slots_run_out_and_come_back_when_a_session_closes(make_rig: MakeRig) -> None:
    async with make_rig(FakeModel(), num_slots=1) as rig:
        link = await rig.plane.open(spec())
        with pytest.raises(CapacityExhaustedError):
            await rig.plane.open(spec())
        await link.close()
        await link.close()
        assert rig.num_used_slots == 0
        await rig.plane.open(spec())


async def test_closing_ends_the_events_and_frees_every_worker(make_rig: MakeRig) -> None:
    async with make_rig(FakeModel()) as rig:
        link = await rig.plane.open(spec())
        await link.grant(3)
        await take_chunks(link, 1)
        await link.close()
        assert isinstance((await take_all(link))[-1], LinkEnded)
        await eventually(lambda: rig.num_decoder_sessions == 0)
        assert rig.num_used_slots == 0
        await link.send(control(Look(yaw=0, pitch=0)))
        await link.grant(1)
        with pytest.raises(SessionEndedError):
            await link.snapshot()


async def test_a_model_that_fails_ends_its_session_and_frees_its_slot(make_rig: MakeRig) -> None:
    async with make_rig(FakeModel(fail_at_chunk=3)) as rig:
        link = await rig.plane.open(spec())
        await link.send(control(Move(forward=1, strafe=0), "before"))
        await link.grant(10)
        events = await take_all(link)
        assert [chunk.chunk_idx for chunk in chunks_of(events)] == [0, 1, 2]
        assert isinstance(events[-1], LinkEnded)
        assert events[-1].reason == "WORKER_LOST"
        await eventually(lambda: rig.num_used_slots == 0 and rig.num_decoder_sessions == 0)


async def test_a_session_that_cannot_open_is_refused_and_holds_nothing(make_rig: MakeRig) -> None:
    async with make_rig(FakeModel(fail_at_chunk=0)) as rig:
        with pytest.raises(WorkerUnavailableError):
            await rig.plane.open(spec())
        await eventually(lambda: rig.num_used_slots == 0 and rig.num_decoder_sessions == 0)


async def test_leaving_the_plane_ends_what_runs(make_rig: MakeRig) -> None:
    left = make_rig(FakeModel())
    rig = await left.__aenter__()
    link = await rig.plane.open(spec())
    failure = KeyError("comes out as it is")
    assert not await left.__aexit__(KeyError, failure, None)
    ended = (await take_all(link))[-1]
    assert isinstance(ended, LinkEnded)
    assert ended.reason == "SERVICE_STOPPING"
    assert rig.num_used_slots == 0
