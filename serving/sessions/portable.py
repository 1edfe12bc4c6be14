"""A snapshot as one file, to be sent about: a zip of what a store holds in many.

    manifest.json       as in a store
    parts/<sha256>      safetensors, not compressed: what can be packed is packed by the model

Any kind of snapshot can be written so; a portable one is a megabyte at most. Nothing of a file is unpacked to disk, and
nothing is read that is larger than its manifest promises.
"""

from __future__ import annotations

import struct
import zipfile
from io import BytesIO

from model.interface import ModelInfo
from serving.errors import SnapshotDamagedError
from serving.sessions import manifest as manifests
from serving.sessions.manifest import MAX_MANIFEST_BYTES, MAX_SNAPSHOT_BYTES, PORTABLE
from serving.sessions.snapshot import SessionSnapshot

MANIFEST_NAME = "manifest.json"
# A zip says of every part where it lies; all else is the manifest and the parts.
MAX_FILE_BYTES = MAX_SNAPSHOT_BYTES + 16 * MAX_MANIFEST_BYTES
# The same snapshot makes the same file: a zip knows no earlier day.
NO_TIME = (1980, 1, 1, 0, 0, 0)
_UNREADABLE = (zipfile.BadZipFile, struct.error, RuntimeError, OSError, EOFError, ValueError, KeyError, OverflowError)


def to_bytes(snapshot: SessionSnapshot, info: ModelInfo, kind: str = PORTABLE) -> bytes:
    """`kind` says what the model made of its state."""
    manifest, data = manifests.cut(snapshot, info, kind)
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(MANIFEST_NAME, NO_TIME), manifest.to_json())
        for sha256, part in sorted(data.items()):
            archive.writestr(zipfile.ZipInfo(_part_name(sha256), NO_TIME), part)
    return file.getvalue()


def from_bytes(data: bytes, info: ModelInfo) -> SessionSnapshot:
    """Raises `SnapshotRefusedError`."""
    return with_kind(data, info)[0]


def with_kind(data: bytes, info: ModelInfo) -> tuple[SessionSnapshot, str]:
    """What `to_bytes` was given. Raises `SnapshotRefusedError`."""
    if len(data) > MAX_FILE_BYTES:
        raise SnapshotDamagedError(f"a file of {len(data)} bytes; {MAX_FILE_BYTES} at most")
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            manifest = manifests.parse(_entry(archive, MANIFEST_NAME, MAX_MANIFEST_BYTES), info)
            parts = {
                part.sha256: manifests.checked(part, _entry(archive, _part_name(part.sha256), part.num_bytes))
                for part in manifest.parts
            }
    except _UNREADABLE as error:
        raise SnapshotDamagedError(f"the file cannot be read: {error}") from error
    return manifests.join(manifest, parts), manifest.kind


def _entry(archive: zipfile.ZipFile, name: str, max_bytes: int) -> bytes:
    entry = archive.getinfo(name)
    if entry.compress_type != zipfile.ZIP_STORED or entry.file_size > max_bytes or entry.compress_size > max_bytes:
        raise SnapshotDamagedError(f"{name} is packed, or has more than {max_bytes} bytes")
    with archive.open(entry) as file:
        return file.read(max_bytes + 1)


def _part_name(sha256: str) -> str:
    return f"parts/{sha256}"
