"""Pictures and sound as clients asked for them. One encoder of each kind per session and codec.

Encoders keep state between chunks and block for about half a millisecond a chunk at
128x80; callers run them in a thread, one chunk at a time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol, cast

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from model.interface import FramesFHWC, ModelInfo, SamplesSC
from nacre.v1 import media_pb2

VideoCodec = media_pb2.VideoCodec
AudioCodec = media_pb2.AudioCodec

OPUS_PACKET_S = Fraction(20, 1000)
OPUS_RATES_HZ = (8_000, 12_000, 16_000, 24_000, 48_000)
PCM_PEAK = 32_767
MAX_VP8_BITS_PER_PX = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaConfig:
    h264_crf: int = 19  # pictures are small and get enlarged, so blocks show sooner than at x264's own 23
    vp8_crf: int = 10  # of 63; looks like h264_crf
    keyframe_interval_s: float = 2.0
    # Those who come later begin at a keyframe of their own, but for so long after the last one that was asked for:
    # a crowd that comes at once costs one, and nobody waits for a second.
    min_keyframe_gap_s: float = 0.5
    opus_bit_rate: int = 48_000
    opus_complexity: int = 5  # of 10; the upper half costs time and is for low bit rates

    def __post_init__(self) -> None:
        if not 0 <= self.h264_crf <= 51:
            raise ValueError(f"h264_crf must be 0 to 51, got {self.h264_crf}")
        if not 0 <= self.vp8_crf <= 63:
            raise ValueError(f"vp8_crf must be 0 to 63, got {self.vp8_crf}")
        if not (math.isfinite(self.keyframe_interval_s) and self.keyframe_interval_s > 0):
            raise ValueError(f"keyframe_interval_s must be positive, got {self.keyframe_interval_s}")
        if not (math.isfinite(self.min_keyframe_gap_s) and self.min_keyframe_gap_s > 0):
            raise ValueError(f"min_keyframe_gap_s must be positive, got {self.min_keyframe_gap_s}")
        if not 6_000 <= self.opus_bit_rate <= 510_000:
            raise ValueError(f"opus_bit_rate must be 6,000 to 510,000, got {self.opus_bit_rate}")
        if not 0 <= self.opus_complexity <= 10:
            raise ValueError(f"opus_complexity must be 0 to 10, got {self.opus_complexity}")


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    data: bytes
    is_keyframe: bool


@dataclass(frozen=True, slots=True)
class EncodedAudio:
    packets: list[bytes]
    num_samples: int
    # Of the first decoded sample, counted from the first sample ever given to this encoder. Below
    # zero at first: a decoder begins with samples the encoder made up.
    first_sample_idx: int


class VideoEncoder(Protocol):
    def encode(self, frames_FHWC: FramesFHWC, *, begins_with_keyframe: bool = False) -> list[EncodedFrame]:
        """One access unit per frame, without delay."""
        ...


class AudioEncoder(Protocol):
    def encode(self, samples_SC: SamplesSC) -> EncodedAudio: ...


class RawRgbEncoder:
    """8-bit RGB, row by row."""

    def encode(self, frames_FHWC: FramesFHWC, *, begins_with_keyframe: bool = False) -> list[EncodedFrame]:
        return [EncodedFrame(frame_HWC.tobytes(), True) for frame_HWC in frames_FHWC]


class PredictiveEncoder:
    """A codec of libav that makes frames from those before; the first one is a keyframe."""

    def __init__(self, name: str, options: dict[str, str], info: ModelInfo, config: MediaConfig) -> None:
        codec = cast("VideoCodecContext", av.CodecContext.create(name, "w"))
        frame_rate = Fraction(info.frame_rate).limit_denominator(1001)
        codec.width, codec.height, codec.pix_fmt = info.width_px, info.height_px, "yuv420p"
        codec.framerate, codec.time_base = frame_rate, 1 / frame_rate
        codec.gop_size = max(1, round(config.keyframe_interval_s * info.frame_rate))
        codec.max_b_frames = 0
        codec.thread_count = 1  # a frame takes 0.2 ms; handing it to threads would cost more
        codec.options = options
        codec.open()
        self._codec = codec
        self._next_pts = 0

    def encode(self, frames_FHWC: FramesFHWC, *, begins_with_keyframe: bool = False) -> list[EncodedFrame]:
        return [
            self._encode_frame(frame_HWC, is_key=begins_with_keyframe and idx == 0)
            for idx, frame_HWC in enumerate(frames_FHWC)
        ]

    def _encode_frame(self, frame_HWC: np.ndarray, *, is_key: bool) -> EncodedFrame:
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame_HWC), format="rgb24")
        if is_key:
            frame.pict_type = PictureType.I
        frame.pts = self._next_pts
        self._next_pts += 1
        packets = self._codec.encode(frame)
        assert len(packets) == 1, f"one packet per frame, got {len(packets)}"
        return EncodedFrame(bytes(packets[0]), packets[0].is_keyframe)


class H264Encoder(PredictiveEncoder):
    """Annex B with parameter sets in every keyframe."""

    def __init__(self, info: ModelInfo, config: MediaConfig) -> None:
        options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "profile": "baseline",
            "forced-idr": "1",  # a keyframe that is asked for is one to begin at
            "crf": str(config.h264_crf),
            # What swscale makes of RGB by default; players guess differently by picture size.
            "x264-params": "colormatrix=smpte170m:colorprim=bt709:transfer=iec61966-2-1:range=tv",
        }
        super().__init__("libx264", options, info, config)


class Vp8Encoder(PredictiveEncoder):
    """One frame of the bitstream each, and no hidden ones."""

    def __init__(self, info: ModelInfo, config: MediaConfig) -> None:
        # libvpx keeps the quality that is asked for below this rate alone; small pictures need most per pixel.
        bit_rate = round(MAX_VP8_BITS_PER_PX * info.width_px * info.height_px * info.frame_rate)
        options = {
            "deadline": "realtime",
            "cpu-used": "8",
            "lag-in-frames": "0",
            "auto-alt-ref": "0",
            "crf": str(config.vp8_crf),
            "b": str(bit_rate),
        }
        super().__init__("libvpx", options, info, config)


class PcmEncoder:
    """Interleaved signed 16-bit little-endian samples, one entry a chunk."""

    def __init__(self) -> None:
        self._num_samples = 0

    def encode(self, samples_SC: SamplesSC) -> EncodedAudio:
        first_sample_idx = self._num_samples
        self._num_samples += len(samples_SC)
        return EncodedAudio([to_pcm_s16le(samples_SC)], len(samples_SC), first_sample_idx)


class OpusEncoder:
    """Packets of 20 ms. Samples that do not fill a packet wait for the next chunk."""

    def __init__(self, info: ModelInfo, config: MediaConfig) -> None:
        codec = cast("AudioCodecContext", av.CodecContext.create("libopus", "w"))
        codec.sample_rate, codec.layout = info.sample_rate_hz, "mono" if info.audio_channels == 1 else "stereo"
        codec.format, codec.bit_rate = "flt", config.opus_bit_rate
        codec.time_base = Fraction(1, info.sample_rate_hz)
        codec.options = {
            "frame_duration": "20",
            "application": "lowdelay",  # 2.5 ms of encoder delay in place of 6.5
            "compression_level": str(config.opus_complexity),
        }
        codec.open()
        self._codec = codec
        self._packet_samples = int(OPUS_PACKET_S * info.sample_rate_hz)
        self._waiting_SC = np.zeros((0, info.audio_channels), np.float32)
        self._next_pts = 0

    def encode(self, samples_SC: SamplesSC) -> EncodedAudio:
        if len(self._waiting_SC):
            samples_SC = np.concatenate([self._waiting_SC, samples_SC])
        num_whole = len(samples_SC) // self._packet_samples * self._packet_samples
        self._waiting_SC = samples_SC[num_whole:].copy()
        packets = [
            packet
            for start in range(0, num_whole, self._packet_samples)
            for packet in self._codec.encode(self._frame(samples_SC[start : start + self._packet_samples]))
        ]
        assert len(packets) * self._packet_samples == num_whole, "one packet per 20 ms"
        first_sample_idx = int(packets[0].pts or 0) if packets else self._next_pts
        return EncodedAudio([bytes(packet) for packet in packets], num_whole, first_sample_idx)

    def _frame(self, samples_SC: SamplesSC) -> av.AudioFrame:
        interleaved = np.ascontiguousarray(samples_SC, np.float32).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(interleaved, format="flt", layout=self._codec.layout.name)
        frame.sample_rate, frame.time_base, frame.pts = self._codec.sample_rate, self._codec.time_base, self._next_pts
        self._next_pts += len(samples_SC)
        return frame


def to_pcm_s16le(samples_SC: SamplesSC) -> bytes:
    return np.rint(np.clip(samples_SC, -1.0, 1.0) * PCM_PEAK).astype("<i2").tobytes()


def video_codecs_for(info: ModelInfo) -> tuple[VideoCodec, ...]:
    """What the model's pictures can be sent as, the default first."""
    can_halve = info.width_px % 2 == 0 and info.height_px % 2 == 0  # for 4:2:0 colour
    halved = (VideoCodec.VIDEO_CODEC_H264, VideoCodec.VIDEO_CODEC_VP8) if can_halve else ()
    return (*halved, VideoCodec.VIDEO_CODEC_RAW_RGB)


def audio_codecs_for(info: ModelInfo) -> tuple[AudioCodec, ...]:
    """What the model's sound can be sent as, the default first. Empty for a silent model."""
    if info.audio_channels == 0:
        return ()
    is_opus_able = info.sample_rate_hz in OPUS_RATES_HZ and info.audio_channels <= 2
    return (AudioCodec.AUDIO_CODEC_OPUS, AudioCodec.AUDIO_CODEC_PCM_S16LE)[0 if is_opus_able else 1 :]


def make_video_encoder(codec: VideoCodec, info: ModelInfo, config: MediaConfig) -> VideoEncoder:
    match codec:
        case VideoCodec.VIDEO_CODEC_H264:
            return H264Encoder(info, config)
        case VideoCodec.VIDEO_CODEC_VP8:
            return Vp8Encoder(info, config)
        case _:
            return RawRgbEncoder()


def make_audio_encoder(codec: AudioCodec | None, info: ModelInfo, config: MediaConfig) -> AudioEncoder | None:
    if codec is None:
        return None
    return OpusEncoder(info, config) if codec == AudioCodec.AUDIO_CODEC_OPUS else PcmEncoder()
