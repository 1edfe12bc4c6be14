"""Everything a session carries at a chunk boundary, as one bundle.

The bundle is a safetensors file: `transformer/*` and `<decoder stage>/*` tensors, and
a JSON header with the boundary and what is held. A bundle and the journal's tail are
enough to go on, on any machine.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from model.interface import Tensors
from serving.sessions import tensor_bytes
from serving.sessions.encoded import HeldAxes
from serving.sessions.tensor_bytes import TensorBytesError

METADATA_KEY = "nacre.snapshot"
FORMAT = 1
TRANSFORMER = "transformer"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSnapshot:
    """The transformer worker's half, taken by the engine between two steps."""

    session_id: str
    seed: int
    next_chunk_idx: int
    journal_position: int
    held: HeldAxes
    transformer: Tensors
    # The controls that were accepted and waited, by id: with them, and what the journal has after its position, the
    # rest of the record need not be read. None where there is more on record than it shows.
    waiting: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSnapshot:
    engine: EngineSnapshot
    caches: Mapping[str, Tensors]  # decoder stage name to its cache


def pack(snapshot: SessionSnapshot) -> bytes:
    parts = {TRANSFORMER: snapshot.engine.transformer, **snapshot.caches}
    tensors = {f"{part}/{name}": array for part, named in parts.items() for name, array in named.items()}
    engine = snapshot.engine
    header = {
        "format": FORMAT,
        "session_id": engine.session_id,
        "seed": engine.seed,
        "next_chunk_idx": engine.next_chunk_idx,
        "journal_position": engine.journal_position,
        "held": asdict(engine.held),
        "waiting": None if engine.waiting is None else list(engine.waiting),
        "caches": sorted(snapshot.caches),
    }
    return tensor_bytes.to_bytes(tensors, {METADATA_KEY: json.dumps(header)})


def waiting_in(data: bytes) -> tuple[str, ...]:
    """The controls that waited, by id, as far as a bundle says so, without unpacking it. What is no bundle is refused
    by whoever unpacks it."""
    try:
        header = json.loads(tensor_bytes.metadata_of(data)[METADATA_KEY])
    except (TensorBytesError, KeyError):
        return ()
    return tuple(map(str, header.get("waiting") or ()))


def unpack(data: bytes) -> SessionSnapshot:
    """Raises `TensorBytesError` for bytes that `pack` did not make."""
    try:
        header = json.loads(tensor_bytes.metadata_of(data)[METADATA_KEY])
        if header["format"] != FORMAT:
            raise TensorBytesError(f"snapshot format {header['format']}, expected {FORMAT}")
        return _from_parts(header, tensor_bytes.from_bytes(data))
    except TensorBytesError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise TensorBytesError("not a snapshot of a session") from error


def _from_parts(header: dict, tensors: Tensors) -> SessionSnapshot:
    parts: dict[str, dict] = {TRANSFORMER: {}, **{stage: {} for stage in header["caches"]}}
    for path, array in tensors.items():
        part, name = path.split("/", 1)
        parts[part][name] = array
    engine = EngineSnapshot(
        session_id=header["session_id"],
        seed=header["seed"],
        next_chunk_idx=header["next_chunk_idx"],
        journal_position=header["journal_position"],
        held=HeldAxes(**header["held"]),
        transformer=parts.pop(TRANSFORMER),
        waiting=None if header.get("waiting") is None else tuple(map(str, header["waiting"])),
    )
    return SessionSnapshot(engine=engine, caches=parts)
