"""What was shown of one session, turned into parts. In the recorder's thread.

What a client was sent is kept as it is. Only where that cannot be put into a file (raw pictures, or the middle of a
stream that was not kept from a keyframe on) a chunk is encoded for the recording, by encoders of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from model.interface import ModelInfo
from nacre.v1 import media_pb2
from serving.export.segment import Header, SegmentBuilder
from serving.gateway.media import AudioCodec, MediaConfig, VideoCodec, audio_codecs_for, video_codecs_for
from serving.gateway.media_channel import Codecs, EncodedChunk, MediaChannel
from serving.sessions.contract import DecodedChunk

# Of a part that gets no keyframe to end at.
MAX_SEGMENT_BYTES = 8 << 20
OWN = object()  # the generation of the recording's own encoders


class Shot(NamedTuple):
    """A chunk that was shown: as it was sent, or to be encoded."""

    media: EncodedChunk | DecodedChunk
    is_run: bool  # it needs nothing of what came before
    titles: tuple[str, ...]
    shown_s: float  # time.time()


class Cut(NamedTuple):
    """A part that is ready to be stored."""

    start_s: float  # time.time()
    num_frames: int
    data: bytes


def recording_codecs(info: ModelInfo) -> Codecs | None:
    """None for a model whose pictures H.264 cannot hold."""
    if VideoCodec.VIDEO_CODEC_H264 not in video_codecs_for(info):
        return None
    has_opus = AudioCodec.AUDIO_CODEC_OPUS in audio_codecs_for(info)
    return Codecs(VideoCodec.VIDEO_CODEC_H264, AudioCodec.AUDIO_CODEC_OPUS if has_opus else None)


class Continuity:
    """Whether what comes can be put behind what there is. Pure."""

    def __init__(self, codecs: Codecs) -> None:
        self._codecs = codecs
        self._generation: object | None = None  # of encoders; None where nothing goes on
        self._next_chunk_idx = 0

    def choose(self, codecs: Codecs, chunk: DecodedChunk, encoded: EncodedChunk) -> tuple[bool, bool]:
        """Whether `encoded` can be taken as it was sent, in `codecs`, and whether a run begins with it."""
        is_next = chunk.chunk_idx == self._next_chunk_idx
        fits = codecs.video == self._codecs.video and self._codecs.audio in (None, codecs.audio)
        goes_on = is_next and encoded.generation is self._generation
        is_taken = fits and (goes_on or encoded.message.frames[0].is_keyframe)
        generation = encoded.generation if is_taken else OWN
        is_run = not (is_next and generation is self._generation)
        self._generation, self._next_chunk_idx = generation, chunk.chunk_idx + 1
        return is_taken, is_run

    def break_off(self) -> None:
        """Something is missing: what comes next has to stand by itself."""
        self._generation = None


class Track:
    """Not thread-safe: one thread at a time."""

    def __init__(self, header: Header, codecs: Codecs, info: ModelInfo, media: MediaConfig, segment_s: float) -> None:
        self._header = header
        self._segment_chunks = max(1, round(segment_s / info.chunk_duration_s))
        self._own = MediaChannel(codecs, info, media)
        self._builder: SegmentBuilder | None = None
        self._start_s = 0.0
        self._num_chunks = 0

    def add(self, shots: Iterable[Shot]) -> list[Cut]:
        """Parts that are full."""
        cuts = []
        for shot in shots:
            message = self._message(shot)
            if self._is_full and (message.frames[0].is_keyframe or self._is_overfull):
                cuts += self.cut()
            self._append(shot, message)
        return cuts

    def cut(self) -> list[Cut]:
        """What there is of the part that grows; nothing where there is none."""
        if self._builder is None:
            return []
        cut = Cut(self._start_s, self._builder.num_frames, self._builder.to_bytes())
        self._builder, self._num_chunks = None, 0
        return [cut]

    def _message(self, shot: Shot) -> media_pb2.MediaChunk:
        if isinstance(shot.media, EncodedChunk):
            return shot.media.message
        if shot.is_run:
            self._own.begin_anew()
        return self._own.encoding(shot.media)().message

    def _append(self, shot: Shot, message: media_pb2.MediaChunk) -> None:
        if self._builder is None:
            self._builder, self._start_s = SegmentBuilder(self._header), shot.shown_s
        for title in shot.titles:
            self._builder.add_title(title)
        self._builder.add_chunk(message, is_run=shot.is_run)
        self._num_chunks += 1

    @property
    def _is_full(self) -> bool:
        return self._num_chunks >= self._segment_chunks

    @property
    def _is_overfull(self) -> bool:
        return self._builder is not None and self._builder.num_bytes >= MAX_SEGMENT_BYTES
