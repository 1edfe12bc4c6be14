"""Delivered media as a player would take it: decoded, and remuxed into MP4 files."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.stream import AudioStream
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext
from numpy.typing import NDArray

from bench.recording import ReceivedFrame, Recording

OPUS_DECODED_RATE_HZ = 48_000  # whatever it was encoded from
INT16_SCALE = 32_768.0
AAC_BIT_RATE = 128_000
AAC_FRAME_SAMPLES = 1_024
VIDEO_TIME_BASE = Fraction(1, 90_000)


def decode_video(frames: Sequence[ReceivedFrame]) -> list[NDArray[np.uint8]]:
    """Each frame as RGB; fewer than were given where some do not decode."""
    codec = cast("VideoCodecContext", av.CodecContext.create("h264", "r"))
    codec.thread_count = 1  # with threads a decoder holds frames back
    pictures: list[NDArray[np.uint8]] = []
    for packet in [*(av.Packet(frame.data) for frame in frames), None]:
        # What does not decode is missing from the result, and the report counts.
        with contextlib.suppress(FFmpegError):
            pictures += [np.asarray(picture.to_ndarray(format="rgb24"), np.uint8) for picture in codec.decode(packet)]
    return pictures


def decode_sound(packets: Sequence[bytes]) -> NDArray[np.float32]:
    """Mono samples at `OPUS_DECODED_RATE_HZ`, the decoder's start included; less where some do not decode."""
    codec = cast("AudioCodecContext", av.CodecContext.create("libopus", "r"))
    codec.sample_rate, codec.layout = OPUS_DECODED_RATE_HZ, "mono"
    blocks: list[NDArray[np.float32]] = []
    for packet in packets:
        with contextlib.suppress(FFmpegError):
            blocks += [_float_samples(frame) for frame in codec.decode(av.Packet(packet))]
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)


def _float_samples(frame: av.AudioFrame) -> NDArray[np.float32]:
    block = np.asarray(frame.to_ndarray()).reshape(-1)
    return (block / (INT16_SCALE if block.dtype == np.int16 else 1.0)).astype(np.float32)


def write_mp4(path: Path, recording: Recording, sound: NDArray[np.float32]) -> None:
    """The delivered H.264 as it came, with the decoded sound as AAC, which every player takes."""
    frames = recording.frames
    # The raw demuxer reads the parameter sets out of the stream, which the MP4 header needs.
    annex_b = b"".join(frame.data for frame in frames)
    with av.open(io.BytesIO(annex_b), format="h264") as source, av.open(path, "w") as target:
        video = target.add_stream_from_template(source.streams.video[0])
        video.time_base = VIDEO_TIME_BASE
        audio = cast("AudioStream", target.add_stream("aac", rate=OPUS_DECODED_RATE_HZ, layout="mono"))
        audio.bit_rate = AAC_BIT_RATE
        for packet in _video_packets(frames, 1.0 / recording.shape.frame_rate):
            packet.stream = video
            target.mux(packet)
        start_s = recording.chunks[0].sound_presentation_s
        for frame in _sound_frames(_from_zero(sound, start_s)):
            target.mux(audio.encode(frame))
        target.mux(audio.encode(None))


def _video_packets(frames: Sequence[ReceivedFrame], frame_duration_s: float) -> Iterator[av.Packet]:
    for frame in frames:
        packet = av.Packet(frame.data)
        packet.time_base = VIDEO_TIME_BASE
        packet.pts = packet.dts = round(frame.presentation_s / VIDEO_TIME_BASE)
        packet.duration = round(frame_duration_s / VIDEO_TIME_BASE)
        packet.is_keyframe = frame.is_keyframe
        yield packet


def _from_zero(sound: NDArray[np.float32], start_s: float) -> NDArray[np.float32]:
    """The sound from the first frame on: cut where it begins earlier, padded where later."""
    offset = round(start_s * OPUS_DECODED_RATE_HZ)
    return sound[-offset:] if offset < 0 else np.concatenate([np.zeros(offset, np.float32), sound])


def _sound_frames(sound: NDArray[np.float32]) -> Iterator[av.AudioFrame]:
    for start in range(0, len(sound), AAC_FRAME_SAMPLES):
        block = np.ascontiguousarray(sound[start : start + AAC_FRAME_SAMPLES]).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = OPUS_DECODED_RATE_HZ, Fraction(1, OPUS_DECODED_RATE_HZ), start
        yield frame
