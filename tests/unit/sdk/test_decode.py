"""Encoded media into arrays, from PyAV's own encoders."""

from __future__ import annotations

from fractions import Fraction
from typing import cast

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.video.codeccontext import VideoCodecContext

from nacre.decode import OPUS_DECODED_RATE_HZ, FrameDecoder, SoundDecoder
from nacre.media import Frame, MediaFormat, Sound

ENCODED = MediaFormat(video="h264", audio="opus", width_px=64, height_px=32, sample_rate_hz=16_000, audio_channels=1)
RAW = MediaFormat(video="rgb", audio="pcm", width_px=64, height_px=32, sample_rate_hz=16_000, audio_channels=1)
TONE_HZ = 440


def frame_of(data: bytes, format: MediaFormat) -> Frame:
    return Frame(index=0, presentation_time_s=0.0, data=data, is_keyframe=True, format=format)


def test_each_h264_frame_comes_out_at_once() -> None:
    codec = cast("VideoCodecContext", av.CodecContext.create("libx264", "w"))
    codec.width, codec.height, codec.pix_fmt = 64, 32, "yuv420p"
    codec.framerate, codec.time_base = Fraction(25, 2), Fraction(2, 25)
    codec.options = {"preset": "ultrafast", "tune": "zerolatency"}
    decoder = FrameDecoder()
    for number, grey in enumerate((60, 120, 180)):
        picture = av.VideoFrame.from_ndarray(np.full((32, 64, 3), grey, np.uint8), format="rgb24")
        picture.pts = number
        (packet,) = codec.encode(picture)
        decoded_HWC = decoder.decode(frame_of(bytes(packet), ENCODED))
        assert decoded_HWC is not None
        assert decoded_HWC.shape == (32, 64, 3)
        assert abs(float(decoded_HWC.mean()) - grey) < 4


def test_opus_packets_become_the_tone_they_were() -> None:
    codec = cast("AudioCodecContext", av.CodecContext.create("libopus", "w"))
    codec.sample_rate, codec.layout, codec.format = 16_000, "mono", "flt"
    codec.options = {"frame_duration": "20"}
    time_s = np.arange(16_000) / 16_000
    block = av.AudioFrame.from_ndarray(
        np.sin(2 * np.pi * TONE_HZ * time_s).astype(np.float32).reshape(1, -1) / 2, format="flt", layout="mono"
    )
    block.sample_rate, block.pts = 16_000, 0
    packets = tuple(bytes(packet) for packet in codec.encode(block))
    sound = Sound(presentation_time_s=0.0, packets=packets, num_samples=16_000, format=ENCODED)
    samples_SC = SoundDecoder().decode(sound)
    assert samples_SC.dtype == np.float32
    assert samples_SC.shape == (len(packets) * OPUS_DECODED_RATE_HZ // 50, 1)
    spectrum = np.abs(np.fft.rfft(samples_SC[:, 0]))
    loudest_hz = np.argmax(spectrum) * OPUS_DECODED_RATE_HZ / len(samples_SC)
    assert abs(loudest_hz - TONE_HZ) < 3
    assert 0.4 < float(np.abs(samples_SC).max()) < 0.6
    assert SoundDecoder.sample_rate_hz(sound) == OPUS_DECODED_RATE_HZ


def test_raw_media_passes_through() -> None:
    picture_HWC = np.arange(32 * 64 * 3, dtype=np.uint8).reshape(32, 64, 3)
    decoded_HWC = FrameDecoder().decode(frame_of(picture_HWC.tobytes(), RAW))
    assert decoded_HWC is not None
    assert np.array_equal(decoded_HWC, picture_HWC)
    samples = np.array([0, 32_767, -32_767], "<i2")
    sound = Sound(presentation_time_s=0.0, packets=(samples.tobytes(),), num_samples=3, format=RAW)
    assert np.array_equal(SoundDecoder().decode(sound), np.array([[0], [1], [-1]], np.float32))
    assert SoundDecoder.sample_rate_hz(sound) == 16_000
