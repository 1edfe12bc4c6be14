"""Spans: sampled by session, alike in every process, one per chunk with its stages inside."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from observability import tracing
from observability.tracing import ChunkTracer, SpanDestination, TracingConfig, default_destination, trace_id_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    session_id: str = "s1"
    chunk_idx: int = 7
    is_late: bool = False
    arrived_s: float = 100.0
    due_s: float = 100.05
    sent_s: float = 100.06
    encode_seconds: float = 0.002
    stage_seconds: Mapping[str, float] = field(default_factory=lambda: {"denoise": 0.02, "video_decode": 0.01})
    request_id: str = "r1"


def spans_of(chunks: Sequence[Chunk], session_ratio: float = 1.0) -> tuple[ReadableSpan, ...]:
    exporter = InMemorySpanExporter()
    tracer = ChunkTracer(TracingConfig(session_ratio=session_ratio), exporter)
    for chunk in chunks:
        tracer.record(chunk)
    tracer.close()
    return exporter.get_finished_spans()


def test_a_chunk_is_one_span_with_its_stages_inside() -> None:
    spans = {span.name: span for span in spans_of([Chunk()])}
    assert set(spans) == {"chunk", "denoise", "video_decode", "media_encode", "pace"}
    chunk = spans.pop("chunk")
    assert chunk.context is not None
    assert (chunk.start_time, chunk.end_time) == (99_970_000_000, 100_060_000_000)
    assert chunk.attributes is not None
    assert chunk.attributes["nacre.chunk_idx"] == 7
    assert chunk.attributes["nacre.request_id"] == "r1"
    for child in spans.values():
        assert child.parent is not None
        assert child.parent.span_id == chunk.context.span_id
        assert (chunk.start_time or 0) <= (child.start_time or 0) <= (child.end_time or 0) <= (chunk.end_time or 0)


def test_a_stage_lasts_as_long_as_was_recorded() -> None:
    spans = {span.name: span for span in spans_of([Chunk()])}
    denoise = spans["denoise"]
    assert (denoise.end_time or 0) - (denoise.start_time or 0) == 20_000_000


def test_chunks_of_a_session_share_a_trace_and_sessions_do_not() -> None:
    spans = [span for span in spans_of([Chunk(), Chunk(chunk_idx=8), Chunk(session_id="s2")]) if span.name == "chunk"]
    traces = [span.context.trace_id for span in spans if span.context]
    assert traces[0] == traces[1] != traces[2]
    assert traces[0] == trace_id_of("s1")


def test_a_session_is_sampled_alike_in_every_process_and_about_as_often_as_asked() -> None:
    config = TracingConfig(session_ratio=0.25)
    one, other = ChunkTracer(config, InMemorySpanExporter()), ChunkTracer(config, InMemorySpanExporter())
    session_ids = [f"session-{idx}" for idx in range(2_000)]
    sampled = [session_id for session_id in session_ids if one.is_sampled(session_id)]
    assert sampled == [session_id for session_id in session_ids if other.is_sampled(session_id)]
    assert 400 < len(sampled) < 600


def test_every_chunk_of_a_sampled_session_is_kept_and_none_of_another() -> None:
    tracer = ChunkTracer(TracingConfig(session_ratio=0.5), InMemorySpanExporter())
    session_ids = [f"session-{idx}" for idx in range(20)]
    sampled = {session_id for session_id in session_ids if tracer.is_sampled(session_id)}
    assert 0 < len(sampled) < 20
    chunks = [Chunk(session_id=session_id, chunk_idx=idx) for session_id in session_ids for idx in range(3)]
    kept = [str((span.attributes or {})["nacre.session_id"]) for span in spans_of(chunks, 0.5) if span.name == "chunk"]
    assert sorted(kept) == sorted(session_id for session_id in sampled for _ in range(3))


def test_nothing_is_sampled_without_a_destination() -> None:
    tracer = ChunkTracer(TracingConfig(session_ratio=1.0))
    assert not tracer.is_sampled("s1")
    tracer.record(Chunk())
    tracer.close()


def test_a_file_gets_one_json_object_a_line(tmp_path: Path) -> None:
    file = tmp_path / "spans" / "gateway.jsonl"
    tracer = ChunkTracer(TracingConfig(destination=SpanDestination.FILE, file=file, session_ratio=1.0))
    tracer.record(Chunk())
    tracer.close()
    names = [json.loads(line)["name"] for line in file.read_text().splitlines()]
    assert sorted(names) == ["chunk", "denoise", "media_encode", "pace", "video_decode"]


def test_the_endpoint_variable_asks_for_otlp_only_where_its_exporter_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}
    monkeypatch.setattr(tracing, "OTLP_MODULE", "json")
    assert default_destination(environment) is SpanDestination.OTLP
    assert default_destination({}) is SpanDestination.NONE
    monkeypatch.setattr(tracing, "OTLP_MODULE", "no_such_package.trace_exporter")
    assert default_destination(environment) is SpanDestination.NONE


def test_asking_for_otlp_without_its_exporter_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "OTLP_MODULE", "no_such_package.trace_exporter")
    with pytest.raises(ValueError, match="opentelemetry-exporter-otlp-proto-http"):
        ChunkTracer(TracingConfig(destination=SpanDestination.OTLP))


@pytest.mark.parametrize("session_ratio", [-0.1, 1.1, float("nan")])
def test_a_ratio_outside_its_range_is_refused(session_ratio: float) -> None:
    with pytest.raises(ValueError, match="session_ratio"):
        TracingConfig(session_ratio=session_ratio)


def test_a_file_without_the_destination_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="belong together"):
        TracingConfig(file=tmp_path / "spans.jsonl")
