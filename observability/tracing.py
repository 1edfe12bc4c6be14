"""One span per chunk, with a child for every stage, of the sessions that are sampled.

A session's trace id is a digest of its session id, and sampling is by trace id: every
process decides alike without asking, and all chunks of a session stand in one trace.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import IO, Protocol

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

NS_PER_S = 1_000_000_000
OTLP_MODULE = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
OTLP_ENDPOINT_VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


class SpanDestination(Enum):
    NONE = "none"
    CONSOLE = "console"
    FILE = "file"  # a JSON object a line, appended
    OTLP = "otlp"  # where the standard OTEL_EXPORTER_OTLP_* variables say


@dataclass(frozen=True, slots=True, kw_only=True)
class TracingConfig:
    destination: SpanDestination = SpanDestination.NONE
    # A hundredth: spans cost about 0.1 ms a chunk, and one session in a hundred still shows every stage.
    session_ratio: float = 0.01
    file: Path | None = None
    service_name: str = "nacre"

    def __post_init__(self) -> None:
        if not 0.0 <= self.session_ratio <= 1.0:
            raise ValueError(f"session_ratio must be 0 to 1, got {self.session_ratio}")
        if (self.destination is SpanDestination.FILE) != (self.file is not None):
            raise ValueError("destination FILE and a file belong together")


class TracedChunk(Protocol):
    """What a chunk tells of its way: times of the wall clock, and how long each stage took, in order."""

    @property
    def session_id(self) -> str: ...
    @property
    def chunk_idx(self) -> int: ...
    @property
    def is_late(self) -> bool: ...
    @property
    def arrived_s(self) -> float: ...
    @property
    def due_s(self) -> float: ...
    @property
    def sent_s(self) -> float: ...
    @property
    def encode_seconds(self) -> float: ...
    @property
    def stage_seconds(self) -> Mapping[str, float]: ...
    @property
    def request_id(self) -> str:
        """Of the call that it was delivered by."""
        ...


def default_destination(environment: Mapping[str, str]) -> SpanDestination:
    """OTLP where its endpoint is set and its exporter is installed, else none."""
    is_wanted = any(environment.get(name) for name in OTLP_ENDPOINT_VARIABLES)
    return SpanDestination.OTLP if is_wanted and _has_otlp() else SpanDestination.NONE


@lru_cache(maxsize=256)
def trace_id_of(session_id: str) -> int:
    return int.from_bytes(hashlib.sha256(session_id.encode()).digest()[:16], "big") or 1


class ChunkTracer:
    """Writes the spans of delivered chunks. Without a destination nothing is ever sampled."""

    def __init__(self, config: TracingConfig, exporter: SpanExporter | None = None) -> None:
        """`exporter` replaces the one that `config` names."""
        exporter = exporter or _make_exporter(config)
        self._bound = TraceIdRatioBased.get_bound_for_rate(config.session_ratio) if exporter else 0
        self._provider = TracerProvider(
            sampler=TraceIdRatioBased(config.session_ratio),
            resource=Resource.create({"service.name": config.service_name}),
            shutdown_on_exit=False,
        )
        if exporter:
            self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("nacre")

    def is_sampled(self, session_id: str) -> bool:
        return trace_id_of(session_id) & TraceIdRatioBased.TRACE_ID_LIMIT < self._bound

    def record(self, chunk: TracedChunk) -> None:
        """The chunk's span and a child for each of its stages."""
        if not self.is_sampled(chunk.session_id):
            return
        start_s = chunk.arrived_s - sum(chunk.stage_seconds.values())
        span = self._tracer.start_span(
            "chunk", context=_session_context(chunk.session_id), start_time=_ns(start_s), attributes=_attributes(chunk)
        )
        parent = trace.set_span_in_context(span)
        for stage in _stage_times(chunk, start_s):
            child = self._tracer.start_span(stage.name, context=parent, start_time=_ns(stage.start_s))
            child.end(_ns(stage.end_s))
        span.end(_ns(chunk.sent_s))

    def close(self) -> None:
        """Write what is still held, then stop."""
        self._provider.shutdown()


@dataclass(frozen=True, slots=True)
class _StageTime:
    name: str
    start_s: float
    end_s: float


def _stage_times(chunk: TracedChunk, start_s: float) -> list[_StageTime]:
    """Stages end to end up to the gateway: what a worker reports is how long, not when."""
    times = []
    for name, seconds in chunk.stage_seconds.items():
        times.append(_StageTime(name, start_s, start_s + seconds))
        start_s += seconds
    encoded_s = chunk.arrived_s + chunk.encode_seconds
    times.append(_StageTime("media_encode", chunk.arrived_s, encoded_s))
    times.append(_StageTime("pace", min(encoded_s, chunk.sent_s), chunk.sent_s))
    return times


def _attributes(chunk: TracedChunk) -> dict[str, str | int | float | bool]:
    return {
        "nacre.session_id": chunk.session_id,
        "nacre.chunk_idx": chunk.chunk_idx,
        "nacre.is_late": chunk.is_late,
        "nacre.request_id": chunk.request_id,
        "nacre.slack_s": chunk.due_s - chunk.arrived_s,
    }


def _session_context(session_id: str) -> Context:
    """The parent that all chunks of a session have in common, in whichever process they are made."""
    trace_id = trace_id_of(session_id)
    parent = SpanContext(trace_id, (trace_id >> 64) or 1, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    return trace.set_span_in_context(NonRecordingSpan(parent))


def _ns(seconds: float) -> int:
    return round(seconds * NS_PER_S)


def _make_exporter(config: TracingConfig) -> SpanExporter | None:
    match config.destination:
        case SpanDestination.NONE:
            return None
        case SpanDestination.CONSOLE:
            return ConsoleSpanExporter(out=sys.stdout, formatter=_json_line)
        case SpanDestination.FILE:
            assert config.file is not None
            return _FileExporter(config.file)
        case SpanDestination.OTLP:
            if not _has_otlp():
                raise ValueError("spans by OTLP need the package opentelemetry-exporter-otlp-proto-http")
            make: Callable[[], SpanExporter] = importlib.import_module(OTLP_MODULE).OTLPSpanExporter
            return make()


class _FileExporter(ConsoleSpanExporter):
    """Appends to a file of its own and closes it."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file: IO[str] = file.open("a", encoding="utf-8")
        super().__init__(out=self._file, formatter=_json_line)

    def shutdown(self) -> None:
        self._file.close()


def _json_line(span: ReadableSpan) -> str:
    return json.dumps(json.loads(span.to_json()), separators=(",", ":")) + "\n"


def _has_otlp() -> bool:
    try:
        return importlib.util.find_spec(OTLP_MODULE) is not None
    except ModuleNotFoundError:
        return False
