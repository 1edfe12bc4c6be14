"""A recording as an MP4 file: the packets as they were encoded, put into another order and nothing else, unless another
sound is asked for."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import OutputContainer
from av.error import FFmpegError

from nacre.v1 import media_pb2
from serving.errors import SnapshotDamagedError
from serving.export.segment import CHUNK, HEADER, RUN, TITLE, Header, Record, read_chunk, read_header, read_records
from serving.export.sound import Audio, open_sound

CHAPTER_TIME_BASE = Fraction(1, 1000)
# QuickTime's text tracks, which carry the chapters, say their length in two bytes.
MAX_TITLE_CHARS = 500
# Playing can begin while the file still comes.
OPTIONS = {"movflags": "+faststart"}


@dataclass(slots=True, kw_only=True)
class Shape:
    """What must be known before the first packet: gathered in a first pass."""

    header: Header | None = None
    first_keyframe: bytes = b""
    num_skipped: int = 0  # chunks before the first that can be decoded
    num_frames: int = 0
    chapters: list[tuple[int, str]] = field(default_factory=list)  # the first frame, and the title


class Mp4Error(SnapshotDamagedError):
    """There is nothing that could be played."""


def survey(parts: Iterable[bytes]) -> Shape:
    """Raises `SnapshotDamagedError`."""
    shape, title = Shape(), ""
    for record in itertools.chain.from_iterable(read_records(part) for part in parts):
        if record.kind == HEADER:
            shape.header = shape.header or read_header(record)
        elif record.kind == TITLE:
            title = record.payload.decode(errors="replace")
        elif record.kind in (RUN, CHUNK):
            chunk = read_chunk(record)
            if not chunk.frames or not all(frame.data for frame in chunk.frames):
                raise SnapshotDamagedError("a chunk of the recording has no picture")
            if not shape.first_keyframe and not chunk.frames[0].is_keyframe:
                shape.num_skipped += 1
                continue
            shape.first_keyframe = shape.first_keyframe or chunk.frames[0].data
            if title:
                shape.chapters.append((shape.num_frames, title))
                title = ""
            shape.num_frames += len(chunk.frames)
    if shape.header is None or not shape.num_frames:
        raise Mp4Error("the recording has no frame that could be shown")
    return shape


def write_mp4(parts: Iterable[bytes], shape: Shape, path: Path, audio: Audio = Audio.OPUS) -> None:
    """`parts`: those that were surveyed, and maybe one whose end came since. Raises `SnapshotDamagedError`."""
    try:
        _write(parts, shape, path, audio)
    except (FFmpegError, ValueError, OverflowError) as error:
        raise SnapshotDamagedError(f"the recording is damaged: {error}") from error


def _write(parts: Iterable[bytes], shape: Shape, path: Path, audio: Audio) -> None:
    with (
        av.open(io.BytesIO(shape.first_keyframe), format="h264") as template,
        av.open(str(path), "w", format="mp4", options=OPTIONS) as container,
    ):
        film = _Film(container, template, shape, audio)
        records = itertools.chain.from_iterable(read_records(part) for part in parts)
        for record in itertools.islice(_chunks(records), shape.num_skipped, None):
            film.add(read_chunk(record), is_run=record.kind == RUN)
            if film.num_frames >= shape.num_frames:
                break
        film.close()


class _Film:
    """Where the next frame and the next sound go."""

    def __init__(self, container: OutputContainer, template: Any, shape: Shape, audio: Audio) -> None:
        header = shape.header
        assert header is not None, "surveyed"
        self._container = container
        self._rate = Fraction(header.frame_rate).limit_denominator(1001)
        self._sample_rate_hz = header.sample_rate_hz
        self._video = container.add_stream_from_template(template.streams.video[0], opaque=True)
        self._sound = open_sound(audio, container, header) if header.audio_channels else None
        self.num_frames = 0
        self._next_sample: int | None = None  # None until the first packet of a run
        container.metadata.update(title=header.prompt[:MAX_TITLE_CHARS], comment=f"Nacre, session {header.session_id}")
        container.set_chapters(_chapters(shape, self._rate, header))
        container.start_encoding()

    def add(self, chunk: media_pb2.MediaChunk, *, is_run: bool) -> None:
        first_frame = self.num_frames
        for frame in chunk.frames:
            self._show(frame)
        if self._sound is None:
            return
        if is_run:
            self._next_sample = None
            self._sound.begin_run()
        for data in filter(None, chunk.audio.packets):
            if self._next_sample is None:
                self._next_sample = self._first_sample(chunk, first_frame)
            self._sound.add(data, self._next_sample)
            self._next_sample += self._sound.packet_samples

    def close(self) -> None:
        if self._sound is not None:
            self._sound.close()

    def _first_sample(self, chunk: media_pb2.MediaChunk, first_frame: int) -> int:
        """Of a run: as far from its picture as it was in the world."""
        apart_ns = chunk.audio.presentation_time.ToNanoseconds() - chunk.frames[0].presentation_time.ToNanoseconds()
        start_s = first_frame / self._rate + Fraction(apart_ns, 10**9)
        return round(start_s * self._sample_rate_hz)

    def _show(self, frame: media_pb2.VideoFrame) -> None:
        packet = av.Packet(frame.data)
        packet.stream, packet.time_base = self._video, 1 / self._rate
        packet.pts = packet.dts = self.num_frames
        packet.duration, packet.is_keyframe = 1, frame.is_keyframe
        self._container.mux_one(packet)
        self.num_frames += 1


def _chapters(shape: Shape, rate: Fraction, header: Header) -> list[Any]:
    starts = [(0, header.prompt or header.model), *shape.chapters]
    # Two that begin with the same frame are one.
    by_frame: dict[int, str] = {}
    for frame, title in starts:
        by_frame[frame] = f"{by_frame[frame]}; {title}" if frame in by_frame else title
    frames = [*by_frame, shape.num_frames]
    return [
        {
            "id": number,
            "start": round(first / rate / CHAPTER_TIME_BASE),
            "end": round(end / rate / CHAPTER_TIME_BASE),
            "time_base": CHAPTER_TIME_BASE,
            "metadata": {"title": title[:MAX_TITLE_CHARS]},
        }
        for number, ((first, title), end) in enumerate(zip(by_frame.items(), frames[1:], strict=True))
    ]


def _chunks(records: Iterable[Record]) -> Iterator[Record]:
    return (record for record in records if record.kind in (RUN, CHUNK))
