"""The whole service on Ray Serve: builds the application from settings, starts it, drains it."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from typing import Any

import ray
from ray import serve
from ray.exceptions import RayError
from ray.serve import Application, Deployment
from ray.serve.config import RequestRouterConfig
from ray.serve.exceptions import RayServeException
from ray.serve.handle import DeploymentHandle
from ray.serve.schema import LoggingConfig

from serving.cluster.gateway import Gateway, GatewaySettings
from serving.cluster.gpus import actor_options, gpus_of
from serving.cluster.router import TurnsRouter
from serving.cluster.worker import StageWorker, WorkerSettings
from serving.config import ServiceConfig
from serving.observing import observing_config
from serving.stages.secret import new_secret
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
ANSWER_TIMEOUT_S = 30.0
# One event loop in each replica. Serve has a loop for what calls it, one for what it calls and one for handles, with a
# gRPC server or channel on each, and gRPC wakes all of them for whatever comes to one (grpc/grpc#25364): the threads of
# the others took 0.2 ms of processor with every chunk. A handle that is used outside of a loop, as by whoever starts
# the service, needs a loop of its own, so this is not in that process's environment.
REPLICA_ENVIRONMENT = {
    "RAY_SERVE_RUN_USER_CODE_IN_SEPARATE_THREAD": "0",
    "RAY_SERVE_RUN_ROUTER_IN_SEPARATE_LOOP": "0",
}
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
    workers: tuple[DeploymentHandle, ...]
    address: str
    web_address: str  # "http://..."; empty where it is off
    metrics_addresses: tuple[str, ...]

    def drain(self, timeout_s: float) -> None:
        """Warn clients, end sessions, stop answering; then stop the workers. Whoever is dead, or does not answer in
        time, keeps nobody else from ending in order."""
        give_up_s = time.monotonic() + timeout_s
        for deployment in (self.gateway, *self.workers):
            # To all replicas: Serve would look for one that is free for as long as none answers.
            draining = deployment.broadcast("drain")
            try:
                answers = draining.results(timeout_s=max(0.0, give_up_s - time.monotonic()), return_exceptions=True)
            except (TimeoutError, RayError, RayServeException) as error:
                answers = [error]
            for answer in answers:
                if isinstance(answer, Exception):
                    logger.warning("%s did not end in order: %s", deployment.deployment_name, str(answer) or "too slow")


def start_service(config: ServiceConfig) -> RunningService:
    """Start the service on the Ray node that is up; ready on return. It ends with the node.

    Raises RuntimeError, with the reason, when a replica cannot start or there are fewer GPUs than workers want.
    """
    gpus = gpus_of(config, ray.cluster_resources().get("GPU", 0.0))
    serve.start(proxy_location="Disabled", logging_config=LoggingConfig(log_level="WARNING", enable_access_log=False))
    secret = new_secret()  # of this start, known to the processes that are given it here
    workers = [_worker(config, index, secret, gpus[index]) for index in range(len(config.processes))]
    settings = GatewaySettings(
        gateway=config.gateway_config,
        web=config.web_config,
        observing=observing_config(config),
        storage=config.storage,
        processes=config.processes,
        secret=secret,
    )
    application = _deployment(Gateway, "Gateway").bind(settings, *workers)
    try:
        handle = serve.run(application, name=APPLICATION, route_prefix=None)
    except RuntimeError as error:
        raise RuntimeError(_why_not() or str(error)) from error
    return _running(handle, config)


def _why_not() -> str:
    """What the deployments that did not start say."""
    deployments = serve.status().applications[APPLICATION].deployments
    messages = [f"{name}: {each.message}" for name, each in deployments.items() if each.status != "HEALTHY"]
    return "\n".join(messages)


def _worker(config: ServiceConfig, index: int, secret: str, gpus: float) -> Application:
    stages = config.processes[index]
    settings = WorkerSettings(
        model=config.model,
        profile=config.profile,
        tuning=config.tuning,
        worker=replace(config.worker_config(stages), secret=secret),
        # Replicas cannot share a port.
        metrics_port=config.metrics_port + 1 + index if config.metrics_port and config.replicas == 1 else 0,
    )
    router = RequestRouterConfig(request_router_class=TurnsRouter)  # pyright: ignore[reportArgumentType]
    deployment = _deployment(
        StageWorker, _name(stages), gpus, num_replicas=config.replicas, request_router_config=router
    )
    return deployment.bind(settings)


def _deployment(cls: Any, name: str, gpus: float = 0.0, **options: Any) -> Deployment:
    make = serve.deployment(
        name=name,
        max_ongoing_requests=MAX_ONGOING_REQUESTS,
        health_check_period_s=HEALTH_CHECK_PERIOD_S,
        health_check_timeout_s=HEALTH_CHECK_TIMEOUT_S,
        graceful_shutdown_timeout_s=SHUTDOWN_TIMEOUT_S,
        graceful_shutdown_wait_loop_s=SHUTDOWN_POLL_S,
        ray_actor_options={
            "num_cpus": REPLICA_CPUS,
            "runtime_env": {"env_vars": REPLICA_ENVIRONMENT},
            **actor_options(gpus),
        },
        **options,
    )
    return make(cls)


def _running(handle: DeploymentHandle, config: ServiceConfig) -> RunningService:
    workers = tuple(serve.get_deployment_handle(_name(stages), APPLICATION) for stages in config.processes)
    gateway, *others = [each for deployment in (handle, *workers) for each in _addresses(deployment)]
    return RunningService(
        gateway=handle,
        workers=workers,
        address=gateway["address"],
        web_address=gateway["web_address"],
        metrics_addresses=tuple(each["metrics_address"] for each in (gateway, *others)),
    )


def _addresses(handle: DeploymentHandle) -> list[dict[str, str]]:
    """Of every replica."""
    return handle.broadcast("addresses").results(timeout_s=ANSWER_TIMEOUT_S)


def _name(stages: frozenset[Stage]) -> str:
    return "+".join(NAMES[stage] for stage in Stage if stage in stages)
