"""Snapshots with arrays large enough to be cut, and places to keep them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from moto.server import ThreadedMotoServer

from serving.sessions.encoded import HeldAxes
from serving.sessions.snapshot import EngineSnapshot, SessionSnapshot

PLACE_SHAPE = (5, 112, 512)


def some_snapshot(session_id: str = "s-1", chunk_idx: int = 100, num_places: int = 3) -> SessionSnapshot:
    """Places fill up one after the other and stay; the rest changes with every chunk."""
    random = np.random.default_rng(7)
    places = random.integers(0, 255, (num_places, *PLACE_SHAPE), np.uint8)
    engine = EngineSnapshot(
        session_id=session_id,
        seed=2**64 - 1,
        next_chunk_idx=chunk_idx,
        journal_position=4,
        held=HeldAxes(forward=0.1, yaw=-1.0),
        transformer={
            "places": places,
            "cache": np.full((6, 25, 6, 32), chunk_idx, np.float32),
            "seed": np.array(2**64 - 1, np.uint64),
            "known": np.array([True, False]),
        },
    )
    caches = {"video_decoder": {"specks": np.zeros((80, 128), bool)}, "audio_decoder": {"phase": np.array([0.5])}}
    return SessionSnapshot(engine=engine, caches=caches)


def assert_same_snapshot(expected: SessionSnapshot, actual: SessionSnapshot) -> None:
    for name in ("session_id", "seed", "next_chunk_idx", "journal_position", "held"):
        assert getattr(actual.engine, name) == getattr(expected.engine, name), name
    assert set(actual.caches) == set(expected.caches)
    stages = [(expected.engine.transformer, actual.engine.transformer)]
    stages += [(expected.caches[stage], actual.caches[stage]) for stage in expected.caches]
    for before, after in stages:
        assert set(after) == set(before)
        for name, array in before.items():
            assert after[name].dtype == array.dtype
            np.testing.assert_array_equal(after[name], array)


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """An object store of the S3 kind on this machine."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()
