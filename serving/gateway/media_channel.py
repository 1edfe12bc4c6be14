"""A session's pictures and sound, encoded once for all who take them in the same codecs."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from model.interface import ModelInfo
from nacre.v1 import media_pb2
from serving.gateway import codec
from serving.gateway.media import (
    AudioCodec,
    AudioEncoder,
    MediaConfig,
    VideoCodec,
    VideoEncoder,
    make_audio_encoder,
    make_video_encoder,
)
from serving.sessions.contract import DecodedChunk


class Codecs(NamedTuple):
    video: VideoCodec
    audio: AudioCodec | None  # None for a silent model


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedChunk:
    message: media_pb2.MediaChunk  # shared: what is each client's own is set on a copy
    num_bytes: int
    encode_seconds: float
    generation: object  # of encoders; of others than a channel's present ones, it cannot be decoded there


class MediaChannel:
    """The encoders of one pair of codecs. They keep state between chunks, so whoever comes later begins at a keyframe.

    All methods are for the event loop; what `encoding` gives runs in a thread, one chunk after the other.
    """

    def __init__(self, codecs: Codecs, info: ModelInfo, config: MediaConfig) -> None:
        self.codecs = codecs
        self.num_listeners = 0
        self.generation = object()  # unlike that of any other encoders, those of channels that are gone included
        self._info = info
        self._config = config
        # Raw pictures all stand by themselves.
        self._has_keyframes = codecs.video != VideoCodec.VIDEO_CODEC_RAW_RGB
        self._min_gap_chunks = max(1, math.ceil(config.min_keyframe_gap_s / info.chunk_duration_s))
        self._next_idx: int | None = None  # the first that is not encoded or on its way; None for any
        self._key_idx = 0  # of the last keyframe that was asked for
        self._wanted_key_idx: int | None = None
        self._first_idx = 0  # where the present encoders began
        self._video: VideoEncoder | None = None
        self._audio: AudioEncoder | None = None

    def join(self, next_chunk_idx: int) -> int:
        """Somebody is to see what comes from `next_chunk_idx` on: gives the first chunk that can be decoded without
        those before it. Keyframes that are asked for keep their distance, however many come."""
        if self._next_idx is None:
            return next_chunk_idx
        earliest = max(self._next_idx, next_chunk_idx)
        if not self._has_keyframes:
            return earliest
        if self._wanted_key_idx is None or self._wanted_key_idx < earliest:
            self._wanted_key_idx = max(earliest, self._key_idx + self._min_gap_chunks)
        return self._wanted_key_idx

    def begin_anew(self) -> None:
        """With encoders of its own for the next chunk: what those before hold back is of another future, or from
        before a gap."""
        self._next_idx = self._wanted_key_idx = None
        self.generation = object()

    def encoding(self, chunk: DecodedChunk) -> Callable[[], EncodedChunk]:
        """What encodes the chunk, to be called in a thread before the next one is asked for."""
        chunk_idx = chunk.chunk_idx
        is_first = chunk_idx != self._next_idx
        is_key = is_first or (self._wanted_key_idx is not None and chunk_idx >= self._wanted_key_idx)
        if is_key:
            self._key_idx, self._wanted_key_idx = chunk_idx, None
        self._next_idx = chunk_idx + 1
        return partial(self._encode, chunk, self.generation, is_first=is_first, is_key=is_key)

    def _encode(self, chunk: DecodedChunk, generation: object, *, is_first: bool, is_key: bool) -> EncodedChunk:
        started_s = time.perf_counter()
        if is_first or self._video is None:
            self._video = make_video_encoder(self.codecs.video, self._info, self._config)
            self._audio = make_audio_encoder(self.codecs.audio, self._info, self._config)
            self._first_idx = chunk.chunk_idx
        audio = self._audio.encode(chunk.samples_SC) if self._audio is not None else None
        message = codec.to_media(
            chunk_idx=chunk.chunk_idx,
            info=self._info,
            frames=self._video.encode(chunk.frames_FHWC, begins_with_keyframe=is_key),
            audio=audio,
            first_chunk_idx=self._first_idx,
            pose=chunk.pose,
        )
        return EncodedChunk(
            message=message,
            num_bytes=message.ByteSize(),
            encode_seconds=time.perf_counter() - started_s,
            generation=generation,
        )
