"""The gateway's calls show up in what Prometheus reads."""

from __future__ import annotations

import socket
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pytest

from observability import metrics
from observability.gpu import Gpu
from observability.heap import read_heap
from observability.metric_table import (
    GATEWAY_ROWS,
    GPU_ROWS,
    HEAP_FREE,
    HEAP_IN_USE,
    HEAP_ROWS,
    SESSIONS,
    SLOTS_USED,
    TABLE,
    WORKER_ROWS,
)
from observability.metrics import GatewayMetrics, ProcessMetrics, WorkerMetrics
from observability.tenants import TenantLabels


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    session_id: str = "s1"
    chunk_idx: int = 0
    num_frames: int = 1
    num_bytes: int = 1_000
    is_late: bool = False
    arrived_s: float = 100.0
    due_s: float = 100.05
    sent_s: float = 100.05
    encode_seconds: float = 0.001
    stage_seconds: Mapping[str, float] = field(default_factory=lambda: {"denoise": 0.02, "video_decode": 0.003})
    request_id: str = "r1"


@pytest.fixture
def process() -> Iterator[ProcessMetrics]:
    metrics = ProcessMetrics(GATEWAY_ROWS)
    yield metrics
    metrics.close()


def value(process: ProcessMetrics, name: str, **labels: str) -> float | None:
    return process.registry.get_sample_value(name, labels)


def test_every_row_of_the_table_can_be_made() -> None:
    process = ProcessMetrics(TABLE)
    names = {family.name for family in process.registry.collect()}
    expected = {row.name.removesuffix("_total") for row in TABLE if row not in GPU_ROWS}
    assert expected <= names


def test_every_process_tells_of_its_heap(process: ProcessMetrics) -> None:
    assert (before := read_heap()) is not None, "this C library tells"
    told_before = value(process, HEAP_IN_USE.name)
    held = bytes(32 << 20)
    told, free_bytes = value(process, HEAP_IN_USE.name), value(process, HEAP_FREE.name)
    assert told is not None
    assert told_before is not None
    assert free_bytes is not None
    assert told - told_before == pytest.approx(len(held), rel=0.1)
    assert told_before == pytest.approx(before.in_use_bytes, rel=0.1)


def test_where_the_c_library_does_not_tell_of_the_heap_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert read_heap() is None
    assert not {row.name for row in HEAP_ROWS} & {each.name for each in ProcessMetrics(TABLE).registry.collect()}


def test_gpu_rows_are_read_from_the_gpus_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    gpus: tuple[Gpu, ...] = (Gpu(0, "H200", handle=None),)
    monkeypatch.setattr(metrics, "find_gpus", lambda: gpus)
    collected = {family.name for family in ProcessMetrics(GPU_ROWS).registry.collect()}
    assert {row.name for row in GPU_ROWS} <= collected
    gpus = ()
    assert not {row.name for row in GPU_ROWS} & {each.name for each in ProcessMetrics(GPU_ROWS).registry.collect()}


def test_delivered_chunks_are_counted_with_their_frames_bytes_and_stages(process: ProcessMetrics) -> None:
    gateway = GatewayMetrics(process)
    gateway.chunk_delivered(Chunk())
    gateway.chunk_delivered(Chunk(chunk_idx=1, num_frames=2, is_late=True, arrived_s=100.2))
    assert value(process, "nacre_chunks_delivered_total", tenant="default") == 2
    assert value(process, "nacre_frames_delivered_total", tenant="default") == 3
    assert value(process, "nacre_media_delivered_bytes_total", tenant="default") == 2_000
    assert value(process, "nacre_late_chunks_total", tenant="default") == 1
    assert value(process, "nacre_chunk_stage_seconds_sum", stage="denoise") == pytest.approx(0.04)
    assert value(process, "nacre_chunk_stage_seconds_count", stage="media_encode") == 2
    assert value(process, "nacre_chunk_slack_seconds_sum") == pytest.approx(0.049)


def test_a_latency_at_the_objective_counts_as_met(process: ProcessMetrics) -> None:
    gateway = GatewayMetrics(process)
    for seconds in (0.1, 0.21, 0.2101):
        gateway.control_to_frame(seconds)
    gateway.time_to_first_frame(2.0)
    gateway.control_accepted(0.02)
    assert value(process, "nacre_control_to_frame_seconds_bucket", tenant="default", le="0.21") == 2
    assert value(process, "nacre_time_to_first_frame_seconds_bucket", tenant="default", le="2.0") == 1
    assert value(process, "nacre_control_accepted_seconds_bucket", tenant="default", le="0.02") == 1


def test_sessions_and_clients_go_up_and_down(process: ProcessMetrics) -> None:
    gateway = GatewayMetrics(process)
    gateway.session_opened()
    gateway.session_opened()
    gateway.client_attached()
    gateway.client_detached()
    gateway.session_ended("REQUESTED")
    assert value(process, "nacre_sessions", tenant="default") == 1
    assert value(process, "nacre_clients", tenant="default") == 0
    assert value(process, "nacre_sessions_ended_total", tenant="default", reason="REQUESTED") == 1


def test_b12_tenants_are_told_apart_up_to_a_number_and_the_rest_is_one(process: ProcessMetrics) -> None:
    gateway = GatewayMetrics(process, labels=TenantLabels(max_tenants=2))
    for tenant_id in ("acme", "other", "third", "fourth", "acme"):
        gateway.of(tenant_id).session_opened()
    gateway.of("third").chunk_delivered(Chunk())
    gateway.of("default").session_opened()
    counted = {name: value(process, "nacre_sessions", tenant=name) for name in ("default", "acme", "other", "_other")}
    assert counted == {"default": 1, "acme": 2, "other": 1, "_other": 2}
    assert value(process, "nacre_sessions", tenant="third") is None
    assert value(process, "nacre_chunks_delivered_total", tenant="_other") == 1


def test_controls_and_errors_are_counted_by_what_became_of_them(process: ProcessMetrics) -> None:
    gateway = GatewayMetrics(process)
    gateway.control_outcome("applied")
    gateway.control_outcome("applied")
    gateway.error("TEXT_EMPTY")
    gateway.of("acme").error("TEXT_EMPTY")
    gateway.of("").error("UNAUTHENTICATED")
    assert value(process, "nacre_controls_total", tenant="default", outcome="applied") == 2
    assert value(process, "nacre_errors_total", tenant="default", reason="TEXT_EMPTY") == 1
    assert value(process, "nacre_errors_total", tenant="acme", reason="TEXT_EMPTY") == 1
    assert value(process, "nacre_errors_total", tenant="_nobody", reason="UNAUTHENTICATED") == 1


def test_the_queue_is_measured_by_tenant(process: ProcessMetrics) -> None:
    gateway = GatewayMetrics(process).of("acme")
    gateway.place_asked("at_once")
    gateway.queue_joined()
    gateway.queue_joined()
    gateway.queue_left("admitted", 1.5)
    assert value(process, "nacre_queue_waiting_sessions", tenant="acme") == 1
    assert value(process, "nacre_queue_wait_seconds_bucket", tenant="acme", le="2.0") == 1
    assert value(process, "nacre_queue_wait_seconds_bucket", tenant="acme", le="1.0") == 0
    asked = {
        each: value(process, "nacre_queue_asked_total", tenant="acme", outcome=each) for each in ("at_once", "admitted")
    }
    assert asked == {"at_once": 1, "admitted": 1}


def test_a_worker_tells_of_its_slots_its_steps_and_what_went_wrong() -> None:
    process = ProcessMetrics(WORKER_ROWS)
    worker = WorkerMetrics(process)
    worker.slots(3, 4)
    worker.stage_opened("transformer", 0.1)
    worker.stage_called("transformer", 0.03, 0.02)
    worker.batch_stepped(2, -0.01)
    worker.batch_stepped(3, 0.02)
    worker.control_settled("superseded")
    worker.session_slipped()
    worker.stage_failed("video_decoder")
    assert value(process, "nacre_slots_used") == 3
    assert value(process, "nacre_slots_capacity") == 4
    assert value(process, "nacre_worker_stage_seconds_sum", stage="transformer") == pytest.approx(0.03)
    assert value(process, "nacre_worker_stage_seconds_count", stage="transformer") == 1
    assert value(process, "nacre_worker_stage_cpu_seconds_total", stage="transformer") == pytest.approx(0.12)
    assert value(process, "nacre_step_batch_sessions_sum") == 5
    assert value(process, "nacre_step_lag_seconds_sum") == pytest.approx(0.02)
    assert value(process, "nacre_worker_controls_total", outcome="superseded") == 1
    assert value(process, "nacre_session_slips_total") == 1
    assert value(process, "nacre_stage_failures_total", stage="video_decoder") == 1


def test_two_processes_worth_of_metrics_do_not_share_anything() -> None:
    one, other = ProcessMetrics(GATEWAY_ROWS), ProcessMetrics(GATEWAY_ROWS)
    one.gauge(SESSIONS, tenant="acme").inc()
    assert value(other, "nacre_sessions", tenant="acme") is None


def test_a_metric_the_process_does_not_have_is_a_defect(process: ProcessMetrics) -> None:
    with pytest.raises(KeyError):
        process.gauge(SLOTS_USED)


def test_they_are_read_over_http_on_a_port_of_their_own(process: ProcessMetrics) -> None:
    GatewayMetrics(process).session_opened()
    port = process.serve(0)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as response:
        page = response.read().decode()
    assert 'nacre_sessions{tenant="default"} 1.0' in page
    assert "process_resident_memory_bytes" in page


def test_a_taken_port_is_an_error(process: ProcessMetrics) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            process.serve(taken.getsockname()[1])


def test_a_closed_port_is_free_again(process: ProcessMetrics) -> None:
    port = process.serve(0)
    process.close()
    assert process.serve(port) == port
