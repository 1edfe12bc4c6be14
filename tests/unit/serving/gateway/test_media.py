from __future__ import annotations

import av
import numpy as np
import pytest

from model.interface import ModelInfo
from serving.gateway.media import (
    H264Encoder,
    MediaConfig,
    OpusEncoder,
    PcmEncoder,
    RawRgbEncoder,
    Vp8Encoder,
    to_pcm_s16le,
)
from tests.fakes import TONE_HZ, fake_frames, fake_info, fake_samples

CONFIG = MediaConfig()


def decode_h264(packets: list[bytes]) -> list[np.ndarray]:
    codec = av.CodecContext.create("h264", "r")
    frames = [frame for data in packets for frame in codec.decode(av.Packet(data))]
    frames += codec.decode(None)
    return [frame.to_ndarray(format="rgb24") for frame in frames]


def decode_vp8(packets: list[bytes]) -> list[np.ndarray]:
    codec = av.CodecContext.create("vp8", "r")
    return [frame.to_ndarray(format="rgb24") for data in packets for frame in codec.decode(av.Packet(data))]


def decode_opus(packets: list[bytes], channels: int = 1) -> np.ndarray:
    """Samples at 48 kHz, nothing skipped."""
    codec = av.CodecContext.create("opus", "r")
    codec.sample_rate, codec.layout = 48_000, "mono" if channels == 1 else "stereo"
    blocks = [frame.to_ndarray() for data in packets for frame in codec.decode(av.Packet(data))]
    return np.concatenate(blocks, axis=1)


@pytest.mark.parametrize(
    "info",
    [
        fake_info(),
        fake_info(width_px=66, height_px=50, frame_rate=30.0, frames_per_chunk=3),
        fake_info(width_px=320, height_px=176, frame_rate=29.97),
    ],
)
def test_every_frame_is_an_access_unit_at_once(info: ModelInfo) -> None:
    encoder = H264Encoder(info, CONFIG)
    sent = []
    for chunk_idx in range(4):
        encoded = encoder.encode(fake_frames(info, chunk_idx))
        assert len(encoded) == info.frames_per_chunk
        sent += encoded
        decoded = decode_h264([frame.data for frame in sent])
        assert len(decoded) == len(sent), "nothing waits in the encoder"
        assert decoded[0].shape == (info.height_px, info.width_px, 3)


def test_the_picture_survives() -> None:
    info = fake_info()
    rows, columns = np.mgrid[0:80, 0:128]
    smooth_HWC = np.stack([columns * 2 % 256, rows * 3, 200 - rows], axis=-1).astype(np.uint8)
    encoded = H264Encoder(info, CONFIG).encode(smooth_HWC[None])
    (decoded_HWC,) = decode_h264([encoded[0].data])
    error = decoded_HWC.astype(float) - smooth_HWC
    assert 10 * np.log10(255**2 / np.mean(error**2)) > 30
    assert abs(error.mean(axis=(0, 1))).max() < 3, "colours are not shifted"


def test_keyframes_come_first_and_then_by_the_clock_with_parameter_sets() -> None:
    info = fake_info()
    encoder = H264Encoder(info, MediaConfig(keyframe_interval_s=0.8))
    encoded = [encoder.encode(fake_frames(info, idx))[0] for idx in range(21)]
    assert [idx for idx, frame in enumerate(encoded) if frame.is_keyframe] == [0, 10, 20]
    for frame in encoded:
        kinds = nal_kinds(frame.data)
        assert ({7, 8, 5} <= kinds) == frame.is_keyframe
    assert len(decode_h264([frame.data for frame in encoded[10:]])) == 11, "a keyframe is a place to begin"


@pytest.mark.parametrize("info", [fake_info(), fake_info(width_px=66, height_px=50, frame_rate=30.0)])
def test_vp8_gives_every_frame_at_once_and_begins_where_it_is_asked_to(info: ModelInfo) -> None:
    encoder = Vp8Encoder(info, MediaConfig(keyframe_interval_s=100.0))
    encoded = [encoder.encode(fake_frames(info, idx), begins_with_keyframe=idx == 5)[0] for idx in range(9)]
    assert [idx for idx, frame in enumerate(encoded) if frame.is_keyframe] == [0, 5]
    assert len(decode_vp8([frame.data for frame in encoded])) == 9
    decoded = decode_vp8([frame.data for frame in encoded[5:]])
    assert [each.shape for each in decoded] == [(info.height_px, info.width_px, 3)] * 4


def test_the_picture_survives_vp8() -> None:
    rows, columns = np.mgrid[0:80, 0:128]
    smooth_HWC = np.stack([columns * 2 % 256, rows * 3, 200 - rows], axis=-1).astype(np.uint8)
    (frame,) = Vp8Encoder(fake_info(), CONFIG).encode(smooth_HWC[None])
    (decoded_HWC,) = decode_vp8([frame.data])
    error = decoded_HWC.astype(float) - smooth_HWC
    assert 10 * np.log10(255**2 / np.mean(error**2)) > 30
    assert abs(error.mean(axis=(0, 1))).max() < 3, "colours are not shifted"


def nal_kinds(data: bytes) -> set[int]:
    assert data.startswith(b"\x00\x00\x00\x01")
    return {part[0] & 0x1F for part in data.replace(b"\x00\x00\x00\x01", b"\x00\x00\x01").split(b"\x00\x00\x01")[1:]}


def test_raw_pictures_are_the_bytes() -> None:
    info = fake_info(frames_per_chunk=2)
    frames_FHWC = fake_frames(info, 3)
    encoded = RawRgbEncoder().encode(frames_FHWC[:, ::1])
    assert [frame.data for frame in encoded] == [frames_FHWC[0].tobytes(), frames_FHWC[1].tobytes()]
    assert all(frame.is_keyframe for frame in encoded)


def test_pcm_is_exact_and_clipped() -> None:
    samples_SC = np.array([[0.0], [1.0], [-1.0], [2.0], [-2.0], [0.5]], np.float32)
    expected = np.array([0, 32_767, -32_767, 32_767, -32_767, 16_384], "<i2")
    assert to_pcm_s16le(samples_SC) == expected.tobytes()
    stereo_SC = np.array([[0.0, 1.0], [-1.0, 0.0]], np.float32)
    assert np.frombuffer(to_pcm_s16le(stereo_SC), "<i2").tolist() == [0, 32_767, -32_767, 0]


def test_pcm_counts_from_its_first_sample() -> None:
    encoder = PcmEncoder()
    info = fake_info()
    assert [encoder.encode(fake_samples(info, idx)).first_sample_idx for idx in range(3)] == [0, 1_280, 2_560]


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 24_000, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_opus_packets_are_twenty_milliseconds(rate_hz: int, channels: int) -> None:
    info = fake_info(sample_rate_hz=rate_hz, audio_channels=channels, samples_per_chunk=rate_hz * 2 // 25)
    encoder = OpusEncoder(info, CONFIG)
    for chunk_idx in range(3):
        block = encoder.encode(fake_samples(info, chunk_idx))
        assert (len(block.packets), block.num_samples) == (4, info.samples_per_chunk)
        assert decode_opus(block.packets, channels).shape[1] == 4 * 960


def test_opus_says_where_its_first_sample_belongs() -> None:
    """A click must come out at the time that the presentation time gives it."""
    info = fake_info()
    samples_SC = np.zeros((8 * 1_280, 1), np.float32)
    click_idx = 5_000
    samples_SC[click_idx : click_idx + 8] = 0.9
    encoder = OpusEncoder(info, CONFIG)
    blocks = [encoder.encode(samples_SC[start : start + 1_280]) for start in range(0, len(samples_SC), 1_280)]
    assert blocks[0].first_sample_idx < 0
    assert [block.first_sample_idx - blocks[0].first_sample_idx for block in blocks] == list(range(0, 10_240, 1_280))
    decoded_CS = decode_opus([packet for block in blocks for packet in block.packets])
    heard_idx = int(np.abs(decoded_CS[0]).argmax()) / 3 + blocks[0].first_sample_idx
    assert abs(heard_idx - click_idx) < 0.002 * 16_000


def test_opus_keeps_what_does_not_fill_a_packet() -> None:
    info = fake_info(samples_per_chunk=500)
    encoder = OpusEncoder(info, CONFIG)
    blocks = [encoder.encode(fake_samples(info, idx)) for idx in range(16)]
    assert [len(block.packets) for block in blocks[:4]] == [1, 2, 1, 2]
    assert sum(block.num_samples for block in blocks) == 8_000
    pre_skip = -blocks[0].first_sample_idx
    expected = np.cumsum([0] + [block.num_samples for block in blocks[:-1]]) - pre_skip
    assert [block.first_sample_idx for block in blocks] == expected.tolist()


def test_a_block_without_a_packet_is_empty() -> None:
    info = fake_info(samples_per_chunk=100)
    block = OpusEncoder(info, CONFIG).encode(fake_samples(info, 0))
    assert (block.packets, block.num_samples) == ([], 0)


def test_the_tone_survives() -> None:
    info = fake_info()
    encoder = OpusEncoder(info, CONFIG)
    packets = [packet for idx in range(20) for packet in encoder.encode(fake_samples(info, idx)).packets]
    spectrum = np.abs(np.fft.rfft(decode_opus(packets)[0]))
    loudest_hz = spectrum.argmax() * 48_000 / (20 * 3 * 1_280)
    assert abs(loudest_hz - TONE_HZ) < 2


@pytest.mark.parametrize(
    "values",
    [
        {"h264_crf": 52},
        {"keyframe_interval_s": 0.0},
        {"keyframe_interval_s": float("nan")},
        {"opus_bit_rate": 1},
        {"opus_complexity": 11},
    ],
)
def test_media_settings_are_checked(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(values))):
        MediaConfig(**values)  # type: ignore[arg-type]
