"""The sound of a recording's file: as it was encoded, or as AAC for players that know no Opus in MP4."""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction
from typing import Any, cast

import av
import numpy as np
from av.container import OutputContainer

from serving.export.segment import Header

OPUS_PACKET_S = Fraction(20, 1000)
# What an Opus decoder gives, whatever went into the encoder (RFC 6716, 2.1).
DECODED_RATE_HZ = 48_000
# Of stereo sound that was Opus at half of that: AAC is not to take anything more from it.
AAC_BIT_RATE_PER_CHANNEL = 64_000
# Where nothing was recorded there is silence, in blocks of at most this.
SILENCE_BLOCK = DECODED_RATE_HZ


class Audio(StrEnum):
    OPUS = "opus"
    AAC = "aac"


class OpusSound:
    """The packets, put into another order and nothing else."""

    def __init__(self, container: OutputContainer, header: Header) -> None:
        self._container = container
        self._time_base = Fraction(1, header.sample_rate_hz)
        self.packet_samples = int(OPUS_PACKET_S * header.sample_rate_hz)
        # The encoder that it comes with writes the stream's head (RFC 7845, 5.1) as the one that was used did, and
        # encodes nothing.
        options = {"application": "lowdelay", "frame_duration": "20"}
        self._stream: Any = container.add_stream("libopus", rate=header.sample_rate_hz, options=options)
        self._stream.codec_context.layout = _layout(header)
        self._stream.codec_context.format = "flt"

    def begin_run(self) -> None:
        """What follows has nothing to do with what came before."""

    def add(self, data: bytes, start: int) -> None:
        """`start`: of its first sample, in the film, at the recording's rate."""
        packet = av.Packet(data)
        packet.stream, packet.time_base = self._stream, self._time_base
        packet.pts = packet.dts = start
        packet.duration, packet.is_keyframe = self.packet_samples, True
        self._container.mux_one(packet)

    def close(self) -> None:
        """Nothing waits."""


class AacSound:
    """Decoded, and encoded anew: one stream of samples from the film's beginning to its end."""

    def __init__(self, container: OutputContainer, header: Header) -> None:
        self._container, self._header = container, header
        self.packet_samples = int(OPUS_PACKET_S * header.sample_rate_hz)
        self._stream: Any = container.add_stream("aac", rate=DECODED_RATE_HZ)
        self._stream.codec_context.layout = _layout(header)
        self._stream.codec_context.bit_rate = AAC_BIT_RATE_PER_CHANNEL * header.audio_channels
        self._decoder = _opus_decoder(header)
        self._num_written = 0

    def begin_run(self) -> None:
        self._decoder = _opus_decoder(self._header)

    def add(self, data: bytes, start: int) -> None:
        """As `OpusSound.add`. Gaps become silence; what overlaps is heard once."""
        start = round(Fraction(start * DECODED_RATE_HZ, self._header.sample_rate_hz))
        for block in self._decoder.decode(av.Packet(data)):
            samples_1S = block.to_ndarray()  # s16, the channels one after the other in each sample
            skip = max(0, self._num_written - start) * self._header.audio_channels
            self._be_silent_until(start)
            self._write(samples_1S[:, skip:])
            start += block.samples

    def close(self) -> None:
        """Write what waits in the encoder."""
        for packet in self._stream.encode(None):
            self._container.mux_one(packet)

    def _be_silent_until(self, end: int) -> None:
        while (missing := end - self._num_written) > 0:
            num_samples = min(missing, SILENCE_BLOCK)
            self._write(np.zeros((1, num_samples * self._header.audio_channels), np.int16))

    def _write(self, samples_1S: np.ndarray) -> None:
        if not samples_1S.size:
            return
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples_1S), format="s16", layout=_layout(self._header))
        frame.sample_rate, frame.time_base = DECODED_RATE_HZ, Fraction(1, DECODED_RATE_HZ)
        frame.pts = self._num_written
        self._num_written += frame.samples
        for packet in self._stream.encode(frame):
            self._container.mux_one(packet)


def open_sound(audio: Audio, container: OutputContainer, header: Header) -> OpusSound | AacSound:
    return AacSound(container, header) if audio is Audio.AAC else OpusSound(container, header)


def _layout(header: Header) -> str:
    return "mono" if header.audio_channels == 1 else "stereo"


def _opus_decoder(header: Header) -> Any:
    codec = cast("Any", av.CodecContext.create("libopus", "r"))
    codec.sample_rate, codec.layout = DECODED_RATE_HZ, _layout(header)
    return codec
