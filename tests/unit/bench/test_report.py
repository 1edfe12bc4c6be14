"""The report of a play: its figures, and what it calls missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bench.recording import Answer, MediaShape, ReceivedChunk, Recording
from bench.report import (
    DecodedCounts,
    PlayedSession,
    PlayFigures,
    Provenance,
    ServiceFigures,
    faults_of,
    figures_of,
    late_chunks,
    skews_of,
    standstills_s,
)
from tests.unit.bench.recordings import (
    CHUNK_S,
    START_S,
    chunk_at,
    flawless_recording,
    played,
    with_chunk,
    without_chunk,
)

SERVICE = ServiceFigures(stage_seconds_per_chunk={"transformer": 0.02}, peak_rss_bytes=2 << 30)
PROVENANCE = Provenance(commit="abc", hardware="2 cores")


def figures(*recordings: Recording) -> PlayFigures:
    return figures_of([played(recording) for recording in recordings], SERVICE, PROVENANCE)


def test_a_stream_that_kept_up_exactly_has_factor_one() -> None:
    result = figures(flawless_recording())
    assert result.real_time_factor == 1.0
    assert result.delivered_fps == result.nominal_fps == 12.5
    assert result.frames_delivered == result.chunks_delivered == 50
    assert result.audio_seconds == pytest.approx(4.0)
    assert result.time_to_first_frame_s == pytest.approx(0.75)
    assert result.late_chunks == 0


def test_a_stream_at_half_the_speed_has_factor_one_half() -> None:
    recording = flawless_recording()
    slow = tuple(replace(chunk, received_s=START_S + chunk.chunk_idx * 2 * CHUNK_S) for chunk in recording.chunks)
    result = figures(replace(recording, chunks=slow))
    # Between the middles of the first and the last second lie 38 chunks of media, and 76 of waiting.
    assert result.real_time_factor == pytest.approx(50 / 88, abs=0.001)
    assert result.late_chunks == result.late_chunks_by_client == 48


def test_one_early_or_late_chunk_at_either_end_is_no_speed() -> None:
    recording = with_chunk(flawless_recording(), replace(chunk_at(0), received_s=START_S - 0.05))
    assert figures(recording).real_time_factor == 1.0
    recording = with_chunk(flawless_recording(), replace(chunk_at(49), received_s=START_S + 49 * CHUNK_S + 0.05))
    assert figures(recording).real_time_factor == 1.0


def test_a_stream_that_stalls_and_goes_on_from_there_fell_behind() -> None:
    recording = flawless_recording()
    stalled = tuple(
        replace(chunk, received_s=chunk.received_s + (0.4 if chunk.chunk_idx >= 25 else 0.0))
        for chunk in recording.chunks
    )
    result = figures(replace(recording, chunks=stalled))
    assert result.real_time_factor == pytest.approx(4.0 / 4.4, abs=0.001)
    assert result.delivered_fps == pytest.approx(50 / 4.4, abs=0.001)


def test_latency_is_from_sending_until_the_named_chunk_is_held() -> None:
    result = figures(flawless_recording())
    expected_s = [8 * CHUNK_S - 0.5, 14 * CHUNK_S - 1.0, 22 * CHUNK_S - 1.6]
    assert result.control_to_frame_p50_s == pytest.approx(sorted(expected_s)[1])
    assert result.controls_sent == result.controls_applied == 3
    assert result.controls_unanswered == 0


def test_a_chunk_late_for_the_service_and_one_late_for_the_player_both_count_once() -> None:
    recording = with_chunk(flawless_recording(), replace(chunk_at(7), is_late=True))
    recording = with_chunk(recording, replace(chunk_at(9), received_s=START_S + 10 * CHUNK_S + 0.001))
    recording = with_chunk(recording, replace(chunk_at(11), received_s=START_S + 12 * CHUNK_S - 0.001))
    assert late_chunks(recording).by_service == {7}
    assert late_chunks(recording).by_client == {9}
    assert figures(recording).late_chunks == 2


def test_a_player_that_waited_goes_on_from_there() -> None:
    assert standstills_s(flawless_recording()) == []
    recording = flawless_recording()
    late = [chunk for chunk in recording.chunks if chunk.chunk_idx >= 9]
    for chunk in late:  # all by three chunks' time, and one of them by one more
        by_s = (4 if chunk.chunk_idx == 20 else 3) * CHUNK_S
        recording = with_chunk(recording, replace(chunk, received_s=chunk.received_s + by_s))
    assert standstills_s(recording) == pytest.approx([2 * CHUNK_S, CHUNK_S])
    assert len(late_chunks(recording).by_client) == len(late)


def test_skew_is_zero_when_sound_and_picture_start_together_and_sees_a_shift_of_either_clock() -> None:
    recording = flawless_recording()
    assert max(skews_of(played(recording))) == pytest.approx(0.0, abs=1e-9)
    shifted = tuple(
        replace(chunk, sound_presentation_s=chunk.chunk_idx * CHUNK_S - 0.0025) for chunk in recording.chunks
    )
    assert skews_of(played(replace(recording, chunks=shifted)))[25] == pytest.approx(0.0025)


def test_skew_grows_when_less_sound_is_decoded_than_the_pictures_take() -> None:
    session = played(flawless_recording())
    short = replace(session, decoded=DecodedCounts(num_frames=50, sound_s=3.8))
    assert skews_of(short)[-1] == pytest.approx(0.2 * 49 / 50)


def test_sessions_are_added_up_and_the_slowest_start_is_told() -> None:
    one, other = flawless_recording(), replace(flawless_recording(), name="image", create_called_s=START_S - 1.5)
    result = figures(one, other)
    assert result.frames_delivered == 100
    assert result.real_time_factor == 1.0
    assert result.controls_sent == 6
    assert result.time_to_first_frame_s == pytest.approx(1.5)
    assert result.peak_rss_bytes == 2 << 30


def test_a_flawless_play_has_no_faults() -> None:
    assert faults_of(played(flawless_recording())) == []


def damaged_chunk(change: Callable[[ReceivedChunk], ReceivedChunk]) -> Recording:
    return with_chunk(flawless_recording(), change(chunk_at(20)))


def with_answer(answer: Answer, chunk_idx: int | None = None) -> Recording:
    recording = flawless_recording()
    control = replace(recording.controls[1], answer=answer, chunk_idx=chunk_idx, reason="CONTROL_UNSUPPORTED")
    return replace(recording, controls=(recording.controls[0], control, recording.controls[2]))


@pytest.mark.parametrize(
    ("recording", "sentence"),
    [
        (without_chunk(flawless_recording(), 20), "chunks 0 to 49 expected, held 0-19 21-49"),
        (without_chunk(flawless_recording(), 49), "frames 0 to 49 expected, held 0-48"),
        (damaged_chunk(lambda chunk: replace(chunk, frames=())), "frames 0 to 49 expected, held 0-19 21-49"),
        (damaged_chunk(lambda chunk: replace(chunk, sound_packets=())), "no sound came with chunks 20"),
        (damaged_chunk(lambda chunk: replace(chunk, num_samples=0)), "64000 samples of sound expected, 62720 came"),
        (with_answer(Answer.NONE), "control at 1.00 s was never answered"),
        (with_answer(Answer.REJECTED), "control at 1.00 s was rejected: CONTROL_UNSUPPORTED"),
        (with_answer(Answer.APPLIED, 50), "took effect at chunk 50, which never came"),
        (replace(flawless_recording(), chunks=()), "held none"),
        (replace(flawless_recording(), failure="ConnectionLost: gone"), "ConnectionLost: gone"),
    ],
)
def test_what_is_missing_is_a_fault(recording: Recording, sentence: str) -> None:
    assert any(sentence in fault for fault in faults_of(played(recording))), faults_of(played(recording))


@pytest.mark.parametrize(
    ("decoded", "sentence"),
    [
        (DecodedCounts(num_frames=49, sound_s=4.0), "50 frames expected, 49 decoded"),
        (DecodedCounts(num_frames=50, sound_s=3.98), "4.000 s of sound delivered, 3.980 s decoded"),
    ],
)
def test_what_does_not_decode_is_a_fault(decoded: DecodedCounts, sentence: str) -> None:
    session: PlayedSession = replace(played(flawless_recording()), decoded=decoded)
    assert faults_of(session) == [f"text: {sentence}"]


def test_a_play_that_never_began_fails_with_the_reason() -> None:
    nothing = replace(
        flawless_recording(),
        chunks=(),
        controls=(),
        planned_chunks=0,
        shape=MediaShape(),
        failure="Unavailable: refused",
    )
    faults = faults_of(played(nothing))
    assert "text: Unavailable: refused" in faults
    assert "text: no session came about" in faults
    assert figures(nothing).audio_seconds == 0.0


def test_a_control_that_was_never_sent_is_a_fault() -> None:
    recording = with_answer(Answer.NONE)
    unsent = tuple(
        replace(control, sent_s=None) if control.answer is Answer.NONE else control for control in recording.controls
    )
    recording = replace(recording, controls=unsent)
    assert faults_of(played(recording)) == ["text: control at 1.00 s was never sent"]
    assert figures(recording).controls_sent == 2


def test_a_superseded_control_is_answered() -> None:
    recording = with_answer(Answer.SUPERSEDED)
    assert faults_of(played(recording)) == []
    result = figures(recording)
    assert (result.controls_applied, result.controls_superseded, result.controls_unanswered) == (2, 1, 0)


def test_a_play_of_nothing_is_reported_without_dividing_by_it() -> None:
    result = figures(replace(flawless_recording(), chunks=(), controls=()))
    assert result.frames_delivered == 0
    assert result.real_time_factor == 0.0
    assert result.time_to_first_frame_s is None
    assert result.control_to_frame_p95_s is None
