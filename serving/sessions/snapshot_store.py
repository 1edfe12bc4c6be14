"""Snapshots in an object store: a local folder, or S3 and its like by URL.

    sessions/<session>/<epoch>/parts/<sha256>       safetensors, written once
    sessions/<session>/<epoch>/<chunk>.json         the manifest, written last and only where there is none
    sessions/<session>/<epoch>/<chunk>.portable.json    that of a portable snapshot

Every holder of a session writes under its own epoch: one that was paused and returns can neither replace nor remove
what its successor stored.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import obstore
from obstore.exceptions import AlreadyExistsError
from obstore.store import LocalStore

from model.interface import ModelInfo
from serving.errors import SnapshotDamagedError, SnapshotRefusedError, StorageUnavailableError
from serving.sessions import manifest as manifests
from serving.sessions.last_arrays import LastArrays
from serving.sessions.manifest import EXACT, ID_PATTERN, MAX_MANIFEST_BYTES, PROMISES, Manifest, Part
from serving.sessions.object_store import as_our_errors, open_object_store
from serving.sessions.snapshot import SessionSnapshot
from serving.sessions.stored_parts import Folder, StoredParts

CHUNK_DIGITS = 12  # so that names sort as numbers do
# Parts that are read at once of a distant store, which answers each after tens of milliseconds.
NUM_READERS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotKey:
    session_id: str
    epoch: int
    chunk_idx: int  # the next one to be made
    kind: str = EXACT

    def __post_init__(self) -> None:
        if not ID_PATTERN.fullmatch(self.session_id):
            raise ValueError(f"session id {self.session_id!r}: letters, digits, - and _, 64 at most")
        if self.epoch < 0 or self.chunk_idx < 0:
            raise ValueError("epoch and chunk_idx must not be negative")
        if self.kind not in PROMISES:
            raise ValueError(f"kind must be one of {sorted(PROMISES)}, not {self.kind!r}")

    @property
    def folder(self) -> str:
        return f"sessions/{self.session_id}/{self.epoch}"

    @property
    def path(self) -> str:
        suffix = "" if self.kind == EXACT else f".{self.kind}"
        return f"{self.folder}/{self.chunk_idx:0{CHUNK_DIGITS}}{suffix}.json"

    def part_path(self, sha256: str) -> str:
        return f"{self.folder}/parts/{sha256}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    key: SnapshotKey
    num_bytes: int
    num_new_bytes: int  # not shared with an earlier one


class SnapshotStore:
    """Blocking and thread-safe."""

    def __init__(self, store: Any) -> None:
        """`store`: one of `obstore.store`."""
        self._store = store
        self._last = LastArrays()
        self._stored = StoredParts()

    @classmethod
    def open(cls, place: str) -> SnapshotStore:
        """`place`: a folder, made if need be, or a URL such as s3://bucket/prefix, for which the usual variables of
        the environment (AWS_...) hold the credentials. Raises `StorageUnavailableError`."""
        return cls(open_object_store(place, "the snapshot store cannot be opened"))

    def save(self, snapshot: SessionSnapshot, epoch: int, info: ModelInfo, kind: str = EXACT) -> Saved:
        """`kind` says what the model made of its state. One at a time of a session. Raises
        `StorageUnavailableError`; what was stored before stays as it is, and nothing else stays."""
        engine = snapshot.engine
        key = SnapshotKey(session_id=engine.session_id, epoch=epoch, chunk_idx=engine.next_chunk_idx, kind=kind)
        layout = manifests.laid_out(snapshot, info, kind, self._last.of(key.session_id))
        self._last.keep(key.session_id, layout.cut_arrays)
        manifest, pieces = layout.manifest, layout.pieces
        folder = self._stored.take(key.session_id)
        if folder is None or folder.path != key.folder:
            folder = Folder(key.folder, self._sizes(f"{key.folder}/parts"))
        parts = {key.part_path(part.sha256): part for part in manifest.parts}
        new = {path: part for path, part in parts.items() if folder.sizes.get(path) != part.num_bytes}
        try:
            for path, part in new.items():
                self._put(path, pieces[part.sha256].to_bytes())
            text = manifest.to_json()
            if not self._put(key.path, text) and not self._holds(key, manifest, info):
                raise StorageUnavailableError(f"there is another snapshot at {key.path}")
        except (StorageUnavailableError, SnapshotDamagedError):
            with contextlib.suppress(StorageUnavailableError):
                self._delete(new)  # of a disk that is full, every part counts
            raise
        sizes = {path: part.num_bytes for path, part in parts.items()}
        self._stored.put(key.session_id, folder.with_snapshot(key.path, sizes))
        return Saved(key=key, num_bytes=manifest.num_bytes, num_new_bytes=sum(part.num_bytes for part in new.values()))

    def _holds(self, key: SnapshotKey, manifest: Manifest, info: ModelInfo) -> bool:
        """Whether the same state is stored there. Its journal may have grown since: a paused session takes controls."""
        found = manifests.parse(self._get(key.path, MAX_MANIFEST_BYTES), info)
        return (found.parts, found.tensors) == (manifest.parts, manifest.tensors)

    def load(self, key: SnapshotKey, info: ModelInfo) -> SessionSnapshot:
        """Reads no more than a manifest may promise. Raises `SnapshotRefusedError` or `StorageUnavailableError`."""
        manifest = manifests.parse(self._get(key.path, MAX_MANIFEST_BYTES), info)
        if manifest.session.get("session_id") != key.session_id:
            raise SnapshotDamagedError("the manifest is that of another session")
        if manifest.kind != key.kind:
            raise SnapshotDamagedError(f"the manifest is that of a snapshot of kind {manifest.kind}")
        return manifests.join(manifest, self._parts(key, manifest.parts))

    def drop(self, keys: Iterable[SnapshotKey], kept: Iterable[SnapshotKey], info: ModelInfo) -> None:
        """Delete snapshots of one session and those of their parts that none of `kept` has. The manifest goes first:
        whatever interrupts this leaves parts too many, never too few."""
        keys = list(keys)
        if not keys:
            return
        session_id = keys[0].session_id
        folder = self._stored.take(session_id)
        in_use = {path for key in kept for path in self._part_paths(key, folder, info)}
        for key in keys:
            unused = self._part_paths(key, folder, info) - in_use
            self._delete([key.path])
            self._delete(sorted(unused))
            folder = folder and folder.without(key.path, unused)
        if folder is not None:
            self._stored.put(session_id, folder)

    def delete_session(self, session_id: str) -> None:
        """All that is stored of it."""
        self._stored.forget(session_id)
        folder = SnapshotKey(session_id=session_id, epoch=0, chunk_idx=0).folder.rpartition("/")[0]
        self._delete(self._sizes(folder))

    def objects(self, session_id: str) -> Iterator[tuple[str, bytes]]:
        """All that is stored of it, by path. Raises `StorageUnavailableError`, or `SnapshotDamagedError` for what went
        away meanwhile."""
        folder = SnapshotKey(session_id=session_id, epoch=0, chunk_idx=0).folder.rpartition("/")[0]
        for path, num_bytes in sorted(self._sizes(folder).items()):
            yield path, self._get(path, num_bytes)

    def _sizes(self, folder: str) -> dict[str, int]:
        """Of all that lies in a folder, by its path."""
        with as_our_errors("what is stored cannot be listed"):
            return {each["path"]: each["size"] for listed in obstore.list(self._store, folder) for each in listed}

    def _parts(self, key: SnapshotKey, parts: Sequence[Part]) -> dict[str, bytes]:
        names = [part.sha256 for part in parts]
        if isinstance(self._store, LocalStore):  # one after the other is quickest
            return dict(zip(names, (self._part(key, part) for part in parts), strict=True))
        with ThreadPoolExecutor(NUM_READERS, "snapshot-parts") as readers:
            return dict(zip(names, readers.map(lambda part: self._part(key, part), parts), strict=True))

    def _part(self, key: SnapshotKey, part: Part) -> bytes:
        return manifests.checked(part, self._get(key.part_path(part.sha256), part.num_bytes))

    def _part_paths(self, key: SnapshotKey, folder: Folder | None, info: ModelInfo) -> Set[str]:
        """As `folder` knows them, or else from the manifest: nothing for one that is gone or damaged; a store that
        does not answer is an error."""
        if folder is not None and (known := folder.parts.get(key.path)) is not None:
            return known
        try:
            manifest: Manifest = manifests.parse(self._get(key.path, MAX_MANIFEST_BYTES), info)
        except SnapshotRefusedError:
            return set()
        return {key.part_path(part.sha256) for part in manifest.parts}

    def _delete(self, paths: Iterable[str]) -> None:
        for path in paths:
            with as_our_errors("a snapshot cannot be deleted"), contextlib.suppress(FileNotFoundError):
                obstore.delete(self._store, path)

    def _put(self, path: str, data: bytes) -> bool:
        """Whether it was not there yet."""
        with as_our_errors("a snapshot cannot be saved"):
            try:
                obstore.put(self._store, path, data, mode="create")
            except AlreadyExistsError:
                return False
        return True

    def _get(self, path: str, max_bytes: int) -> bytes:
        try:
            with as_our_errors("a snapshot cannot be read"):
                result = obstore.get(self._store, path)
                if result.meta["size"] > max_bytes:
                    raise SnapshotDamagedError(f"{path} has {result.meta['size']} bytes; {max_bytes} at most")
                return bytes(result.bytes())
        except FileNotFoundError as error:
            raise SnapshotDamagedError(f"{path} is missing") from error
