"""The whole service in one process: gateway and stages, without Ray."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from serving.catalogue.plane import catalogued
from serving.config import ServiceConfig
from serving.gateway.server import GatewayServer
from serving.local import LocalPlane
from serving.long_lived import loaded
from serving.models import load_model
from serving.observing import observe_all, observing_config
from serving.stages.stage import Stage
from serving.warm_up import warm_up
from serving.web.server import add_web


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalService:
    address: str
    metrics_address: str
    web_address: str  # "http://..."; empty where it is off


@asynccontextmanager
async def serve_local(config: ServiceConfig) -> AsyncIterator[LocalService]:
    """Run the service as long as the block; ready when it begins, drained when it ends."""
    # Before torch is imported: OpenMP reads them once.
    os.environ["OMP_NUM_THREADS"] = str(config.threads)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    observation, worker_metrics = observe_all(observing_config(config))
    worker = config.worker_config(frozenset(Stage))
    try:
        async with (
            LocalPlane(
                load_model(config.model, config.profile, config.tuning), worker, metrics=worker_metrics
            ) as plane,
            catalogued(plane, config.storage) as kept,
        ):
            await warm_up(plane)
            server = GatewayServer(
                kept, config.gateway_config, observation.metrics, is_traced=observation.is_traced, catalogue=kept
            )
            web = add_web(server, config.web_config, observation.render)
            with loaded():
                async with server:
                    yield LocalService(
                        address=server.address,
                        metrics_address=observation.address,
                        web_address=web.address if web is not None else "",
                    )
    finally:
        observation.close()
