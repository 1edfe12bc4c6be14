"""Chunks as a client gets them: frames, their sound, and where the camera stands.

Letters of the shapes: `H W` height and width in pixels, `S` samples, `C` channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nacre.records import Capabilities, seconds_of
from nacre.v1 import media_pb2

VIDEO_CODECS = {
    "h264": media_pb2.VIDEO_CODEC_H264,
    "vp8": media_pb2.VIDEO_CODEC_VP8,
    "rgb": media_pb2.VIDEO_CODEC_RAW_RGB,
}
AUDIO_CODECS = {"opus": media_pb2.AUDIO_CODEC_OPUS, "pcm": media_pb2.AUDIO_CODEC_PCM_S16LE}
PCM_PEAK = 32_767


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFormat:
    """How the frames and the sound of an attachment are encoded."""

    video: str  # "h264", "vp8" or "rgb"
    audio: str  # "opus", "pcm", or "" where there is no sound
    width_px: int
    height_px: int
    sample_rate_hz: int
    audio_channels: int


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One picture. `data` is an H.264 access unit (Annex B), a VP8 frame or raw RGB, as `format.video` says."""

    index: int  # counts the session's frames
    presentation_time_s: float  # from the session's first frame
    data: bytes
    is_keyframe: bool
    format: MediaFormat

    @cached_property
    def rgb(self) -> NDArray[np.uint8]:
        """The picture as H W 3, 8 bits each, read-only. Only for video="rgb"; ValueError otherwise."""
        if self.format.video != "rgb":
            raise ValueError('the frames are encoded: enter with video="rgb", or `import nacre.decode` to decode them')
        return np.frombuffer(self.data, np.uint8).reshape(self.format.height_px, self.format.width_px, 3)


@dataclass(frozen=True, kw_only=True)
class Sound:
    """The sound of one chunk: Opus packets of 20 ms, or a single entry of 16-bit samples."""

    presentation_time_s: float  # of the first sample, from the session's first frame
    packets: tuple[bytes, ...]
    num_samples: int
    format: MediaFormat

    @cached_property
    def samples(self) -> NDArray[np.float32]:
        """The samples as S C, -1 to 1. Only for audio="pcm"; ValueError otherwise."""
        if self.format.audio != "pcm":
            raise ValueError('the sound is Opus: enter with audio="pcm", or `import nacre.decode` to decode it')
        integers = np.frombuffer(b"".join(self.packets), "<i2").reshape(-1, self.format.audio_channels)
        return integers.astype(np.float32) / np.float32(PCM_PEAK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """Where the camera stands, in the frame of the session's start."""

    x_m: float  # ahead
    y_m: float  # left
    yaw_deg: float  # to the right
    pitch_deg: float  # above the horizon


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """The frames and the sound that were generated together."""

    index: int  # counts the session's chunks
    sequence: int  # counts the chunks of this attachment
    world_time_s: float
    frames: tuple[Frame, ...]
    sound: Sound | None  # None for a silent model, and where no whole packet came about
    pose: Pose
    is_late: bool  # the service missed its deadline
    received_s: float  # time.monotonic() at this client


def to_media_format(video_codec: int, audio_codec: int, capabilities: Capabilities) -> MediaFormat:
    """Raises ValueError for a codec that was not asked for."""
    video = next((word for word, value in VIDEO_CODECS.items() if value == video_codec), None)
    audio = next((word for word, value in AUDIO_CODECS.items() if value == audio_codec), "")
    if video is None:
        raise ValueError(f"unknown video codec {video_codec}")
    return MediaFormat(
        video=video,
        audio=audio,
        width_px=capabilities.width_px,
        height_px=capabilities.height_px,
        sample_rate_hz=capabilities.sample_rate_hz,
        audio_channels=capabilities.audio_channels,
    )


def to_chunk(message: media_pb2.MediaChunk, format: MediaFormat, received_s: float) -> Chunk:
    pose = message.pose
    return Chunk(
        index=message.chunk_index,
        sequence=message.sequence,
        world_time_s=seconds_of(message.world_time),
        frames=tuple(_to_frame(frame, format) for frame in message.frames),
        sound=_to_sound(message.audio, format) if message.audio.packets else None,
        pose=Pose(x_m=pose.x_m, y_m=pose.y_m, yaw_deg=pose.yaw_deg, pitch_deg=pose.pitch_deg),
        is_late=message.late,
        received_s=received_s,
    )


def _to_frame(message: media_pb2.VideoFrame, format: MediaFormat) -> Frame:
    return Frame(
        index=message.frame_index,
        presentation_time_s=seconds_of(message.presentation_time),
        data=message.data,
        is_keyframe=message.is_keyframe,
        format=format,
    )


def _to_sound(message: media_pb2.AudioBlock, format: MediaFormat) -> Sound:
    return Sound(
        presentation_time_s=seconds_of(message.presentation_time),
        packets=tuple(message.packets),
        num_samples=message.num_samples,
        format=format,
    )
