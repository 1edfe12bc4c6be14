"""The decoder stage on its real thread, told what to do in order."""

from __future__ import annotations

from collections.abc import Iterator
from queue import Queue

import numpy as np
import pytest

from model.interface import CameraPose
from serving.errors import SessionNotFoundError
from serving.sessions.encoded import ChunkHeader, DecodedPart, LatentChunk
from serving.stages.decoder import MAX_BACKLOG_CHUNKS, Decoders, DecoderStage
from tests.fakes_model import FakeAudioDecoder, FakeVideoDecoder, noise

WAIT_S = 10.0


class Listener:
    def __init__(self) -> None:
        self.heard: Queue[DecodedPart | str] = Queue()

    def decoded(self, part: DecodedPart) -> None:
        self.heard.put(part)

    def closed(self) -> None:
        self.heard.put("closed")

    def next_part(self) -> DecodedPart:
        part = self.heard.get(timeout=WAIT_S)
        assert isinstance(part, DecodedPart)
        return part


@pytest.fixture
def stage() -> Iterator[DecoderStage]:
    stage = DecoderStage(Decoders(video=FakeVideoDecoder(), audio=FakeAudioDecoder()))
    yield stage
    stage.stop()


def latents(chunk_idx: int, *, is_broken: bool = False) -> LatentChunk:
    header = ChunkHeader(
        chunk_idx=chunk_idx,
        pose=CameraPose(x_m=0, y_m=0, yaw_deg=0, pitch_deg=0),
        due_s=0.0,
        num_outcomes_before=0,
        stage_seconds={"transformer": 0.02},
    )
    video = {} if is_broken else {"latents": noise(1, chunk_idx, (2, 80, 128))}
    return LatentChunk(header=header, video=video, audio={"latents": noise(2, chunk_idx, (24,))})


def ignore(message: str) -> None: ...


def test_parts_come_in_order_with_the_time_each_stage_took(stage: DecoderStage) -> None:
    listener = Listener()
    stage.watch("a", listener)
    stage.open("a", 1, {}, ignore).result(WAIT_S)
    for chunk_idx in range(3):
        stage.decode("a", latents(chunk_idx))
    parts = [listener.next_part() for _ in range(3)]
    assert [part.header.chunk_idx for part in parts] == [0, 1, 2]
    assert set(parts[0].header.stage_seconds) == {"transformer", "video_decoder", "audio_decoder"}
    assert parts[0].frames_FHWC is not None
    assert parts[0].samples_SC is not None


def test_a_late_watcher_gets_what_waited(stage: DecoderStage) -> None:
    stage.open("a", 1, {}, ignore).result(WAIT_S)
    stage.decode("a", latents(0))
    stage.snapshot("a").result(WAIT_S)  # chunk 0 is decoded by now
    listener = Listener()
    stage.watch("a", listener)
    stage.decode("a", latents(1))
    assert [listener.next_part().header.chunk_idx for _ in range(2)] == [0, 1]


def test_a_session_nobody_watches_is_lost_before_it_grows_without_bound(stage: DecoderStage) -> None:
    lost: Queue[str] = Queue()
    stage.open("a", 1, {}, lost.put).result(WAIT_S)
    for chunk_idx in range(MAX_BACKLOG_CHUNKS + 1):
        stage.decode("a", latents(chunk_idx))
    assert "nobody" in lost.get(timeout=WAIT_S)
    assert stage.num_sessions == 0


def test_a_failing_decoder_loses_its_session_and_no_other(stage: DecoderStage) -> None:
    lost: Queue[str] = Queue()
    broken, whole = Listener(), Listener()
    for session_id, listener in [("a", broken), ("b", whole)]:
        stage.watch(session_id, listener)
        stage.open(session_id, 1, {}, lost.put).result(WAIT_S)
    stage.decode("a", latents(0, is_broken=True))
    stage.decode("b", latents(0))
    assert "failed" in lost.get(timeout=WAIT_S)
    assert broken.heard.get(timeout=WAIT_S) == "closed"
    assert whole.next_part().header.chunk_idx == 0
    assert stage.is_alive


def test_restored_caches_go_on_bit_for_bit(stage: DecoderStage) -> None:
    listener = Listener()
    stage.watch("a", listener)
    stage.watch("b", listener)
    stage.open("a", 1, {}, ignore).result(WAIT_S)
    stage.decode("a", latents(0))
    caches = stage.snapshot("a").result(WAIT_S)
    stage.decode("a", latents(1))
    stage.open("b", 1, caches, ignore).result(WAIT_S)
    stage.decode("b", latents(1))
    _, uninterrupted, restored = [listener.next_part() for _ in range(3)]
    np.testing.assert_array_equal(uninterrupted.frames_FHWC, restored.frames_FHWC)
    np.testing.assert_array_equal(uninterrupted.samples_SC, restored.samples_SC)


def test_closing_frees_the_session_and_ends_its_listener(stage: DecoderStage) -> None:
    listener = Listener()
    stage.watch("a", listener)
    stage.open("a", 1, {}, ignore).result(WAIT_S)
    stage.close("a")
    stage.close("a")
    assert listener.heard.get(timeout=WAIT_S) == "closed"
    with pytest.raises(SessionNotFoundError):
        stage.snapshot("a").result(WAIT_S)


def test_a_stage_decodes_only_what_it_has_decoders_for() -> None:
    stage = DecoderStage(Decoders(audio=FakeAudioDecoder()))
    listener = Listener()
    stage.watch("a", listener)
    stage.open("a", 1, {}, ignore).result(WAIT_S)
    stage.decode("a", latents(0))
    part = listener.next_part()
    assert part.frames_FHWC is None
    assert part.samples_SC is not None
    stage.stop()


def test_a_stage_without_decoders_is_refused() -> None:
    with pytest.raises(ValueError, match="decoder"):
        Decoders()


def test_a_question_that_nobody_waits_for_any_more_harms_nobody(stage: DecoderStage) -> None:
    listener = Listener()
    stage.watch("a", listener)
    stage.open("a", 1, {}, ignore)
    for chunk_idx in range(3):
        stage.decode("a", latents(chunk_idx))
        stage.snapshot("a").cancel()
    assert [listener.next_part().header.chunk_idx for _ in range(3)] == [0, 1, 2]
