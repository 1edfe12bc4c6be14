"""The whole service on Ray Serve: builds the application from settings, starts it, drains it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ray import serve
from ray.serve.handle import DeploymentHandle
from ray.serve.schema import LoggingConfig

from serving.cluster.gateway import Gateway, GatewaySettings
from serving.cluster.worker import StageWorker, WorkerSettings
from serving.config import ServiceConfig
from serving.observing import observing_config
from serving.stages.stage import Stage

logger = logging.getLogger(__name__)

APPLICATION = "nacre"
# Placement on a laptop is not a question of cores: the stages take turns.
REPLICA_CPUS = 0.01
# Unary calls only: opening, describing, draining. Sessions run outside of Serve.
MAX_ONGOING_REQUESTS = 256
HEALTH_CHECK_PERIOD_S = 10.0
HEALTH_CHECK_TIMEOUT_S = 30.0
# Draining is ours and over by then.
SHUTDOWN_TIMEOUT_S = 5.0
SHUTDOWN_POLL_S = 0.1
NAMES = {
    Stage.ENCODER: "Encoder",
    Stage.TRANSFORMER: "Transformer",
    Stage.VIDEO_DECODER: "VideoDecoder",
    Stage.AUDIO_DECODER: "AudioDecoder",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningService:
    """What runs, by its handles."""

    gateway: DeploymentHandle
    address: str
    metrics_addresses: tuple[str, ...]

    def drain(self, timeout_s: float) -> None:
        """Warn clients, end sessions, stop answering."""
        self.gateway.options(method_name="drain").remote().result(timeout_s=timeout_s)


@contextmanager
def serve_cluster(config: ServiceConfig) -> Iterator[RunningService]:
    """Run the service on the Ray node that is up, as long as the block. Ready when the block begins."""
    serve.start(proxy_location="Disabled", logging_config=LoggingConfig(log_level="WARNING", enable_access_log=False))
    try:
        workers = [_worker(config, index) for index in range(len(config.processes))]
        settings = GatewaySettings(
            gateway=config.gateway_config, observing=observing_config(config), processes=config.processes
        )
        application = _deployment(Gateway, "Gateway").bind(settings, *workers)
        handle = serve.run(application, name=APPLICATION, route_prefix=None)
        yield _running(handle, config)
    finally:
        serve.shutdown()


def _worker(config: ServiceConfig, index: int):
    stages = config.processes[index]
    settings = WorkerSettings(
        model=config.model,
        worker=config.worker_config(stages),
        metrics_port=config.metrics_port + 1 + index if config.metrics_port else 0,
    )
    name = "+".join(NAMES[stage] for stage in Stage if stage in stages)
    return _deployment(StageWorker, name).bind(settings)


def _deployment(cls: type, name: str):
    return serve.deployment(
        cls,
        name=name,
        num_replicas=1,
        max_ongoing_requests=MAX_ONGOING_REQUESTS,
        health_check_period_s=HEALTH_CHECK_PERIOD_S,
        health_check_timeout_s=HEALTH_CHECK_TIMEOUT_S,
        graceful_shutdown_timeout_s=SHUTDOWN_TIMEOUT_S,
        graceful_shutdown_wait_loop_s=SHUTDOWN_POLL_S,
        ray_actor_options={"num_cpus": REPLICA_CPUS},
    )


def _running(handle: DeploymentHandle, config: ServiceConfig) -> RunningService:
    gateway = handle.options(method_name="addresses").remote().result(timeout_s=10)
    names = ["+".join(NAMES[stage] for stage in Stage if stage in stages) for stages in config.processes]
    workers = [
        serve.get_deployment_handle(name, APPLICATION).options(method_name="addresses").remote().result(timeout_s=10)
        for name in names
    ]
    return RunningService(
        gateway=handle,
        address=gateway["address"],
        metrics_addresses=(gateway["metrics_address"], *(each["metrics_address"] for each in workers)),
    )
