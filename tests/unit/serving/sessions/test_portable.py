"""A snapshot in one file, written here and read by whoever gets it."""

from __future__ import annotations

import contextlib
import json
import struct
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model.interface import ChunkControls
from model.presets import load
from serving.errors import (
    SnapshotDamagedError,
    SnapshotForeignError,
    SnapshotNewerError,
    SnapshotRefusedError,
)
from serving.sessions.manifest import EXACT, MAX_MANIFEST_BYTES, PORTABLE
from serving.sessions.portable import MANIFEST_NAME, from_bytes, to_bytes, with_kind
from serving.sessions.snapshot import SessionSnapshot
from tests.fakes_model import INFO
from tests.snapshots import assert_same_snapshot, some_snapshot


@cache
def made() -> bytes:
    return to_bytes(some_snapshot(num_places=1), INFO)


@pytest.mark.parametrize("kind", [EXACT, PORTABLE])
def test_p02_a_file_holds_all_that_a_snapshot_is(kind: str) -> None:
    snapshot, told = with_kind(to_bytes(some_snapshot(), INFO, kind), INFO)
    assert_same_snapshot(some_snapshot(), snapshot)
    assert told == kind


def test_p02_a_session_of_the_shipped_model_goes_on_from_a_file_of_less_than_a_megabyte() -> None:
    torch.set_num_threads(1)
    model = load("pearl-xs")
    transformer = model.load_transformer()
    state = transformer.open(5, None, None)
    transformer.step([state], [ChunkControls(yaw=1.0)])
    engine = replace(some_snapshot().engine, seed=5, next_chunk_idx=1, transformer=state.portable_snapshot())
    file = to_bytes(SessionSnapshot(engine=engine, caches={}), model.info)
    assert len(file) < 1_000_000
    restored = transformer.restore(from_bytes(file, model.info).engine.transformer)
    [ours] = transformer.step([state], [ChunkControls(forward=1.0)])
    [theirs] = transformer.step([restored], [ChunkControls(forward=1.0)])
    assert (ours.chunk_idx, ours.pose) == (theirs.chunk_idx, theirs.pose)
    np.testing.assert_allclose(ours.video["maps"].astype(int), theirs.video["maps"].astype(int), atol=8)


def test_b09_any_zip_program_reads_it_and_the_same_snapshot_makes_the_same_file() -> None:
    assert made() == to_bytes(some_snapshot(num_places=1), INFO)
    with zipfile.ZipFile(BytesIO(made())) as archive:
        assert archive.testzip() is None
        names, manifest = archive.namelist(), json.loads(archive.read(MANIFEST_NAME))
    assert names[0] == MANIFEST_NAME
    assert sorted(names[1:]) == sorted(f"parts/{part['sha256']}" for part in manifest["parts"])
    assert manifest["kind"] == "portable"


def test_a_file_of_another_model_or_of_a_version_to_come_is_refused() -> None:
    with pytest.raises(SnapshotForeignError):
        from_bytes(made(), replace(INFO, weights_sha256="1" * 64))
    with pytest.raises(SnapshotNewerError):
        from_bytes(rewritten(lambda name, data: later_version(data) if name == MANIFEST_NAME else data), INFO)


def later_version(data: bytes) -> bytes:
    return json.dumps({**json.loads(data), "version": 2}).encode()


def rewritten(change: Callable[[str, bytes], bytes | None], compression: int = zipfile.ZIP_STORED) -> bytes:
    """The file with every entry changed; None leaves one out."""
    file = BytesIO()
    with zipfile.ZipFile(BytesIO(made())) as source, zipfile.ZipFile(file, "w", compression) as target:
        for name in source.namelist():
            if (data := change(name, source.read(name))) is not None:
                target.writestr(name, data)
    return file.getvalue()


def flipped(name: str, data: bytes) -> bytes:
    return data if name == MANIFEST_NAME else data[:-1] + bytes([data[-1] ^ 1])


def huge_manifest(name: str, data: bytes) -> bytes:
    return data + b" " * MAX_MANIFEST_BYTES if name == MANIFEST_NAME else data


def longer_parts(name: str, data: bytes) -> bytes:
    return data if name == MANIFEST_NAME else data + b"x"


DAMAGED: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "words": lambda: b"this is no zip at all",
    "cut short": lambda: made()[:-10],
    "without its beginning": lambda: made()[100:],
    "an empty zip": lambda: b"PK\5\6" + bytes(18),
    "a bit flipped": lambda: rewritten(flipped),
    "no manifest": lambda: rewritten(lambda name, data: None if name == MANIFEST_NAME else data),
    "no parts": lambda: rewritten(lambda name, data: data if name == MANIFEST_NAME else None),
    "a huge manifest": lambda: rewritten(huge_manifest),
    "parts longer than promised": lambda: rewritten(longer_parts),
    "packed": lambda: rewritten(lambda name, data: data, zipfile.ZIP_DEFLATED),
    "a bomb": lambda: rewritten(
        lambda name, data: data if name == MANIFEST_NAME else bytes(100_000_000), zipfile.ZIP_DEFLATED
    ),
    "said to be small": lambda: said_to_be_small(),
}


def said_to_be_small() -> bytes:
    """The central directory promises ten bytes of each entry."""
    data, at = bytearray(made()), -1
    while (at := data.find(b"PK\1\2", at + 1)) >= 0:
        struct.pack_into("<II", data, at + 20, 10, 10)
    return bytes(data)


@pytest.mark.parametrize("name", DAMAGED)
def test_a_file_that_was_damaged_or_made_to_harm_is_refused(name: str) -> None:
    with pytest.raises(SnapshotDamagedError):
        from_bytes(DAMAGED[name](), INFO)


def test_a_file_that_is_locked_with_a_password_is_refused() -> None:
    data, at = bytearray(made()), -1
    while (at := data.find(b"PK\1\2", at + 1)) >= 0:
        data[at + 8] |= 1
    with pytest.raises(SnapshotDamagedError):
        from_bytes(bytes(data), INFO)


def test_names_that_lead_elsewhere_are_not_followed(tmp_path: Path) -> None:
    def elsewhere(name: str, data: bytes) -> bytes:
        return data.replace(b'"sha256":"', b'"sha256":"../../') if name == MANIFEST_NAME else data

    with pytest.raises(SnapshotDamagedError, match="SHA-256"):
        from_bytes(rewritten(elsewhere), INFO)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_too_large_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.sessions.portable.MAX_FILE_BYTES", len(made()) - 1)
    with pytest.raises(SnapshotDamagedError, match="at most"):
        from_bytes(made(), INFO)


@settings(max_examples=200, derandomize=True, deadline=None, database=None)
@given(st.data())
def test_a_file_that_was_altered_anywhere_is_refused_or_the_same(data: st.DataObject) -> None:
    changed = bytearray(made())
    directory = changed.index(b"PK\1\2")
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(directory, len(changed) - 1) | st.integers(0, len(changed) - 1))
        changed[at] = data.draw(st.integers(0, 255))
    with contextlib.suppress(SnapshotRefusedError):
        assert_same_snapshot(some_snapshot(num_places=1), from_bytes(bytes(changed), INFO))
