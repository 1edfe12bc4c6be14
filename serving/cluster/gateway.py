"""The gateway's deployment: a replica that binds its own gRPC port."""

from __future__ import annotations

import asyncio
import dataclasses
import logging

from ray.serve.handle import DeploymentHandle

from serving.allocator import give_back_regularly
from serving.catalogue.plane import catalogued
from serving.catalogue.storage import StorageConfig
from serving.cluster.placer import ServePlacer
from serving.cluster.replica_port import bind_to_node
from serving.errors import UnavailableError
from serving.gateway.config import GatewayConfig
from serving.gateway.server import GatewayServer
from serving.log_lines import write_log_lines
from serving.long_lived import settle
from serving.observing import GatewayObservation, ObservingConfig, observe_gateway
from serving.stages.remote import RemotePlane
from serving.stages.stage import Stage
from serving.warm_up import warm_up
from serving.web.config import WebConfig
from serving.web.server import add_web

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    gateway: GatewayConfig
    web: WebConfig
    observing: ObservingConfig
    storage: StorageConfig
    # In the order of the handles: Serve replaces handles only where they are arguments.
    processes: tuple[frozenset[Stage], ...]
    secret: str = dataclasses.field(default="", repr=False)  # what its workers ask for


class Gateway:
    """Warms the workers up, then answers clients until drained."""

    async def __init__(self, settings: GatewaySettings, *handles: DeploymentHandle) -> None:
        bind_to_node()
        write_log_lines()
        self._settings = settings
        self._placer = ServePlacer(dict(zip(settings.processes, handles, strict=True)))
        self._is_ready = asyncio.Event()
        self._is_stopping = asyncio.Event()
        self._addresses: dict[str, str] = {}
        # The one task without a group around it: it hosts the groups, from here to `drain`.
        self._host_task = asyncio.create_task(self._run(), name="gateway")
        await asyncio.wait([self._host_task, asyncio.create_task(self._is_ready.wait())], return_when="FIRST_COMPLETED")
        if self._host_task.done():
            self._host_task.result()

    async def addresses(self) -> dict[str, str]:
        """Where clients and Prometheus find it."""
        return self._addresses

    async def check_health(self) -> None:
        if self._host_task.done() and not self._is_stopping.is_set():
            raise UnavailableError("the gateway's server has stopped")

    async def drain(self) -> None:
        """Warn clients, end sessions, stop answering."""
        self._is_stopping.set()
        await asyncio.wait([self._host_task])

    async def _run(self) -> None:
        observation: GatewayObservation = observe_gateway(self._settings.observing)
        async with (
            RemotePlane(await self._placer.info(), self._placer, self._settings.secret) as plane,
            catalogued(plane, self._settings.storage) as kept,
        ):
            await warm_up(plane)
            server = GatewayServer(
                kept, self._settings.gateway, observation.metrics, is_traced=observation.is_traced, catalogue=kept
            )
            web = add_web(server, self._settings.web, observation.render)
            settle()
            give_back_regularly()
            async with server:
                self._addresses = {
                    "address": server.address,
                    "metrics_address": observation.address,
                    "web_address": web.address if web is not None else "",
                }
                self._is_ready.set()
                await self._is_stopping.wait()
        observation.close()
