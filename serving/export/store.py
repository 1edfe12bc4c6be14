"""Where the parts of recordings lie: beside the snapshots of their session, so that they are deleted and handed to
their owner with it, and stay in its region.

    sessions/<session>/recording/<start in ms>-<gateway>-<number>-<frames>.part

Names sort in the order in which the parts were shown, and say how many frames there are: a listing alone tells how long
a recording is.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import obstore

from serving.catalogue.regions import Region, place_of
from serving.catalogue.storage import StorageConfig
from serving.errors import SnapshotDamagedError
from serving.sessions.manifest import ID_PATTERN
from serving.sessions.object_store import as_our_errors, open_object_store

FOLDER = "recording"
SESSIONS = "sessions"
_NAME = re.compile(r"(\d{13})-([0-9a-f]{8})-(\d{6})-(\d+)\.part", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class PartName:
    start_ms: int  # time.time() of its first chunk
    gateway: str  # 8 hex digits, of whoever wrote it
    number: int  # counts the parts that this gateway wrote of the session
    num_frames: int

    def __str__(self) -> str:
        return f"{self.start_ms:013}-{self.gateway}-{self.number:06}-{self.num_frames}.part"

    @classmethod
    def parse(cls, name: str) -> PartName | None:
        found = _NAME.fullmatch(name)
        if found is None:
            return None
        start_ms, gateway, number, num_frames = found.groups()
        return cls(start_ms=int(start_ms), gateway=gateway, number=int(number), num_frames=int(num_frames))


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One that is stored."""

    name: PartName
    num_bytes: int
    stored_s: float  # time.time()


class RecordingStore:
    """Blocking and thread-safe. Raises `StorageUnavailableError`, and `RegionRefusedError` for sessions of a region
    that is not kept here."""

    def __init__(self, home: Any, by_region: Mapping[str, Any]) -> None:
        """Of `obstore.store`."""
        self._home = home
        self._by_region = dict(by_region)

    @classmethod
    def open(cls, config: StorageConfig) -> RecordingStore:
        return cls.of_places(config.snapshots, config.regions)

    @classmethod
    def of_places(cls, home: str, regions: Iterable[Region]) -> RecordingStore:
        what = "the store of recordings cannot be opened"
        by_region = {region.name: open_object_store(region.snapshots, what) for region in regions}
        return cls(open_object_store(home, what), by_region)

    def put(self, session_id: str, name: PartName, data: bytes) -> None:
        store, path = self._of(session_id), f"{_folder(session_id)}/{name}"
        with as_our_errors("a part of a recording cannot be stored"):
            obstore.put(store, path, data)

    def parts(self, session_id: str) -> list[Part]:
        """In order."""
        store, folder = self._of(session_id), _folder(session_id)
        with as_our_errors("a recording cannot be listed"):
            pages = obstore.list(store, folder)
            found = [_part(each) for page in pages for each in page]
        return sorted((part for part in found if part is not None), key=lambda part: part.name)

    def get(self, session_id: str, name: PartName) -> bytes:
        """Raises `SnapshotDamagedError` for one that is gone."""
        store, path = self._of(session_id), f"{_folder(session_id)}/{name}"
        try:
            with as_our_errors("a part of a recording cannot be read"):
                return bytes(obstore.get(store, path).bytes())
        except FileNotFoundError as error:
            raise SnapshotDamagedError(f"the part {name} of the recording is gone") from error

    def delete(self, session_id: str, names: Iterable[PartName]) -> None:
        store, folder = self._of(session_id), _folder(session_id)
        for name in names:
            with as_our_errors("a recording cannot be deleted"), contextlib.suppress(FileNotFoundError):
                obstore.delete(store, f"{folder}/{name}")

    def sweep(self, before_s: float) -> dict[str, int]:
        """Delete the parts that were stored before then, of all sessions. The bytes that are left, by session."""
        left: Counter[str] = Counter()
        for store in (self._home, *self._by_region.values()):
            with as_our_errors("recordings cannot be looked through"):
                for page in obstore.list(store, SESSIONS):
                    for each in page:
                        part = _part(each)
                        if part is None:
                            continue
                        if part.stored_s >= before_s:
                            left[each["path"].split("/")[1]] += part.num_bytes
                            continue
                        with contextlib.suppress(FileNotFoundError):
                            obstore.delete(store, each["path"])
        return dict(left)

    def _of(self, session_id: str) -> Any:
        return place_of(session_id, self._home, self._by_region)


def delete_recording(config: StorageConfig, session_id: str) -> None:
    """Raises as `RecordingStore` does."""
    store = RecordingStore.open(config)
    store.delete(session_id, [part.name for part in store.parts(session_id)])


def _folder(session_id: str) -> str:
    if not ID_PATTERN.fullmatch(session_id):
        raise ValueError(f"session id {session_id!r}: letters, digits, - and _, 64 at most")
    return f"{SESSIONS}/{session_id}/{FOLDER}"


def _part(meta: Mapping[str, Any]) -> Part | None:
    folder, _, file = meta["path"].rpartition("/")
    name = PartName.parse(file) if folder.endswith(f"/{FOLDER}") else None
    if name is None:
        return None
    return Part(name=name, num_bytes=meta["size"], stored_s=meta["last_modified"].timestamp())
