"""Stage times out of real metrics pages."""

from __future__ import annotations

import pytest
from prometheus_client import generate_latest

from bench.scrape import HistogramTotals, StageTotals, parse_heap, parse_stages, read_stages
from bench.service import HOST, ServiceError
from observability.metric_table import CHUNK_STAGE, GATEWAY_ROWS, WORKER_ROWS, WORKER_STAGE, WORKER_STAGE_CPU
from observability.metrics import ProcessMetrics
from tests.ports import free_port


def observe(process: ProcessMetrics, stage: str, *seconds: float) -> None:
    for each in seconds:
        process.histogram(CHUNK_STAGE, stage=stage).observe(each)


def page_of(process: ProcessMetrics) -> str:
    return generate_latest(process.registry).decode()


def test_the_play_alone_is_counted_by_subtracting_what_was_before() -> None:
    process = ProcessMetrics(GATEWAY_ROWS)
    observe(process, "transformer", 5.0, 5.0)
    observe(process, "warm_up", 9.0)
    before = parse_stages([page_of(process)])
    observe(process, "transformer", 0.02, 0.04)
    observe(process, "video_decoder", 0.004)
    played = parse_stages([page_of(process)]) - before
    assert played.seconds_per_chunk == pytest.approx({"transformer": 0.03, "video_decoder": 0.004})


def test_several_gateways_add_up() -> None:
    one, other = ProcessMetrics(GATEWAY_ROWS), ProcessMetrics(GATEWAY_ROWS)
    observe(one, "transformer", 0.02)
    observe(other, "transformer", 0.04)
    totals = parse_stages([page_of(one), page_of(other)])
    assert totals.stages["transformer"].count == 2
    assert totals.seconds_per_chunk == pytest.approx({"transformer": 0.03})
    assert parse_stages([page_of(one)]) + parse_stages([page_of(other)]) == totals


def test_steps_of_the_transformers_are_counted_in_the_workers() -> None:
    worker = ProcessMetrics(WORKER_ROWS)
    for stage in ("encoder", "transformer", "transformer", "video_decoder"):
        worker.histogram(WORKER_STAGE, stage=stage).observe(0.01)
    page = page_of(worker)
    assert parse_stages([page]).num_steps == 2
    assert (parse_stages([page, page]) - parse_stages([page])).num_steps == 2
    assert (parse_stages([page]) + parse_stages([page])).num_steps == 4


def test_processor_time_of_all_stages_is_added_up() -> None:
    worker = ProcessMetrics(WORKER_ROWS)
    for stage, cpu_s in (("transformer", 0.5), ("video_decoder", 0.25)):
        worker.counter(WORKER_STAGE_CPU, stage=stage).inc(cpu_s)
    page = page_of(worker)
    assert parse_stages([page]).model_cpu_s == 0.75
    assert (parse_stages([page, page]) - parse_stages([page])).model_cpu_s == 0.75
    assert (parse_stages([page]) + parse_stages([page])).model_cpu_s == 1.5


def test_what_a_process_holds_of_its_heap_is_read_where_it_tells() -> None:
    page = page_of(ProcessMetrics(GATEWAY_ROWS))
    heap = parse_heap(page)
    assert heap is not None
    assert heap.in_use_bytes > heap.free_bytes / 100 > 0
    assert parse_heap("\n".join(line for line in page.splitlines() if "heap" not in line)) is None


def test_pages_are_read_over_http() -> None:
    process = ProcessMetrics(GATEWAY_ROWS)
    observe(process, "transformer", 0.02)
    port = process.serve(0)
    try:
        assert read_stages([f"http://127.0.0.1:{port}/metrics"]).stages["transformer"].count == 1
    finally:
        process.close()


def test_an_endpoint_that_does_not_answer_is_the_services_failure() -> None:
    with pytest.raises(ServiceError, match="no metrics at"):
        read_stages([f"http://{HOST}:{free_port()}/metrics"])


def test_no_chunks_are_no_stages() -> None:
    assert parse_stages([]) == StageTotals()
    assert parse_stages([page_of(ProcessMetrics(GATEWAY_ROWS))]).seconds_per_chunk == {}


INFINITY = float("inf")


def test_a_percentile_is_found_within_its_bucket() -> None:
    totals = HistogramTotals(count=100, sum=1.0, buckets={0.01: 50.0, 0.02: 100.0, INFINITY: 100.0})
    assert totals.percentile(50) == pytest.approx(0.01)
    assert totals.percentile(75) == pytest.approx(0.015)


def test_a_percentile_beyond_the_last_edge_is_that_edge() -> None:
    totals = HistogramTotals(count=100, sum=1.0, buckets={0.01: 50.0, INFINITY: 100.0})
    assert totals.percentile(99) == pytest.approx(0.01)
    assert HistogramTotals().percentile(99) is None
