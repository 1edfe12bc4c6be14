from __future__ import annotations

import numpy as np
import pytest

from serving.sessions.encoded import HeldAxes
from serving.sessions.snapshot import EngineSnapshot, SessionSnapshot, pack, unpack
from serving.sessions.tensor_bytes import TensorBytesError, from_bytes, metadata_of, to_bytes


def make_snapshot() -> SessionSnapshot:
    engine = EngineSnapshot(
        session_id="a",
        seed=2**63 + 1,
        next_chunk_idx=12,
        journal_position=4,
        held=HeldAxes(forward=0.1, strafe=-1.0, yaw=1 / 3, pitch=0.0),
        transformer={"memory": np.arange(6, dtype=np.float32).reshape(2, 3), "layers/0": np.array(7, np.int64)},
    )
    caches = {"video_decoder": {"previous": np.ones((1, 4), np.float16)}, "audio_decoder": {}}
    return SessionSnapshot(engine=engine, caches=caches)


def test_a_bundle_comes_back_as_it_was() -> None:
    snapshot = make_snapshot()
    restored = unpack(pack(snapshot))
    for name in ("session_id", "seed", "next_chunk_idx", "journal_position", "held"):
        assert getattr(restored.engine, name) == getattr(snapshot.engine, name)
    assert_same(restored.engine.transformer, snapshot.engine.transformer)
    assert restored.caches.keys() == snapshot.caches.keys()
    for stage in snapshot.caches:
        assert_same(restored.caches[stage], snapshot.caches[stage])


def test_the_same_session_makes_the_same_bytes() -> None:
    assert pack(make_snapshot()) == pack(make_snapshot())


@pytest.mark.parametrize("data", [b"", b"nonsense", b"\x02\0\0\0\0\0\0\0{}", to_bytes({"x": np.ones(1)})])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(TensorBytesError):
        unpack(data)


def test_a_truncated_bundle_is_refused() -> None:
    with pytest.raises(TensorBytesError):
        unpack(pack(make_snapshot())[:-8])


def test_a_bundle_of_another_format_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.sessions.snapshot.FORMAT", 99)
    data = pack(make_snapshot())
    monkeypatch.undo()
    with pytest.raises(TensorBytesError, match="99"):
        unpack(data)


def test_tensor_bytes_keep_types_shapes_and_order_in_memory() -> None:
    tensors = {
        "fortran": np.asfortranarray(np.arange(6, dtype=np.float64).reshape(2, 3)),
        "scalar": np.array(True),
        "empty": np.zeros((0, 4), np.uint8),
        "half": np.ones(3, np.float16),
    }
    data = to_bytes(tensors, {"key": "value"})
    assert_same(from_bytes(data), tensors)
    assert metadata_of(data) == {"key": "value"}


def assert_same(actual, expected) -> None:
    assert actual.keys() == expected.keys()
    for name in expected:
        assert actual[name].dtype == expected[name].dtype
        assert actual[name].shape == expected[name].shape
        np.testing.assert_array_equal(actual[name], expected[name])
