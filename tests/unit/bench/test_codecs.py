"""The benchmark of decoders: it measures what it says, and tells it."""

from __future__ import annotations

import json

import pytest

from bench.codecs.run import CodecsConfig, bench_codecs


def test_a_decoder_is_counted_and_measured() -> None:
    result = bench_codecs(CodecsConfig(width_px=16, height_px=16, rounds=2, threads=1, only=("taew2_1",)))
    times = result.figures["times"]["taew2_1"]
    assert times["chunk_p95_ms"] >= times["chunk_ms"] > 0
    assert times["chunk_cpu_ms"] > 0
    assert times["frame_ms"] == pytest.approx(times["chunk_ms"] / 12)
    small = result.figures["small"]["taew2_1"]
    assert times["operations_per_s"] == pytest.approx(small["operations_per_latent"] * 3 / times["chunk_ms"] * 1_000)
    assert [cost["name"] for cost in result.figures["full_size_bf16"]] == ["taew2_1", "taew2_1"]
    assert len(result.summary) == 3
    assert "taew2_1 16x16 bfloat16 on cpu" in result.summary[-1]
    json.dumps(result.figures, allow_nan=False)


def test_decoders_and_precisions_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="no decoder taew3"):
        CodecsConfig(only=("taew3",))
    with pytest.raises(ValueError, match="no precision nn"):
        CodecsConfig(dtype="nn")
