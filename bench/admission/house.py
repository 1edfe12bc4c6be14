"""A service of one process to be measured: `python -m bench.admission.house FOLDER`. Tells its address, then how it is
for every line on its input, as JSON; ends with its input."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer

from serving.access.config import AccessConfig
from serving.access.principal import DEFAULT_TENANT
from serving.access.roles import Role
from serving.admission.limits import AdmissionConfig, Limits
from serving.catalogue.api_keys import ApiKeys
from serving.catalogue.plane import CataloguedPlane, catalogued
from serving.catalogue.storage import prepare_storage, storage_config
from serving.catalogue.workers import Workers
from serving.engine.config import EngineConfig
from serving.gateway.config import GatewayConfig
from serving.gateway.server import GatewayServer
from serving.local import LocalPlane
from serving.models import load_model
from serving.stages.host import WorkerConfig
from serving.stages.stage import Stage

# So high that it is asked for every control, and never reached.
LIMITS = Limits(concurrent_sessions=1_000, session_seconds_per_day=86_400.0 * 1_000, controls_per_second=1e6)

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    folder: Path,
    model: str = "tests.fakes_model:FakeModel",
    slots: int = 2,
    plain: Annotated[bool, typer.Option("--plain", help="Ask nobody who it is, limit nothing, keep no books.")] = False,
) -> None:
    asyncio.run(_serve(folder, model, slots, plain))


async def _serve(folder: Path, model: str, slots: int, plain: bool) -> None:
    storage = storage_config(str(folder))
    prepare_storage(storage)
    worker = WorkerConfig(stages=frozenset(Stage), engine=EngineConfig(num_slots=slots), storage=storage)
    async with AsyncExitStack() as stack:
        plane = await stack.enter_async_context(LocalPlane(load_model(model), worker))
        kept = await stack.enter_async_context(catalogued(plane, storage))
        _, key = ApiKeys(kept.database).create(DEFAULT_TENANT, Role.OWNER)
        access = AccessConfig() if plain else AccessConfig(is_on=True, own_key_file=str(folder / "signing.key"))
        config = GatewayConfig(port=0, drain_s=0.0, access=access, admission=AdmissionConfig(limits=LIMITS))
        server = GatewayServer(kept, config, catalogue=None if plain else kept)
        await stack.enter_async_context(server)
        _tell({"address": server.address, "key": "" if plain else key})
        while await asyncio.to_thread(sys.stdin.readline):
            _tell(await _state(kept, server))


async def _state(kept: CataloguedPlane, server: GatewayServer) -> dict[str, Any]:
    process = psutil.Process()
    workers = await kept.call(Workers(kept.database).latest)
    return {
        "rss_bytes": process.memory_info().rss,
        "num_files": process.num_fds(),
        "num_threads": process.num_threads(),
        "num_tasks": len(asyncio.all_tasks()),
        "num_used_slots": sum(worker.num_used_slots for worker in workers),
        "num_leases": sum(len(Workers(kept.database).sessions_of(worker.worker_id)) for worker in workers),
    }


def _tell(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    app()
