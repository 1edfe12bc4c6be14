"""The pictures beside the page's starters: each world played for a moment, as whoever chooses it will see it.

python -m bench.starters && make page      what is served holds them too
"""

from __future__ import annotations

import asyncio
import json
import math
from pathlib import Path
from typing import Annotated, Any

import typer
from PIL import Image

import nacre
from bench.hardware import ROOT
from bench.service import RunningService, ServiceConfig
from bench.stopping import Stopper

PAGE = ROOT / "serving" / "web" / "page"
LIST = PAGE / "src" / "starters.json"
LOG = ROOT / "out" / "bench" / "starters.log"
# A world settles in its first second: what was asked for comes along a curve.
SETTLE_S = 1.2


app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)


async def picture_of(client: nacre.Client, starter: dict[str, Any]) -> Image.Image:
    """The last frame after a walk of `walk_s` and a turn of `turn_s` (to the left below zero)."""
    words = {name: starter[name] for name in ("prompt", "character", "scene") if name in starter}
    session = await client.create(seed=starter["seed"], **words)
    walk_s, turn_s = starter.get("walk_s", 0.0), starter.get("turn_s", 0.0)
    async with session.enter(video="rgb", audio="pcm") as world:
        world.move(forward=1.0 if walk_s else 0.0)
        world.look(yaw=math.copysign(0.5, turn_s) if turn_s else 0.0)
        chunk_s = world.capabilities.chunk_duration_s
        async for chunk in world:
            at_s = chunk.index * chunk_s
            if at_s >= max(walk_s, abs(turn_s), SETTLE_S):
                picture = Image.fromarray(chunk.frames[-1].rgb)
                break
        else:
            raise RuntimeError(f"{starter['id']}: the world ended")
    await session.end()
    return picture


async def draw(address: str, only: set[str], folder: Path) -> None:
    async with nacre.connect(address) as client:
        for starter in json.loads(LIST.read_text()):
            if only and starter["id"] not in only:
                continue
            file = folder / f"{starter['id']}.png"
            (await picture_of(client, starter)).save(file, optimize=True)
            print(f"{file.relative_to(ROOT)}: {file.stat().st_size / 1024:.0f} KiB")


@app.command()
def main(
    only: Annotated[list[str] | None, typer.Option(help="Of the ids in starters.json.")] = None,
    folder: Annotated[Path, typer.Option(help="Where to write them.")] = PAGE / "starters",
) -> None:
    """Play every starter and keep what is seen."""
    Stopper().install()
    folder.mkdir(parents=True, exist_ok=True)
    with RunningService(ServiceConfig(log=LOG, arguments=("--local", "--web-port", "off"))) as service:
        asyncio.run(draw(service.address, set(only or ()), folder))


if __name__ == "__main__":
    app()
