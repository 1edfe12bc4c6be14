"""A snapshot that is cut after another one is cut as if it were alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from serving.sessions import manifest as manifests
from serving.sessions.last_arrays import LastArrays
from serving.sessions.manifest import CutArray, laid_out
from serving.sessions.snapshot import SessionSnapshot
from serving.sessions.snapshot_store import SnapshotStore
from tests.fakes_model import INFO
from tests.snapshots import assert_same_snapshot, some_snapshot

ROW_BYTES = manifests.MIN_PART_BYTES // 3 + 8  # so that parts hold three rows each, and the last may hold fewer
DTYPES = (np.uint8, np.float32, np.float64)


def with_places(places: NDArray) -> SessionSnapshot:
    snapshot = some_snapshot()
    return replace(snapshot, engine=replace(snapshot.engine, transformer={"places": places}))


@st.composite
def places(draw: st.DrawFn) -> NDArray:
    """Of few values, so that rows are the same often, zeros of both signs among them."""
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    values = [1.0, 0.0, 0.0 if dtype.kind == "u" else -0.0]
    rows = draw(st.lists(st.sampled_from(values), min_size=16, max_size=24))
    array = np.repeat(np.array(rows, dtype)[:, None], ROW_BYTES // dtype.itemsize, axis=1)
    return np.asfortranarray(array) if draw(st.booleans()) else array


@settings(max_examples=60)
@given(st.lists(places(), min_size=2, max_size=4))
def test_rows_that_are_compared_get_the_names_that_hashing_gives_them(each_places: list[NDArray]) -> None:
    last: dict[str, CutArray] = {}
    for array in each_places:
        snapshot = with_places(array)
        layout, alone = laid_out(snapshot, INFO, last=last), laid_out(snapshot, INFO)
        assert layout.manifest == alone.manifest
        assert layout.pieces.keys() == alone.pieces.keys()
        last = dict(layout.cut_arrays)


def test_rows_that_stayed_are_not_hashed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    first = laid_out(some_snapshot(num_places=6), INFO)
    hashed: list[int] = []
    part_of = manifests._part_of
    monkeypatch.setattr(manifests, "_part_of", lambda piece: hashed.append(1) or part_of(piece))
    laid_out(some_snapshot(chunk_idx=200, num_places=7), INFO, last=first.cut_arrays)
    assert len(hashed) == 1 + 1, "what changes with every chunk, and the new place"


def test_an_array_that_nobody_can_have_written_to_is_not_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    place = np.zeros((1, manifests.MIN_CUT_BYTES), np.uint8)
    place.flags.writeable = False
    first = laid_out(with_places(place), INFO)
    compared: list[int] = []
    monkeypatch.setattr(manifests, "_are_same_bytes", lambda left, right: compared.append(1) or False)
    assert laid_out(with_places(place), INFO, last=first.cut_arrays).manifest == first.manifest
    assert not compared
    laid_out(with_places(place.copy()), INFO, last=first.cut_arrays)
    assert len(compared) == 1


def test_a_store_that_saves_one_after_the_other_stores_what_it_would_alone(tmp_path: Path) -> None:
    store = SnapshotStore.open(str(tmp_path / "one"))
    for chunk_idx, num_places in ((100, 3), (120, 3), (140, 5), (160, 2)):
        snapshot = some_snapshot(chunk_idx=chunk_idx, num_places=num_places)
        saved = store.save(snapshot, 1, INFO)
        alone = SnapshotStore.open(str(tmp_path / f"{chunk_idx}"))
        assert alone.save(snapshot, 1, INFO).key == saved.key
        assert_same_snapshot(store.load(saved.key, INFO), alone.load(saved.key, INFO))


def test_sessions_that_were_saved_longest_ago_are_forgotten() -> None:
    last = LastArrays(max_bytes=25)
    for session_id in ("a", "b", "a", "c"):
        last.keep(session_id, {"places": CutArray(np.zeros(10, np.uint8), ())})
    assert set(last.of("a")) == set(last.of("c")) == {"places"}
    assert last.of("b") == {}
    last.keep("d", {"places": CutArray(np.zeros(26, np.uint8), ())})
    assert [last.of(each) for each in "acd"] == [{}, {}, {}], "there is no room for it either"
