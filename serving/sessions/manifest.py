"""What a stored snapshot is made of, and how it is cut into parts that the next one may share. Pure.

The manifest is JSON; the parts are safetensors files named by their SHA-256. Arrays that grow or change by rows (the
panoramas of remembered places dominate) are cut into parts by rows, so that what stayed as it was is stored once.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.interface import ModelInfo, Profile, Tensors
from serving.errors import SnapshotDamagedError, SnapshotForeignError, SnapshotNewerError
from serving.sessions.encoded import HeldAxes
from serving.sessions.snapshot import TRANSFORMER, EngineSnapshot, SessionSnapshot
from serving.sessions.tensor_bytes import from_bytes, to_bytes

FORMAT = "nacre-snapshot"
VERSION = 1
EXACT, PORTABLE = "exact", "portable"
PROMISES: Mapping[str, str] = {
    EXACT: "every cache: goes on bit for bit, on the same kind of hardware and the same build",
    PORTABLE: "the same world to the eye, not bit for bit, on any machine and build that have the model's weights",
}
ROWS = "rows"  # the one tensor of a part that holds rows of a larger one
# Smaller arrays change as a whole with every chunk; cutting them would only make many small files.
MIN_CUT_BYTES = 256 * 1024
MIN_PART_BYTES = 64 * 1024
# Far above what any model here needs, and far below what could hurt whoever reads it.
MAX_MANIFEST_BYTES = 1024 * 1024
MAX_PARTS = 4_096
MAX_PART_BYTES = 64 * 1024 * 1024
MAX_SNAPSHOT_BYTES = 1024 * 1024 * 1024
MAX_STAGES = 16
MAX_SEED = 2**64 - 1
MAX_COUNT = 2**53  # of chunks or records; what any reader of JSON can hold
SHA256_PATTERN = re.compile(r"[0-9a-f]{64}")
MAX_WAITING = 4_096  # far more controls than a session's mailbox holds
CONTROL_ID_PATTERN = re.compile(r"[A-Za-z0-9_.-]{1,64}")
ID_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
STAGE_PATTERN = re.compile(r"[a-z][a-z_]{0,31}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    sha256: str
    num_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTensor:
    """Where an array lies: whole in one part under its name, or by rows in several."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    parts: tuple[int, ...]  # of the manifest
    is_cut: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    session: Mapping[str, Any]
    model: str
    weights_sha256: str
    stages: tuple[str, ...]
    parts: tuple[Part, ...]
    tensors: tuple[StoredTensor, ...]
    kind: str = EXACT
    profile: str = Profile.EXACT  # of the worker that took it

    @property
    def num_bytes(self) -> int:
        return sum(part.num_bytes for part in self.parts)

    def to_json(self) -> bytes:
        fields = {
            "format": FORMAT,
            "version": VERSION,
            "kind": self.kind,
            "promise": PROMISES[self.kind],
            "profile": str(self.profile),
            "model": {"name": self.model, "weights_sha256": self.weights_sha256},
            "session": dict(self.session),
            "stages": list(self.stages),
            "parts": [_fields_of(part) for part in self.parts],
            "tensors": [_fields_of(tensor) for tensor in self.tensors],
        }
        return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()


def _fields_of(each: Part | StoredTensor) -> dict[str, Any]:
    """As `dataclasses.asdict`, but does not copy all that is in there as well."""
    return {name: getattr(each, name) for name in each.__slots__}


@dataclass(frozen=True, slots=True)
class Piece:
    """What one part holds. Its bytes are made when they are asked for: most parts of a snapshot are stored already,
    and all of them at once would be as much memory again as the session has."""

    arrays: Tensors

    def to_bytes(self) -> bytes:
        """The same every time."""
        return to_bytes(self.arrays)


@dataclass(frozen=True, slots=True)
class CutArray:
    """One that was cut by rows, and the parts that came of it, in their order."""

    array: NDArray[Any]
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A snapshot, cut into parts that are not made into bytes yet."""

    manifest: Manifest
    pieces: Mapping[str, Piece]  # by their SHA-256
    cut_arrays: Mapping[str, CutArray]  # by name


def cut(snapshot: SessionSnapshot, info: ModelInfo, kind: str = EXACT) -> tuple[Manifest, dict[str, bytes]]:
    """The manifest, and the bytes of its parts by their SHA-256. `kind` says what the model made of its state."""
    layout = laid_out(snapshot, info, kind)
    return layout.manifest, {sha256: piece.to_bytes() for sha256, piece in layout.pieces.items()}


def laid_out(
    snapshot: SessionSnapshot, info: ModelInfo, kind: str = EXACT, last: Mapping[str, CutArray] | None = None
) -> Layout:
    """`last`: the arrays that were cut of any other snapshot, by name; rows that are the same there are not hashed."""
    stages = {TRANSFORMER: snapshot.engine.transformer, **snapshot.caches}
    arrays = {f"{stage}/{name}": np.asarray(array) for stage, named in stages.items() for name, array in named.items()}
    pieces: list[Piece] = [Piece({name: array for name, array in arrays.items() if not _is_cut(array)})]
    parts = [_part_of(pieces[0])]
    tensors: list[StoredTensor] = []
    cut_arrays: dict[str, CutArray] = {}
    for name, array in arrays.items():
        first = len(parts)
        if _is_cut(array):
            cut_arrays[name] = _cut_array(array, (last or {}).get(name))
            pieces += [Piece({ROWS: rows}) for rows in _rows(array)]
            parts += cut_arrays[name].parts
        tensors.append(
            StoredTensor(
                name=name,
                dtype=array.dtype.name,
                shape=array.shape,
                parts=tuple(range(first, len(parts))) if _is_cut(array) else (0,),
                is_cut=_is_cut(array),
            )
        )
    manifest = Manifest(
        session=_session_fields(snapshot.engine),
        model=info.name,
        weights_sha256=info.weights_sha256,
        stages=tuple(snapshot.caches),
        parts=tuple(parts),
        tensors=tuple(tensors),
        kind=kind,
        profile=info.profile,
    )
    by_sha256 = {part.sha256: piece for part, piece in zip(parts, pieces, strict=True)}
    return Layout(manifest=manifest, pieces=by_sha256, cut_arrays=cut_arrays)


def _cut_array(array: NDArray[Any], last: CutArray | None) -> CutArray:
    """As `last` was cut, where its rows are the same."""
    if last is not None and array is last.array and not array.flags.writeable:
        return last
    before = [] if last is None else list(zip(_rows(last.array), last.parts, strict=True))

    def part_of(part_idx: int, rows: NDArray[Any]) -> Part:
        for last_rows, part in before[part_idx : part_idx + 1]:
            if _are_same_bytes(last_rows, rows):
                return part
        return _part_of(Piece({ROWS: rows}))

    return CutArray(array, tuple(part_of(part_idx, rows) for part_idx, rows in enumerate(_rows(array))))


def _are_same_bytes(left: NDArray[Any], right: NDArray[Any]) -> bool:
    """Of arrays in C order; others count as different. Unlike ==, it tells 0.0 from -0.0."""
    if (left.dtype, left.shape) != (right.dtype, right.shape):
        return False
    if not (left.flags.c_contiguous and right.flags.c_contiguous):
        return False
    return np.array_equal(left.reshape(-1).view(np.uint8), right.reshape(-1).view(np.uint8))


def _part_of(piece: Piece) -> Part:
    data = piece.to_bytes()
    return Part(sha256=hashlib.sha256(data).hexdigest(), num_bytes=len(data))


def _session_fields(engine: EngineSnapshot) -> dict[str, Any]:
    return {
        "session_id": engine.session_id,
        "seed": engine.seed,
        "next_chunk_idx": engine.next_chunk_idx,
        "journal_position": engine.journal_position,
        "held": asdict(engine.held),
        **({} if engine.waiting is None else {"waiting": list(engine.waiting)}),
    }


def parse(data: bytes, info: ModelInfo) -> Manifest:
    """Raises `SnapshotDamagedError`, `SnapshotNewerError` or `SnapshotForeignError`."""
    try:
        fields = json.loads(data)
        if fields["format"] != FORMAT:
            raise SnapshotDamagedError("this is not a snapshot's manifest")
        version, kind = fields["version"], fields["kind"]
        if not isinstance(version, int) or version < 1:
            raise SnapshotDamagedError("the manifest has no version")
        if version > VERSION or kind not in PROMISES:
            raise SnapshotNewerError(f"a snapshot of version {version}, kind {kind!r}; version {VERSION} is known")
        manifest = _manifest(fields)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        raise SnapshotDamagedError(f"the manifest cannot be read: {type(error).__name__}") from error
    if (manifest.model, manifest.weights_sha256) != (info.name, info.weights_sha256):
        raise SnapshotForeignError(
            f"a snapshot of {manifest.model} with weights {manifest.weights_sha256[:12]}, "
            f"not of {info.name} with weights {info.weights_sha256[:12]}"
        )
    return manifest


def checked(part: Part, data: bytes) -> bytes:
    """`data`, if it is what the part was named after. Raises `SnapshotDamagedError`."""
    if len(data) != part.num_bytes or hashlib.sha256(data).hexdigest() != part.sha256:
        raise SnapshotDamagedError(f"part {part.sha256[:12]} was altered or cut short")
    return data


def join(manifest: Manifest, data: Mapping[str, bytes]) -> SessionSnapshot:
    """The snapshot from its parts' bytes, which were compared with their names. Raises `SnapshotDamagedError`."""
    try:
        loaded = {part.sha256: from_bytes(data[part.sha256]) for part in manifest.parts}
        stages: dict[str, dict[str, NDArray[Any]]] = {stage: {} for stage in (TRANSFORMER, *manifest.stages)}
        for tensor in manifest.tensors:
            stage, name = tensor.name.split("/", 1)
            stages[stage][name] = _joined(tensor, manifest.parts, loaded)
        engine = _engine_snapshot(manifest.session, stages.pop(TRANSFORMER))
    except SnapshotDamagedError:
        raise
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise SnapshotDamagedError(f"the snapshot's parts do not fit its manifest: {error}") from error
    return SessionSnapshot(engine=engine, caches=stages)


def _engine_snapshot(session: Mapping[str, Any], transformer: Tensors) -> EngineSnapshot:
    if not isinstance(session["session_id"], str) or not ID_PATTERN.fullmatch(session["session_id"]):
        raise SnapshotDamagedError("the session's id is none")
    held = HeldAxes(**session["held"])
    for name, value in asdict(held).items():
        if not isinstance(value, int | float) or not -1.0 <= value <= 1.0:
            raise SnapshotDamagedError(f"{name} is held at what is no number from -1 to 1")
    if held.quality <= 0:
        raise SnapshotDamagedError("quality is held at nothing")
    return EngineSnapshot(
        session_id=session["session_id"],
        seed=_whole(session["seed"], MAX_SEED),
        next_chunk_idx=_whole(session["next_chunk_idx"], MAX_COUNT),
        journal_position=_whole(session["journal_position"], MAX_COUNT),
        held=held,
        transformer=transformer,
        waiting=_waiting(session.get("waiting")),
    )


def _waiting(control_ids: object) -> tuple[str, ...] | None:
    """Of a snapshot from before this was written down, nothing is known."""
    if control_ids is None:
        return None
    if not isinstance(control_ids, list) or len(control_ids) > MAX_WAITING:
        raise SnapshotDamagedError(f"what waits is no list of {MAX_WAITING} at most")
    if not all(isinstance(each, str) and CONTROL_ID_PATTERN.fullmatch(each) for each in control_ids):
        raise SnapshotDamagedError("what waits has an id that is none")
    return tuple(control_ids)


def _whole(value: object, largest: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= largest:
        raise SnapshotDamagedError(f"there is no whole number from 0 to {largest} where one must be")
    return value


def _manifest(fields: Mapping[str, Any]) -> Manifest:
    parts = tuple(_part(each) for each in _at_most(MAX_PARTS, "parts", fields["parts"]))
    manifest = Manifest(
        session=fields["session"],
        model=str(fields["model"]["name"]),
        weights_sha256=str(fields["model"]["weights_sha256"]),
        stages=tuple(_stage(each) for each in _at_most(MAX_STAGES, "stages", fields["stages"])),
        parts=parts,
        tensors=tuple(_stored_tensor(each, len(parts)) for each in fields["tensors"]),
        kind=fields["kind"],
        profile=str(fields.get("profile", Profile.EXACT)),
    )
    if not isinstance(manifest.session, dict):
        raise SnapshotDamagedError("the manifest says nothing of its session")
    if len({tensor.name for tensor in manifest.tensors}) < len(manifest.tensors):
        raise SnapshotDamagedError("the manifest names a tensor twice")
    # Rows that are the same may stand in one part: what is joined can be more than what is stored.
    joined_bytes = sum(parts[index].num_bytes for tensor in manifest.tensors if tensor.is_cut for index in tensor.parts)
    if max(manifest.num_bytes, joined_bytes) > MAX_SNAPSHOT_BYTES:
        raise SnapshotDamagedError(f"a snapshot of more than {MAX_SNAPSHOT_BYTES} bytes")
    return manifest


def _at_most(most: int, what: str, values: list[Any]) -> list[Any]:
    if len(values) > most:
        raise SnapshotDamagedError(f"{len(values)} {what}; {most} at most")
    return values


def _part(fields: Mapping[str, Any]) -> Part:
    part = Part(sha256=fields["sha256"], num_bytes=_whole(fields["num_bytes"], MAX_PART_BYTES))
    if not SHA256_PATTERN.fullmatch(part.sha256):
        raise SnapshotDamagedError("a part's name is no SHA-256")
    return part


def _stage(name: str) -> str:
    if not STAGE_PATTERN.fullmatch(name) or name == TRANSFORMER:
        raise SnapshotDamagedError("a stage's name is none")
    return name


def _stored_tensor(fields: Mapping[str, Any], num_parts: int) -> StoredTensor:
    return StoredTensor(
        name=str(fields["name"]),
        dtype=str(fields["dtype"]),
        shape=tuple(_whole(each, MAX_SNAPSHOT_BYTES) for each in fields["shape"]),
        parts=tuple(_whole(each, num_parts - 1) for each in fields["parts"]),
        is_cut=bool(fields["is_cut"]),
    )


def _joined(tensor: StoredTensor, parts: tuple[Part, ...], loaded: Mapping[str, Tensors]) -> NDArray[Any]:
    name = ROWS if tensor.is_cut else tensor.name
    pieces = [loaded[parts[index].sha256][name] for index in tensor.parts]
    array = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
    if array.shape != tensor.shape or array.dtype.name != tensor.dtype:
        found = f"{array.dtype.name} {array.shape}"
        raise SnapshotDamagedError(f"{tensor.name} is {found}, where the manifest says {tensor.dtype} {tensor.shape}")
    return array


def _is_cut(array: NDArray[Any]) -> bool:
    return array.nbytes >= MIN_CUT_BYTES and array.ndim > 1


def _rows(array: NDArray[Any]) -> Iterator[NDArray[Any]]:
    num_rows = max(1, -(-MIN_PART_BYTES * len(array) // array.nbytes))
    for start in range(0, len(array), num_rows):
        yield array[start : start + num_rows]
