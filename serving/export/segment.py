"""A part of a recording as bytes: a header, then chunks as they were encoded, in the order in which they were shown.

    "NACREREC" version (1 byte)
    records: kind (1 byte), length (4 bytes, big-endian), payload
        H  the header, JSON; the first record
        R  a chunk that new encoders began: nothing before it is needed to decode it; a nacre.v1.MediaChunk
        C  a chunk that goes on where the one before ended
        T  the title of the chapter that begins with the next chunk, UTF-8

Nothing in it points anywhere: what was cut short is good up to there.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import NamedTuple

from google.protobuf.message import DecodeError

from model.interface import ModelInfo
from nacre.v1 import media_pb2
from serving.errors import SnapshotDamagedError

MAGIC = b"NACREREC\x01"
HEADER, RUN, CHUNK, TITLE = b"H", b"R", b"C", b"T"
_RECORD = struct.Struct(">cI")
# Of a record: more than any chunk has. A damaged length must not make us ask for gigabytes.
MAX_RECORD_BYTES = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What is needed to play what follows."""

    session_id: str
    model: str
    prompt: str
    width_px: int
    height_px: int
    frame_rate: float
    sample_rate_hz: int
    audio_channels: int  # 0 where there is no sound

    @classmethod
    def of(cls, session_id: str, prompt: str, info: ModelInfo, *, has_sound: bool) -> Header:
        return cls(
            session_id=session_id,
            model=info.name,
            prompt=prompt,
            width_px=info.width_px,
            height_px=info.height_px,
            frame_rate=info.frame_rate,
            sample_rate_hz=info.sample_rate_hz,
            audio_channels=info.audio_channels if has_sound else 0,
        )


class Record(NamedTuple):
    kind: bytes
    payload: bytes


class SegmentBuilder:
    """One part while it grows."""

    def __init__(self, header: Header) -> None:
        self._body = bytearray(MAGIC)
        self.num_frames = 0
        self._add(HEADER, json.dumps(asdict(header), ensure_ascii=False).encode())

    @property
    def num_bytes(self) -> int:
        return len(self._body)

    def add_title(self, text: str) -> None:
        self._add(TITLE, text.encode())

    def add_chunk(self, message: media_pb2.MediaChunk, *, is_run: bool) -> None:
        self._add(RUN if is_run else CHUNK, message.SerializeToString())
        self.num_frames += len(message.frames)

    def to_bytes(self) -> bytes:
        return bytes(self._body)

    def _add(self, kind: bytes, payload: bytes) -> None:
        self._body += _RECORD.pack(kind, len(payload))
        self._body += payload


def as_run(data: bytes) -> bytes:
    """The same part, for one whose predecessor was never stored: its first chunk begins a run."""
    offset = len(MAGIC)
    while offset + _RECORD.size <= len(data):
        kind, num_bytes = _RECORD.unpack_from(data, offset)
        if kind in (RUN, CHUNK):
            return data[:offset] + RUN + data[offset + 1 :]
        offset += _RECORD.size + num_bytes
    return data


def read_records(data: bytes) -> Iterator[Record]:
    """Without what was cut short at the end. Raises `SnapshotDamagedError` for what is no segment."""
    if not data.startswith(MAGIC):
        raise SnapshotDamagedError("this is no part of a recording, or one of a later version")
    offset = len(MAGIC)
    while offset + _RECORD.size <= len(data):
        kind, num_bytes = _RECORD.unpack_from(data, offset)
        offset += _RECORD.size
        if num_bytes > MAX_RECORD_BYTES:
            raise SnapshotDamagedError("a record of this part of a recording is larger than there are any")
        if offset + num_bytes > len(data):
            return
        yield Record(kind, data[offset : offset + num_bytes])
        offset += num_bytes


def read_header(record: Record) -> Header:
    """Raises `SnapshotDamagedError`."""
    try:
        return Header(**json.loads(record.payload))
    except (ValueError, TypeError) as error:
        raise SnapshotDamagedError(f"the head of this part of a recording cannot be read: {error}") from error


def read_chunk(record: Record) -> media_pb2.MediaChunk:
    """Raises `SnapshotDamagedError`."""
    try:
        return media_pb2.MediaChunk.FromString(record.payload)
    except DecodeError as error:
        raise SnapshotDamagedError(f"a chunk of this part of a recording cannot be read: {error}") from error
