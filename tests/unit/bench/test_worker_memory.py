"""What the memory bench plays, and what it reads of the allocator."""

from __future__ import annotations

import sys

import pytest

from bench.script import STREET
from bench.worker_memory import HURRY, Hurried, MemorySample, Street, lines, sample_memory, summary_of
from serving.sessions.contract import Directive, Look, Move
from tests.fakes_model import INFO, FakeModel

CHUNK_S = 0.08
ROUND_CHUNKS = round(STREET.duration_s / CHUNK_S)


def test_the_street_is_walked_over_and_over() -> None:
    street = Street(CHUNK_S)
    rounds = [
        [control for idx in range(first, first + ROUND_CHUNKS) for control in street.due(idx)] for first in (0, 250)
    ]
    assert ROUND_CHUNKS == 250
    assert [len(each) for each in rounds] == [len(STREET.cues)] * 2
    assert [control.kind for control in rounds[0]] == [control.kind for control in rounds[1]]
    assert {type(control.kind) for control in rounds[0]} == {Move, Look, Directive}
    ids = [control.control_id for each in rounds for control in each]
    assert len(set(ids)) == len(ids)


def test_a_hurried_world_is_not_waited_for_and_otherwise_the_same() -> None:
    hurried = Hurried(FakeModel())
    assert hurried.info.chunk_duration_s == pytest.approx(INFO.chunk_duration_s / HURRY)
    assert hurried.info.weights_sha256 == INFO.weights_sha256
    assert hurried.load_transformer() is not None


@pytest.mark.skipif(sys.platform != "linux", reason="the allocator does not say")
def test_the_allocator_says_what_is_in_use() -> None:
    before = sample_memory(0)
    held = bytes(32 << 20)
    after = sample_memory(125)
    assert after.in_use_bytes - before.in_use_bytes >= len(held)
    assert after.rss_bytes >= after.in_use_bytes // 2 > 0


def sample_of(chunk_idx: int) -> MemorySample:
    """Memory that grows until the warm-up is over; 50 ms and three page faults a chunk."""
    grown = min(chunk_idx, 1_500) * 10_000
    return MemorySample(
        chunk_idx=chunk_idx,
        rss_bytes=grown + 10**9,
        in_use_bytes=grown,
        unused_bytes=0,
        cpu_s=0.05 * chunk_idx,
        num_page_faults=3 * chunk_idx,
    )


def test_growth_before_the_warm_up_is_over_counts_for_nothing() -> None:
    figures = summary_of([sample_of(chunk_idx) for chunk_idx in range(0, 4_001, 125)], CHUNK_S)
    assert (figures.rss_bytes.per_s, figures.in_use_bytes.per_s) == (0.0, 0.0)
    assert figures.cpu_s_per_chunk == pytest.approx(0.05)
    assert figures.rss_bytes.num_samples == 21


def test_a_dozen_lines_tell_memory_time_and_page_faults_of_a_chunk() -> None:
    samples = [sample_of(chunk_idx) for chunk_idx in range(0, 6_001, 125)]
    told = list(lines(samples))
    assert len(told) == 12
    assert told[2] == (
        "chunk   1500:   968.0 MiB resident,   14.3 in use,    0.0 not given back; 50.0 ms and 3 page faults a chunk"
    )
    assert list(lines(samples[:1])) == []
