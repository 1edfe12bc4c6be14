"""What is cut is joined bit for bit, and what nobody cut is refused."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model.interface import Profile
from serving.errors import SnapshotDamagedError, SnapshotForeignError, SnapshotNewerError, SnapshotRefusedError
from serving.sessions.manifest import MAX_PART_BYTES, MAX_PARTS, PORTABLE, PROMISES, Manifest, cut, join, parse
from serving.sessions.snapshot import unpack
from serving.sessions.tensor_bytes import TensorBytesError, from_bytes, to_bytes
from tests.fakes_model import INFO
from tests.snapshots import assert_same_snapshot, some_snapshot


def test_a_snapshot_is_joined_bit_for_bit() -> None:
    snapshot = some_snapshot()
    manifest, data = cut(snapshot, INFO)
    assert_same_snapshot(snapshot, join(parse(manifest.to_json(), INFO), data))


def test_a_manifest_says_what_its_kind_promises() -> None:
    manifest, data = cut(some_snapshot(), INFO, PORTABLE)
    fields = json.loads(manifest.to_json())
    assert (fields["kind"], fields["promise"]) == ("portable", PROMISES[PORTABLE])
    assert "not bit for bit" in fields["promise"]
    assert parse(manifest.to_json(), INFO) == manifest
    assert_same_snapshot(some_snapshot(), join(manifest, data))


def test_a_manifest_says_in_which_profile_its_worker_ran() -> None:
    fast = replace(INFO, profile=Profile.FAST)
    manifest, _ = cut(some_snapshot(), fast)
    assert json.loads(manifest.to_json())["profile"] == "fast"
    assert parse(manifest.to_json(), INFO).profile == "fast"  # an exact worker goes on from it
    fields = json.loads(cut(some_snapshot(), INFO)[0].to_json())
    assert fields.pop("profile") == "exact"
    assert parse(json.dumps(fields).encode(), INFO).profile == "exact"


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
    fields["kind"] = "holographic"


def version_that_is_none(fields: Fields) -> None:
    fields["version"] = "1"


def part_below_zero(fields: Fields) -> None:
    fields["tensors"][0]["parts"] = [-1]


def shape_below_zero(fields: Fields) -> None:
    fields["tensors"][0]["shape"] = [-1, -3]


def huge_shape(fields: Fields) -> None:
    fields["tensors"][0]["shape"] = [2**62, 2**62]


def stage_that_is_a_path(fields: Fields) -> None:
    fields["stages"] = ["../../etc"]


def stage_that_is_the_transformer(fields: Fields) -> None:
    fields["stages"] = ["transformer"]


def many_stages(fields: Fields) -> None:
    fields["stages"] = ["a"] * 1_000


def tensor_named_twice(fields: Fields) -> None:
    fields["tensors"] *= 2


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
        (version_that_is_none, SnapshotDamagedError),
        (part_below_zero, SnapshotDamagedError),
        (shape_below_zero, SnapshotDamagedError),
        (huge_shape, SnapshotDamagedError),
        (stage_that_is_a_path, SnapshotDamagedError),
        (stage_that_is_the_transformer, SnapshotDamagedError),
        (many_stages, SnapshotDamagedError),
        (tensor_named_twice, SnapshotDamagedError),
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


def headed(header: object, num_bytes: int) -> bytes:
    """A safetensors file with any header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + bytes(num_bytes)


def rows(shape: list[int], begin: int, end: int, dtype: str = "U8") -> Fields:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


WHOLE = [1, 5, 112, 512]
SIZE = 5 * 112 * 512
LIES: dict[str, bytes] = {
    "shorter than it says": headed({"rows": rows(WHOLE, 0, SIZE)}, SIZE - 1),
    "longer than it says": headed({"rows": rows(WHOLE, 0, SIZE)}, SIZE + 1),
    "a huge header": (2**62).to_bytes(8, "little") + b"{}",
    "a header cut short": headed({"rows": rows(WHOLE, 0, SIZE)}, SIZE)[:40],
    "nothing": b"",
    "no JSON": headed(b"{rows", 10),
    "nested without end": headed(b'{"rows":' + b"[" * 100_000, 10),
    "another shape": to_bytes({"rows": np.zeros((1, 2, 2), np.uint8)}),
    "another name": to_bytes({"columns": np.zeros(WHOLE, np.uint8)}),
    "another kind": to_bytes({"rows": np.zeros(WHOLE, np.int8)}),
    "a kind that is none": headed({"rows": rows(WHOLE, 0, SIZE, "U9")}, SIZE),
    "a kind that numpy lacks": headed({"rows": rows([SIZE // 2], 0, SIZE, "BF16")}, SIZE),
    "offsets that overlap": headed({"rows": rows(WHOLE, 0, SIZE), "more": rows([10], SIZE - 10, SIZE)}, SIZE),
    "offsets with a hole": headed({"rows": rows(WHOLE, 10, SIZE + 10)}, SIZE + 10),
    "offsets that run backward": headed({"rows": rows(WHOLE, SIZE, 0)}, SIZE),
    "offsets below zero": headed({"rows": rows(WHOLE, -SIZE, 0)}, SIZE),
    "offsets far beyond": headed({"rows": rows(WHOLE, 2**62, 2**62 + SIZE)}, SIZE),
    "a shape far beyond": headed({"rows": rows([2**31, 2**31, 2**31], 0, SIZE)}, SIZE),
    "a shape below zero": headed({"rows": rows([-1, SIZE], 0, SIZE)}, SIZE),
    "no shape": headed({"rows": {"dtype": "U8", "data_offsets": [0, SIZE]}}, SIZE),
    "an empty array far beyond": headed({"rows": rows([0, 2**62], 0, 0)}, 0),
}


@pytest.mark.parametrize("name", LIES)
def test_parts_that_lie_about_what_they_hold_are_refused(name: str) -> None:
    manifest, data = cut(some_snapshot(), INFO)
    sha256 = manifest.parts[1].sha256
    with pytest.raises(SnapshotDamagedError):
        join(manifest, {**data, sha256: LIES[name]})


@pytest.mark.parametrize("name", LIES)
def test_bytes_that_lie_are_refused_by_themselves(name: str) -> None:
    with contextlib.suppress(TensorBytesError):
        assert set(from_bytes(LIES[name])) <= {"rows", "columns"}
    with pytest.raises(TensorBytesError):
        unpack(LIES[name])


@pytest.mark.parametrize(
    "changed",
    [
        {"session_id": "../../etc"},
        {"session_id": 7},
        {"seed": -1},
        {"seed": 2**64},
        {"seed": 1.5},
        {"seed": True},
        {"next_chunk_idx": -1},
        {"journal_position": "4"},
        {"held": {}, "seed": None},
        {"held": {"forward": "far"}},
        {"held": {"forward": float("nan")}},
        {"held": {"yaw": 1e9}},
        {"held": [1]},
    ],
)
def test_what_a_session_cannot_be_at_is_refused(changed: Fields) -> None:
    manifest, data = cut(some_snapshot(), INFO)
    with pytest.raises(SnapshotDamagedError):
        join(dataclasses.replace(manifest, session={**manifest.session, **changed}), data)


def test_a_session_record_that_does_not_fit_is_refused() -> None:
    manifest, data = cut(some_snapshot(), INFO)
    for session in ({**manifest.session, "held": {"sideways": 1}}, {"seed": 1}, {**manifest.session, "seed": "x"}):
        with pytest.raises(SnapshotDamagedError):
            join(dataclasses.replace(manifest, session=session), data)


# --- anything at all ---

QUICK = settings(
    max_examples=150, derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
LEAVES = st.none() | st.booleans() | st.integers(-(2**65), 2**65) | st.floats() | st.text(max_size=8)
ANYTHING = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


@cache
def made() -> tuple[Manifest, dict[str, bytes]]:
    return cut(some_snapshot(num_places=2), INFO)


def tried(text: bytes, data: dict[str, bytes]) -> None:
    """Refused with an error of ours, or taken."""
    with contextlib.suppress(SnapshotRefusedError):
        join(parse(text, INFO), data)


def places_in(fields: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value of a manifest."""
    inner = fields.items() if isinstance(fields, dict) else enumerate(fields) if isinstance(fields, list) else ()
    below = [place for key, value in inner for place in places_in(value, (*path, key))]
    return [path, *below] if path else below


@QUICK
@given(st.data())
def test_a_manifest_with_anything_anywhere_is_refused_or_taken(data: st.DataObject) -> None:
    manifest, parts = made()
    fields = json.loads(manifest.to_json())
    for *way, last in data.draw(st.lists(st.sampled_from(places_in(fields)), min_size=1, max_size=3, unique=True)):
        with contextlib.suppress(KeyError, IndexError, TypeError):  # one change may take away the place of another
            at = fields
            for key in way:
                at = at[key]
            at[last] = data.draw(ANYTHING)
    tried(json.dumps(fields).encode(), parts)


@QUICK
@given(st.data())
def test_manifest_bytes_that_were_altered_are_refused_or_taken(data: st.DataObject) -> None:
    manifest, parts = made()
    tried(altered(data, manifest.to_json()), parts)


@QUICK
@given(st.data())
def test_parts_that_were_altered_are_refused_or_taken(data: st.DataObject) -> None:
    manifest, parts = made()
    sha256 = data.draw(st.sampled_from(sorted(parts)))
    header = int.from_bytes(parts[sha256][:8], "little") + 16
    changed = altered(data, parts[sha256][:header]) + parts[sha256][header:]
    tried(manifest.to_json(), {**parts, sha256: changed})
    with contextlib.suppress(TensorBytesError):
        unpack(changed)


def altered(data: st.DataObject, text: bytes) -> bytes:
    changed = bytearray(text)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(changed) - 1))
        changed[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    return bytes(changed[: data.draw(st.integers(0, len(changed)))] if data.draw(st.integers(0, 9)) == 0 else changed)
