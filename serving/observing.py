"""Metrics and spans of one process, made from its settings."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from prometheus_client import generate_latest

from observability.metric_table import GATEWAY_ROWS, GPU_ROWS, WORKER_ROWS
from observability.metrics import GatewayMetrics, ProcessMetrics, WorkerMetrics
from observability.tenants import TenantLabels
from observability.tracing import ChunkTracer, SpanDestination, TracingConfig, default_destination
from serving.config import ServiceConfig

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservingConfig:
    metrics_port: int
    trace_file: str
    trace_ratio: float
    max_tenants: int  # with metrics of their own
    environment: dict[str, str]  # the standard OTEL_* variables

    @property
    def tracing(self) -> TracingConfig:
        if self.trace_file:
            file = Path(self.trace_file)
            return TracingConfig(destination=SpanDestination.FILE, file=file, session_ratio=self.trace_ratio)
        return TracingConfig(destination=default_destination(self.environment), session_ratio=self.trace_ratio)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerObservation:
    metrics: WorkerMetrics
    address: str  # host:port of the metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayObservation:
    metrics: GatewayMetrics
    address: str
    is_traced: Callable[[str], bool]
    render: Callable[[], bytes]  # the metrics as Prometheus reads them; takes milliseconds
    close: Callable[[], None]


def observing_config(config: ServiceConfig) -> ObservingConfig:
    return ObservingConfig(
        metrics_port=config.metrics_port,
        trace_file=config.trace_file,
        trace_ratio=config.trace_ratio,
        max_tenants=config.metrics_tenants,
        environment={name: value for name, value in os.environ.items() if name.startswith("OTEL_")},
    )


def observe_worker(metrics_port: int) -> WorkerObservation:
    process = ProcessMetrics(WORKER_ROWS)
    return WorkerObservation(metrics=WorkerMetrics(process), address=_serve(process, metrics_port))


def observe_gateway(config: ObservingConfig) -> GatewayObservation:
    process = ProcessMetrics((*GATEWAY_ROWS, *GPU_ROWS))
    return _gateway_observation(process, config)


def observe_all(config: ObservingConfig) -> tuple[GatewayObservation, WorkerMetrics]:
    """For a process that is gateway and worker at once."""
    process = ProcessMetrics((*GATEWAY_ROWS, *WORKER_ROWS, *GPU_ROWS))
    return _gateway_observation(process, config), WorkerMetrics(process)


def _gateway_observation(process: ProcessMetrics, config: ObservingConfig) -> GatewayObservation:
    tracer = ChunkTracer(config.tracing)

    def close() -> None:
        tracer.close()
        process.close()

    return GatewayObservation(
        metrics=GatewayMetrics(process, tracer, TenantLabels(config.max_tenants)),
        address=_serve(process, config.metrics_port),
        is_traced=tracer.is_sampled,
        render=partial(generate_latest, process.registry),
        close=close,
    )


def _serve(process: ProcessMetrics, port: int) -> str:
    """On `port`, or on any free one where that is taken: a second replica on the machine is no error."""
    try:
        return f"{HOST}:{process.serve(port, HOST)}"
    except OSError:
        logger.warning("metrics port %d is taken", port)
        return f"{HOST}:{process.serve(0, HOST)}"
