"""The other process of a lane, to be killed: a decoder worker, or a transformer worker that sends for ever.

python -m tests.integration.stages.lane_peer ROUTE [ADDRESS]
"""

from __future__ import annotations

import asyncio
import sys

from serving.stages.host import StageHost, WorkerConfig
from serving.stages.routes import Route, transport_by
from serving.stages.stage import DECODERS
from serving.stages.transport import DecoderOpening
from tests.fakes_model import FakeModel
from tests.unit.serving.stages.test_decoder import latents

SEND_EVERY_S = 0.02


async def decode(route: Route) -> None:
    host = StageHost(FakeModel(), WorkerConfig(stages=DECODERS, latents=route))
    await host.load()
    await host.listen()
    print(host.stream_address, flush=True)  # noqa: T201
    await asyncio.Event().wait()


async def send(route: Route, address: str) -> None:
    opening = DecoderOpening(session_id="a", seed=3)
    async with transport_by(route, address, "127.0.0.1").connect(opening, sys.exit) as link:
        chunk_idx = 0
        while True:
            link.send(latents(chunk_idx))
            chunk_idx += 1
            await asyncio.sleep(SEND_EVERY_S)
            if link._lane.is_ready and chunk_idx % 10 == 0:  # pyright: ignore[reportAttributeAccessIssue]
                print("carried", flush=True)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(send(Route(sys.argv[1]), sys.argv[2]) if len(sys.argv) > 2 else decode(Route(sys.argv[1])))
