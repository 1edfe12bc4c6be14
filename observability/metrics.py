"""Prometheus collectors made from the metric table, and what the gateway and the workers call on them.

Each process has one `ProcessMetrics`: its own registry and, when asked, its own HTTP port.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Protocol, TypeVar
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, start_http_server

from observability import metric_table
from observability.gpu import GpuCollector, find_gpus
from observability.heap import read_heap
from observability.metric_table import MetricKind, MetricRow
from observability.tenants import DEFAULT_TENANT, TenantLabels
from observability.tracing import ChunkTracer, TracedChunk, TracingConfig

_Metric = Counter | Gauge | Histogram
_Child = TypeVar("_Child", Counter, Gauge, Histogram)


class ProcessMetrics:
    """The metrics of one process: its registry, and the port they are read from.

    Rows of GPUs are read from NVML when asked, and left out where there is no GPU. Those of the heap are every
    process's, and left out where the C library does not tell.
    """

    def __init__(self, rows: Iterable[MetricRow]) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        rows = list(rows)
        gpu_rows = tuple(row for row in rows if row in metric_table.GPU_ROWS)
        if gpu_rows and (gpus := find_gpus()):
            self.registry.register(GpuCollector(gpus, gpu_rows))
        if read_heap() is not None:
            _observe_heap(self.registry)
        own_rows = [row for row in rows if row not in (*gpu_rows, *metric_table.HEAP_ROWS)]
        self._metrics: dict[str, _Metric] = {row.name: _make(row, self.registry) for row in own_rows}
        self._exporter: tuple[WSGIServer, threading.Thread] | None = None

    def counter(self, row: MetricRow, **labels: str) -> Counter:
        return self._child(Counter, row, labels)

    def gauge(self, row: MetricRow, **labels: str) -> Gauge:
        return self._child(Gauge, row, labels)

    def histogram(self, row: MetricRow, **labels: str) -> Histogram:
        return self._child(Histogram, row, labels)

    def serve(self, port: int, host: str = "127.0.0.1") -> int:
        """Serve them over HTTP from a thread of its own; 0 takes any free port. Returns the port.

        Raises OSError when the port is taken.
        """
        assert self._exporter is None, "served once"
        server, thread = start_http_server(port, host, self.registry)
        self._exporter = (server, thread)
        return server.server_port

    def close(self) -> None:
        if self._exporter is not None:
            server, thread = self._exporter
            self._exporter = None
            server.shutdown()
            server.server_close()
            thread.join()

    def _child(self, kind: type[_Child], row: MetricRow, labels: Mapping[str, str]) -> _Child:
        metric = self._metrics[row.name]
        assert isinstance(metric, kind), f"{row.name} is a {row.kind.value}"
        return metric.labels(**labels) if labels else metric


class DeliveredChunk(TracedChunk, Protocol):
    """What the gateway tells of each chunk it delivers."""

    @property
    def num_frames(self) -> int: ...
    @property
    def num_bytes(self) -> int: ...


class GatewayMetrics:
    """What the gateway measures, into Prometheus; chunks of sampled sessions into spans as well. Of one tenant, and a
    way to those of others."""

    def __init__(
        self,
        metrics: ProcessMetrics,
        tracer: ChunkTracer | None = None,
        labels: TenantLabels | None = None,
        tenant: str = DEFAULT_TENANT,
    ) -> None:
        self._metrics = metrics
        self._tracer = tracer or ChunkTracer(TracingConfig())
        self._labels = labels or TenantLabels()
        self._by_tenant: dict[str, GatewayMetrics] = {tenant: self}
        self._tenant = tenant
        # Looked up once: `labels()` takes a lock and a dictionary for every call.
        self._sessions = metrics.gauge(metric_table.SESSIONS, tenant=tenant)
        self._clients = metrics.gauge(metric_table.CLIENTS, tenant=tenant)
        self._control_to_frame = metrics.histogram(metric_table.CONTROL_TO_FRAME, tenant=tenant)
        self._control_accepted = metrics.histogram(metric_table.CONTROL_ACCEPTED, tenant=tenant)
        self._time_to_first_frame = metrics.histogram(metric_table.TIME_TO_FIRST_FRAME, tenant=tenant)
        self._slack = metrics.histogram(metric_table.CHUNK_SLACK)
        self._chunks = metrics.counter(metric_table.CHUNKS_DELIVERED, tenant=tenant)
        self._late_chunks = metrics.counter(metric_table.LATE_CHUNKS, tenant=tenant)
        self._frames = metrics.counter(metric_table.FRAMES_DELIVERED, tenant=tenant)
        self._bytes = metrics.counter(metric_table.MEDIA_BYTES, tenant=tenant)
        self._stages: dict[str, Histogram] = {}

    def of(self, tenant_id: str) -> GatewayMetrics:
        """What a tenant's sessions are told to. Asked of the one that all began with."""
        tenant = self._labels.of(tenant_id)
        if tenant not in self._by_tenant:
            self._by_tenant[tenant] = GatewayMetrics(self._metrics, self._tracer, self._labels, tenant)
        return self._by_tenant[tenant]

    def session_opened(self) -> None:
        self._sessions.inc()

    def session_ended(self, reason: str) -> None:
        self._sessions.dec()
        self._metrics.counter(metric_table.SESSIONS_ENDED, tenant=self._tenant, reason=reason).inc()

    def client_attached(self) -> None:
        self._clients.inc()

    def client_detached(self) -> None:
        self._clients.dec()

    def time_to_first_frame(self, seconds: float) -> None:
        self._time_to_first_frame.observe(seconds)

    def control_to_frame(self, seconds: float) -> None:
        self._control_to_frame.observe(seconds)

    def control_accepted(self, seconds: float) -> None:
        self._control_accepted.observe(seconds)

    def control_outcome(self, outcome: str) -> None:
        self._metrics.counter(metric_table.CONTROLS, tenant=self._tenant, outcome=outcome).inc()

    def error(self, reason: str) -> None:
        self._metrics.counter(metric_table.ERRORS, tenant=self._tenant, reason=reason).inc()

    def place_asked(self, outcome: str) -> None:
        self._metrics.counter(metric_table.PLACES_ASKED, tenant=self._tenant, outcome=outcome).inc()

    def queue_joined(self) -> None:
        self._metrics.gauge(metric_table.QUEUE_LENGTH, tenant=self._tenant).inc()

    def queue_left(self, outcome: str, waited_s: float) -> None:
        self._metrics.gauge(metric_table.QUEUE_LENGTH, tenant=self._tenant).dec()
        self._metrics.histogram(metric_table.QUEUE_WAIT, tenant=self._tenant).observe(waited_s)
        self.place_asked(outcome)

    def books(self, away_s: float, num_unwritten: int, num_lost: int) -> None:
        """`num_lost`: since it was told last."""
        self._metrics.gauge(metric_table.BOOKS_AWAY).set(away_s)
        self._metrics.gauge(metric_table.BOOK_ENTRIES_UNWRITTEN).set(num_unwritten)
        self._metrics.counter(metric_table.BOOK_ENTRIES_LOST).inc(num_lost)

    def chunk_delivered(self, chunk: DeliveredChunk) -> None:
        self._chunks.inc()
        self._frames.inc(chunk.num_frames)
        self._bytes.inc(chunk.num_bytes)
        if chunk.is_late:
            self._late_chunks.inc()
        self._slack.observe(max(0.0, chunk.due_s - chunk.arrived_s - chunk.encode_seconds))
        self._observe_stage("media_encode", chunk.encode_seconds)
        for stage, seconds in chunk.stage_seconds.items():
            self._observe_stage(stage, seconds)
        self._tracer.record(chunk)

    def _observe_stage(self, stage: str, seconds: float) -> None:
        child = self._stages.get(stage)
        if child is None:
            child = self._stages[stage] = self._metrics.histogram(metric_table.CHUNK_STAGE, stage=stage)
        child.observe(seconds)


class WorkerMetrics:
    """What the workers of one process measure. Called from the threads that own the models."""

    def __init__(self, metrics: ProcessMetrics) -> None:
        self._metrics = metrics
        self._slots_used = metrics.gauge(metric_table.SLOTS_USED)
        self._slots_capacity = metrics.gauge(metric_table.SLOTS_CAPACITY)
        self._state_bytes = metrics.gauge(metric_table.STATE_BYTES)
        self._parked = metrics.gauge(metric_table.PARKED)
        self._parked_bytes = metrics.gauge(metric_table.PARKED_BYTES)
        self._wakes = metrics.histogram(metric_table.SESSION_WAKE)
        self._level = metrics.gauge(metric_table.DEGRADATION)
        self._degradations = metrics.counter(metric_table.DEGRADATIONS)
        self._level_idx = 0
        self._batch = metrics.histogram(metric_table.STEP_BATCH)
        self._lag = metrics.histogram(metric_table.STEP_LAG)
        self._slips = metrics.counter(metric_table.SESSION_SLIPS)
        self._saves = metrics.histogram(metric_table.SNAPSHOT_SAVE)
        self._failed_saves = metrics.counter(metric_table.SNAPSHOT_FAILURES)
        self._spooled = metrics.gauge(metric_table.JOURNAL_SPOOLED)
        self._stages: dict[str, tuple[Histogram, Counter]] = {}

    def stage_called(self, stage: str, seconds: float, cpu_seconds: float) -> None:
        calls, cpu = self._measures(stage)
        calls.observe(seconds)
        cpu.inc(cpu_seconds)

    def stage_opened(self, stage: str, cpu_seconds: float) -> None:
        _, cpu = self._measures(stage)
        cpu.inc(cpu_seconds)

    def _measures(self, stage: str) -> tuple[Histogram, Counter]:
        if (measures := self._stages.get(stage)) is None:
            measures = self._stages[stage] = (
                self._metrics.histogram(metric_table.WORKER_STAGE, stage=stage),
                self._metrics.counter(metric_table.WORKER_STAGE_CPU, stage=stage),
            )
        return measures

    def batch_stepped(self, num_sessions: int, lag_s: float) -> None:
        self._batch.observe(num_sessions)
        self._lag.observe(max(0.0, lag_s))

    def slots(self, num_used: int, num_slots: int) -> None:
        self._slots_used.set(num_used)
        self._slots_capacity.set(num_slots)

    def state_bytes(self, num_bytes: int) -> None:
        self._state_bytes.set(num_bytes)

    def parked(self, num_sessions: int, num_bytes: int) -> None:
        self._parked.set(num_sessions)
        self._parked_bytes.set(num_bytes)

    def sessions_woken(self, num_sessions: int, seconds: float) -> None:
        self._wakes.observe(seconds)

    def profile(self, name: str) -> None:
        self._metrics.gauge(metric_table.PROFILE, profile=name).set(1)

    def degraded(self, level_idx: int) -> None:
        self._level.set(level_idx)
        if level_idx > self._level_idx:
            self._degradations.inc()
        self._level_idx = level_idx

    def control_settled(self, outcome: str) -> None:
        self._metrics.counter(metric_table.WORKER_CONTROLS, outcome=outcome).inc()

    def session_slipped(self) -> None:
        self._slips.inc()

    def stage_failed(self, stage: str) -> None:
        self._metrics.counter(metric_table.STAGE_FAILURES, stage=stage).inc()

    def snapshot_saved(self, seconds: float) -> None:
        self._saves.observe(seconds)

    def snapshot_failed(self) -> None:
        self._failed_saves.inc()

    def records_spooled(self, num_records: int) -> None:
        self._spooled.set(num_records)


def _observe_heap(registry: CollectorRegistry) -> None:
    """Read when a scrape asks."""

    def bytes_of(row: MetricRow) -> float:
        heap = read_heap()
        assert heap is not None, "told before"
        return float(heap.in_use_bytes if row is metric_table.HEAP_IN_USE else heap.free_bytes)

    for row in metric_table.HEAP_ROWS:
        Gauge(row.name, row.help, registry=registry).set_function(partial(bytes_of, row))


def _make(row: MetricRow, registry: CollectorRegistry) -> _Metric:
    arguments: dict[str, Any] = {"labelnames": row.labels, "registry": registry}
    match row.kind:
        case MetricKind.COUNTER:
            return Counter(row.name, row.help, **arguments)
        case MetricKind.GAUGE:
            return Gauge(row.name, row.help, **arguments)
        case MetricKind.HISTOGRAM:
            return Histogram(row.name, row.help, buckets=row.buckets, **arguments)
