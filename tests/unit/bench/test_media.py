"""Delivered media decode, and become files that players take."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from bench.media import decode_sound, decode_video, write_mp4
from bench.recording import ReceivedChunk, ReceivedFrame, Recording
from model.interface import ModelInfo
from serving.gateway.media import H264Encoder, MediaConfig, OpusEncoder
from tests.unit.bench.recordings import SHAPE, flawless_recording

NUM_CHUNKS = 50
TONE_HZ = 440.0


def model_info() -> ModelInfo:
    return ModelInfo(
        name="test",
        weights_sha256="",
        width_px=128,
        height_px=80,
        frame_rate=12.5,
        frames_per_chunk=1,
        sample_rate_hz=16_000,
        audio_channels=1,
        samples_per_chunk=1_280,
        controls=(),
        perspectives=(),
        max_yaw_deg_per_s=90.0,
        max_pitch_deg_per_s=45.0,
        max_speed_m_per_s=2.0,
        licence="Apache-2.0",
    )


def picture(idx: int) -> NDArray[np.uint8]:
    """Grey that brightens with time, dark enough that neighbours differ after encoding."""
    return np.full((80, 128, 3), 20 + idx * 4, np.uint8)


def tone(idx: int) -> NDArray[np.float32]:
    seconds = (np.arange(1_280) + idx * 1_280) / 16_000
    return (0.5 * np.sin(2 * np.pi * TONE_HZ * seconds)).astype(np.float32)[:, None]


@pytest.fixture(scope="module")
def recording() -> Recording:
    """Encoded as the gateway does it."""
    video, sound = H264Encoder(model_info(), MediaConfig()), OpusEncoder(model_info(), MediaConfig())
    chunks: list[ReceivedChunk] = []
    for empty in flawless_recording(NUM_CHUNKS).chunks:
        idx = empty.chunk_idx
        encoded, block = video.encode(picture(idx)[None])[0], sound.encode(tone(idx))
        frame = ReceivedFrame(
            frame_idx=idx, presentation_s=idx * 0.08, data=encoded.data, is_keyframe=encoded.is_keyframe
        )
        chunks.append(
            replace(
                empty,
                frames=(frame,),
                sound_packets=tuple(block.packets),
                num_samples=block.num_samples,
                sound_presentation_s=block.first_sample_idx / 16_000,
            )
        )
    return replace(flawless_recording(NUM_CHUNKS), chunks=tuple(chunks))


@pytest.fixture(scope="module")
def file(recording: Recording, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("media") / "text.mp4"
    write_mp4(path, recording, decode_sound(recording.packets))
    return path


def test_every_delivered_frame_is_decoded_in_order(recording: Recording) -> None:
    pictures = decode_video(recording.frames)
    assert len(pictures) == NUM_CHUNKS
    assert [round(float(each.mean()) / 4) for each in pictures] == [5 + idx for idx in range(NUM_CHUNKS)]


def test_a_frame_without_data_is_not_decoded(recording: Recording) -> None:
    frames = [replace(frame, data=b"\x00\x00\x00\x01") if frame.frame_idx == 7 else frame for frame in recording.frames]
    assert len(decode_video(frames)) == NUM_CHUNKS - 1


def test_delivered_sound_is_decoded_in_full(recording: Recording) -> None:
    sound = decode_sound(recording.packets)
    assert len(sound) == NUM_CHUNKS * 0.08 * 48_000
    assert 0.3 < np.abs(sound[10_000:]).max() < 0.7
    spectrum = np.abs(np.fft.rfft(sound[48_000:96_000]))
    assert np.argmax(spectrum) == TONE_HZ


def test_a_packet_that_is_not_opus_is_not_decoded(recording: Recording) -> None:
    packets = recording.packets
    packets[3] = b"\xff" * 3
    assert len(decode_sound(packets)) < NUM_CHUNKS * 0.08 * 48_000


def test_nothing_delivered_is_nothing_decoded() -> None:
    assert len(decode_sound([])) == 0
    assert decode_video([]) == []


def test_the_file_holds_the_delivered_pictures_unchanged_at_their_times(recording: Recording, file: Path) -> None:
    with av.open(file) as container:
        stream = container.streams.video[0]
        packets = [packet for packet in container.demux(stream) if packet.size]
        assert [float((packet.pts or 0) * packet.time_base) for packet in packets] == pytest.approx(
            [frame.presentation_s for frame in recording.frames], abs=1e-4
        )
        assert stream.codec_context.name == "h264"
        assert float((stream.duration or 0) * (stream.time_base or 0)) == pytest.approx(4.0)
    with av.open(file) as container:
        decoded = [np.asarray(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
    for one, other in zip(decoded, decode_video(recording.frames), strict=True):
        assert (one == other).all()


def test_the_file_has_sound_that_starts_with_the_pictures(file: Path) -> None:
    with av.open(file) as container:
        stream = container.streams.audio[0]
        assert stream.codec_context.name == "aac"
        frames = list(container.decode(stream))
    sound = np.concatenate([np.asarray(frame.to_ndarray()).reshape(-1) for frame in frames])
    assert len(sound) / 48_000 == pytest.approx(4.0, abs=0.05)
    # The tone starts at a zero crossing going up; its phase tells where it was put.
    period = sound[48_000:96_000]
    phase = np.angle(np.fft.rfft(period)[int(TONE_HZ)]) + np.pi / 2
    start_s = float((frames[0].pts or 0) / frames[0].sample_rate)
    offset_s = (-phase / (2 * np.pi * TONE_HZ) + start_s + 0.5 / TONE_HZ) % (1 / TONE_HZ) - 0.5 / TONE_HZ
    assert abs(offset_s) < 0.0005


def test_parameter_sets_are_in_the_header_for_players_that_look_only_there(recording: Recording, file: Path) -> None:
    with av.open(file) as container:
        extradata = container.streams.video[0].codec_context.extradata
    assert extradata is not None
    assert extradata[0] == 1, "an avcC record, not Annex B"
    assert SHAPE.width_px == 128
