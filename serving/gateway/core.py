"""What a gateway consists of behind its services: threads, places, sessions, books and recordings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from serving.admission.desk import Desk
from serving.catalogue.plane import CataloguedPlane
from serving.gateway.bookkeeping import make_bookkeeper
from serving.gateway.config import GatewayConfig
from serving.gateway.metrics import GatewayMetrics
from serving.gateway.play import Pools
from serving.gateway.recording import make_exports, make_recorder
from serving.gateway.registry import SessionRegistry
from serving.gateway.verbs import SessionVerbs
from serving.sessions.contract import WorldPlane


class GatewayCore:
    """Use `start` and `stop`. Between them sessions can be opened."""

    def __init__(
        self,
        plane: WorldPlane,
        config: GatewayConfig,
        metrics: GatewayMetrics,
        clock: Callable[[], float],
        is_traced: Callable[[str], bool],
        catalogue: CataloguedPlane | None,
    ) -> None:
        """As `GatewayServer`."""
        self.pools = Pools(
            media=ThreadPoolExecutor(config.num_media_threads, "gateway-media"),
            images=ThreadPoolExecutor(config.num_image_threads, "gateway-images"),
        )
        self.desk = Desk(catalogue.database if catalogue else None, config.admission, clock, metrics.of)
        self.registry = SessionRegistry(
            plane, config, metrics, self.pools.media, clock, is_traced, catalogue, self.desk
        )
        self.verbs = SessionVerbs(self.registry, catalogue, clock)
        self.bookkeeper = make_bookkeeper(
            catalogue, self.verbs, config.books, metrics, is_authenticated=config.access.is_on, clock=clock
        )
        self.recorder = make_recorder(catalogue, config, metrics, clock)
        self.exports = make_exports(catalogue, config, self.recorder, clock)
        if catalogue is not None:
            self.registry.region_for = catalogue.region_for
        self.registry.accounts = self.bookkeeper.accounts if self.bookkeeper else None
        self.registry.recorder = self.recorder
        self._host_task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        is_hosting = asyncio.Event()
        # The one task without a group around it: it is the group, owned by this object from start to stop.
        self._host_task = asyncio.create_task(self.registry.host(is_hosting), name="gateway-sessions")
        await is_hosting.wait()
        self.desk.start()
        if self.bookkeeper is not None:
            self.bookkeeper.start()
        if self.recorder is not None:
            self.recorder.start()

    async def stop(self) -> None:
        """The sessions are over, and nobody asks for anything any more."""
        if self._host_task is not None:
            self._host_task.cancel()
            await asyncio.wait([self._host_task])
            self._host_task = None
        await self.desk.close()
        if self.bookkeeper is not None:
            await self.bookkeeper.stop()
        if self.recorder is not None:
            await self.recorder.stop()
        if self.exports is not None:
            self.exports.close()
        for pool in self.pools:
            pool.shutdown(wait=False, cancel_futures=True)
