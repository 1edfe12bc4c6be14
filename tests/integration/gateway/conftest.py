"""A gateway on a loopback port with fake workers behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import grpc.aio
import pytest

from serving.gateway.config import GatewayConfig
from serving.gateway.server import GatewayServer
from tests.fakes import FakeWorldPlane
from tests.integration.gateway.harness import QUICK, Gateway, Recorder, StartGateway


@pytest.fixture
async def start_gateway() -> AsyncIterator[StartGateway]:
    async with AsyncExitStack() as stack:

        async def start(
            *, plane: FakeWorldPlane | None = None, channel_options: Any = None, **settings: Any
        ) -> Gateway:
            plane = plane or FakeWorldPlane(info=QUICK)
            config = GatewayConfig(**{"port": 0, "drain_s": 0.05, **settings})
            metrics = Recorder()
            server = await stack.enter_async_context(GatewayServer(plane, config, metrics))
            channel = await stack.enter_async_context(
                grpc.aio.insecure_channel(server.address, options=channel_options)
            )
            return Gateway(server=server, plane=plane, metrics=metrics, channel=channel)

        yield start


@pytest.fixture
async def gateway(start_gateway: StartGateway) -> Gateway:
    return await start_gateway()
