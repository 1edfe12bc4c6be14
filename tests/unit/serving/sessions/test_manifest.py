"""What is cut is joined bit for bit, and what nobody cut is refused."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from serving.errors import SnapshotDamagedError, SnapshotForeignError, SnapshotNewerError
from serving.sessions.manifest import MAX_PART_BYTES, MAX_PARTS, cut, join, parse
from serving.sessions.tensor_bytes import to_bytes
from tests.fakes_model import INFO
from tests.snapshots import assert_same_snapshot, some_snapshot


def test_a_snapshot_is_joined_bit_for_bit() -> None:
    snapshot = some_snapshot()
    manifest, data = cut(snapshot, INFO)
    assert_same_snapshot(snapshot, join(parse(manifest.to_json(), INFO), data))


def test_parts_are_named_by_their_content_and_nothing_is_pickled() -> None:
    _, data = cut(some_snapshot(), INFO)
    assert all(hashlib.sha256(each).hexdigest() == sha256 for sha256, each in data.items())
    assert all(each[8:9] == b"{" for each in data.values())  # a safetensors header


def test_places_that_stayed_are_shared_with_the_next_snapshot() -> None:
    _, before = cut(some_snapshot(chunk_idx=100, num_places=3), INFO)
    _, after = cut(some_snapshot(chunk_idx=200, num_places=4), INFO)
    assert len(before) == 1 + 3
    assert len(after.keys() - before.keys()) == 1 + 1


Fields = dict[str, Any]


def other_model(fields: Fields) -> None:
    fields["model"]["name"] = "another"


def other_weights(fields: Fields) -> None:
    fields["model"]["weights_sha256"] = "1" * 64


def later_version(fields: Fields) -> None:
    fields["version"] = 2


def other_kind(fields: Fields) -> None:
    fields["kind"] = "portable"


def path_for_a_part(fields: Fields) -> None:
    fields["parts"][0]["sha256"] = "../" * 20 + "abcd"


def huge_part(fields: Fields) -> None:
    fields["parts"][0]["num_bytes"] = MAX_PART_BYTES + 1


def many_parts(fields: Fields) -> None:
    fields["parts"] *= MAX_PARTS


def one_part_over_and_over(fields: Fields) -> None:
    tensor = next(each for each in fields["tensors"] if each["is_cut"])
    tensor["parts"] = [1] * 10_000


def part_that_is_not_there(fields: Fields) -> None:
    fields["tensors"][0]["parts"] = [99]


def no_format(fields: Fields) -> None:
    del fields["format"]


def no_session(fields: Fields) -> None:
    fields["session"] = [1]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (other_model, SnapshotForeignError),
        (other_weights, SnapshotForeignError),
        (later_version, SnapshotNewerError),
        (other_kind, SnapshotNewerError),
        (path_for_a_part, SnapshotDamagedError),
        (huge_part, SnapshotDamagedError),
        (many_parts, SnapshotDamagedError),
        (one_part_over_and_over, SnapshotDamagedError),
        (part_that_is_not_there, SnapshotDamagedError),
        (no_format, SnapshotDamagedError),
        (no_session, SnapshotDamagedError),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(change: Callable[[Fields], None], error: type[Exception]) -> None:
    manifest, _ = cut(some_snapshot(), INFO)
    fields = json.loads(manifest.to_json())
    change(fields)
    with pytest.raises(error):
        parse(json.dumps(fields).encode(), INFO)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"7", b'"text"', b"[" * 100_000, b"\xff\xfe"])
def test_what_is_no_manifest_is_refused(data: bytes) -> None:
    with pytest.raises(SnapshotDamagedError):
        parse(data, INFO)


def lying(data: bytes) -> bytes:
    """A header that promises more than there is."""
    length = int.from_bytes(data[:8], "little")
    return data[:8] + data[8 : 8 + length].replace(b"112", b"999") + data[8 + length :]


@pytest.mark.parametrize(
    "spoil",
    [
        lying,
        lambda data: (2**62).to_bytes(8, "little") + data[8:],
        lambda data: data[:40],
        lambda data: b"",
        lambda data: to_bytes({"rows": np.zeros((1, 2, 2), np.uint8)}),
        lambda data: to_bytes({"columns": np.zeros((1, 5, 112, 512), np.uint8)}),
        lambda data: to_bytes({"rows": np.zeros((1, 5, 112, 512), np.int8)}),
    ],
)
def test_parts_that_lie_about_what_they_hold_are_refused(spoil: Callable[[bytes], bytes]) -> None:
    manifest, data = cut(some_snapshot(), INFO)
    sha256 = manifest.parts[1].sha256
    with pytest.raises(SnapshotDamagedError):
        join(manifest, {**data, sha256: spoil(data[sha256])})


def test_a_session_record_that_does_not_fit_is_refused() -> None:
    manifest, data = cut(some_snapshot(), INFO)
    for session in ({**manifest.session, "held": {"sideways": 1}}, {"seed": 1}, {**manifest.session, "seed": "x"}):
        with pytest.raises(SnapshotDamagedError):
            join(dataclasses.replace(manifest, session=session), data)
