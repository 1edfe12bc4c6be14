"""What reads bytes that others made: each with bytes that are sound, and the errors that it may answer with."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from nacre.v1 import media_pb2
from serving.errors import InvalidFieldError, SnapshotRefusedError
from serving.export.mp4 import survey
from serving.export.segment import Header, SegmentBuilder
from serving.gateway.images import ImageLimits, decode_image
from serving.sessions import manifest, portable, record_codec, tensor_bytes
from serving.sessions.contract import Look, Move
from serving.sessions.encoded import EncodedControl, HeldAxes, Opening
from serving.sessions.record_codec import RecordUnreadableError, read_history
from serving.sessions.records import JournalHead, SealedRecord, seal
from serving.sessions.snapshot import EngineSnapshot, SessionSnapshot
from serving.sessions.tensor_bytes import TensorBytesError
from tests.fakes_model import INFO
from tests.pictures import encode, gradient

LIMITS = ImageLimits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parser:
    read: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    refusals: tuple[type[Exception], ...]

    def accepts(self, data: bytes) -> bool:
        """Whether it is sound. Any other error than a refusal is a defect."""
        try:
            self.read(data)
        except self.refusals:
            return False
        return True


def _snapshot() -> SessionSnapshot:
    transformer = {"memory": np.arange(40, dtype=np.float32), "seed": np.array(7, np.uint64)}
    engine = EngineSnapshot(
        session_id="s-1",
        seed=7,
        next_chunk_idx=3,
        journal_position=2,
        held=HeldAxes(forward=0.5),
        transformer=transformer,
    )
    return SessionSnapshot(engine=engine, caches={"video_decoder": {"previous": np.zeros((4, 6), np.float32)}})


def _read_tensors(data: bytes) -> None:
    tensor_bytes.metadata_of(data)
    tensor_bytes.from_bytes(data)


def _read_records(data: bytes) -> None:
    """A line each: what the catalogue has of a session's journal."""
    lines = data.decode("utf-8", "replace").split("\n")
    read_history([SealedRecord(seq=seq, text=line, tensors=None, hash=b"") for seq, line in enumerate(lines)])


def _records() -> bytes:
    move = EncodedControl(control_id="c-1", kind=Move(forward=1.0, strafe=0.0), received_s=1.5)
    look = EncodedControl(control_id="c-2", kind=Look(yaw=0.5, pitch=0.0), received_s=1.5)
    records = [
        record_codec.opened(Opening(session_id="s-1", seed=7, epoch=1), "fake", "0" * 64),
        record_codec.accepted(move),
        record_codec.accepted(look),
        record_codec.applied("c-1", 2),
        record_codec.superseded("c-2", "c-9"),
        record_codec.resumed(3),
        record_codec.rewound(1),
    ]
    return "\n".join(record.text for record in seal("s-1", 1, JournalHead(), records)).encode()


def _part() -> bytes:
    """Of a recording."""
    header = Header.of("s-1", "a harbour", INFO, has_sound=True)
    builder = SegmentBuilder(header)
    builder.add_title("it starts to rain")
    frames = [media_pb2.VideoFrame(data=b"\0\0\1\x65", is_keyframe=True)]
    builder.add_chunk(media_pb2.MediaChunk(frames=frames), is_run=True)
    return builder.to_bytes()


def _animated() -> bytes:
    buffer = io.BytesIO()
    gradient(9, 7).save(buffer, "WEBP", save_all=True, append_images=[gradient(9, 7)])
    return buffer.getvalue()


def parsers() -> Mapping[str, Parser]:
    whole, (small, _) = portable.to_bytes(_snapshot(), INFO), manifest.cut(_snapshot(), INFO)
    tensors = tensor_bytes.to_bytes({"a": np.arange(6, dtype=np.int16)}, {"kind": "test"})
    pictures = tuple(encode(gradient(12, 9), kind) for kind in ("PNG", "JPEG", "WEBP"))
    return {
        "manifest": Parser(
            read=lambda data: manifest.parse(data, INFO), seeds=(small.to_json(),), refusals=(SnapshotRefusedError,)
        ),
        "snapshot file": Parser(
            read=lambda data: portable.from_bytes(data, INFO), seeds=(whole,), refusals=(SnapshotRefusedError,)
        ),
        "tensors": Parser(read=_read_tensors, seeds=(tensors,), refusals=(TensorBytesError,)),
        "records": Parser(read=_read_records, seeds=(_records(),), refusals=(RecordUnreadableError,)),
        "recording": Parser(read=lambda data: survey([data]), seeds=(_part(),), refusals=(SnapshotRefusedError,)),
        "image": Parser(
            read=lambda data: decode_image(data, LIMITS, "image"),
            seeds=(*pictures, _animated()),
            refusals=(InvalidFieldError,),
        ),
    }
