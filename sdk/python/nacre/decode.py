"""Encoded media into arrays, with PyAV (`pip install av`).

Decoders keep state: give one decoder the frames (or the sound) of one world, in order.
"""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from nacre.media import Frame, Sound

try:
    import av
    from av.audio.codeccontext import AudioCodecContext
    from av.video.codeccontext import VideoCodecContext
except ImportError as error:
    raise ImportError("nacre.decode needs PyAV: pip install av") from error

OPUS_DECODED_RATE_HZ = 48_000  # what an Opus decoder gives, whatever went into the encoder
INT16_STEPS = 32_768


class FrameDecoder:
    """Frames of any codec into pictures, without delay."""

    def __init__(self) -> None:
        self._codec: VideoCodecContext | None = None

    def decode(self, frame: Frame) -> NDArray[np.uint8] | None:
        """H W 3, 8-bit RGB; None until the first keyframe has come."""
        if frame.format.video == "rgb":
            return frame.rgb
        if self._codec is None:
            self._codec = _open_video(frame.format.video)
        pictures = self._codec.decode(av.Packet(frame.data))
        return cast("NDArray[np.uint8]", pictures[-1].to_ndarray(format="rgb24")) if pictures else None


class SoundDecoder:
    """Sound of either codec into samples."""

    def __init__(self) -> None:
        self._codec: AudioCodecContext | None = None

    @staticmethod
    def sample_rate_hz(sound: Sound) -> int:
        """Of what `decode` gives."""
        return sound.format.sample_rate_hz if sound.format.audio == "pcm" else OPUS_DECODED_RATE_HZ

    def decode(self, sound: Sound) -> NDArray[np.float32]:
        """S C, -1 to 1; its first sample is to be heard at `sound.presentation_time_s`."""
        if sound.format.audio == "pcm":
            return sound.samples
        if self._codec is None:
            self._codec = _open_opus(sound.format.audio_channels)
        num_channels = sound.format.audio_channels
        blocks_SC = [
            _to_samples(block, num_channels)
            for packet in sound.packets
            for block in self._codec.decode(av.Packet(packet))
        ]
        return np.concatenate(blocks_SC) if blocks_SC else np.zeros((0, num_channels), np.float32)


def _to_samples(block: av.AudioFrame, num_channels: int) -> NDArray[np.float32]:
    assert block.format.name == "s16", f"Opus decodes to interleaved 16-bit samples, got {block.format.name}"
    return block.to_ndarray().reshape(-1, num_channels).astype(np.float32) / np.float32(INT16_STEPS)


def _open_video(name: str) -> VideoCodecContext:
    codec = cast("VideoCodecContext", av.CodecContext.create(name, "r"))
    codec.thread_count = 1  # more threads would hold frames back
    codec.options = {"flags": "low_delay"}
    return codec


def _open_opus(num_channels: int) -> AudioCodecContext:
    codec = cast("AudioCodecContext", av.CodecContext.create("libopus", "r"))
    codec.sample_rate, codec.layout = OPUS_DECODED_RATE_HZ, "mono" if num_channels == 1 else "stereo"
    return codec
