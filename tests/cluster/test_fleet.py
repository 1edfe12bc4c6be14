"""Two workers on Ray Serve: one is killed, one is drained, the controller dies; the session plays on."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

import nacre
from nacre.resume import ResumePolicy
from tests.cluster.conftest import ROOT, Service, started

pytestmark = pytest.mark.timeout(500)

WAIT_S = 120.0
DRAIN_TIMEOUT_S = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    service: Service
    data_folder: Path

    def nacre(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The operator's command."""
        command = [sys.executable, "-m", "serving.cli.app", *arguments, "--data-folder", str(self.data_folder)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=WAIT_S, check=False)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("fleet")
    data = folder / "data"
    # Of its own choice: a gateway that takes the place of a dead one is to be found where that was.
    arguments = ("--port", str(free_port()), "--slots", "2", "--replicas", "2", "--data-folder", str(data))
    with started(folder / "log", *arguments, "--snapshot-every-chunks", "20") as service:
        yield Pair(service=service, data_folder=data)


@pytest.fixture
async def client(pair: Pair) -> AsyncIterator[nacre.Client]:
    async with nacre.connect(pair.service.address) as client:
        yield client


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def pid_of(worker: nacre.Worker) -> int:
    return int(worker.worker_id.split("-")[-2])


async def workers_that(client: nacre.Client, is_so: Callable[[nacre.Worker], bool], num: int) -> list[nacre.Worker]:
    """So many workers of which it is so, once they are as many: what a worker holds is told once a second."""
    async with asyncio.timeout(WAIT_S):
        while len(found := [each for each in await client.admin.workers() if is_so(each)]) != num:
            await asyncio.sleep(0.2)
    return found


def is_up(worker: nacre.Worker) -> bool:
    return worker.state == "up"


def holds_one(worker: nacre.Worker) -> bool:
    return worker.state in ("up", "draining") and worker.num_used_slots == 1


async def take(world: nacre.World, num_chunks: int) -> list[int]:
    async with asyncio.timeout(WAIT_S):
        return [(await anext(world)).index for _ in range(num_chunks)]


async def take_until(world: nacre.World, task: asyncio.Task[subprocess.CompletedProcess[str]]) -> list[int]:
    """Chunks for as long as something else goes on."""
    indices: list[int] = []
    async with asyncio.timeout(WAIT_S):
        while not task.done():
            indices.append((await anext(world)).index)
    return indices


def test_every_worker_tells_its_metrics(pair: Pair) -> None:
    assert len(set(pair.service.metrics_urls)) == 3


async def test_p01_a_session_outlives_a_killed_worker_and_a_drained_one(pair: Pair, client: nacre.Client) -> None:
    await workers_that(client, is_up, 2)
    session = await client.create(prompt="a quiet street at dusk", seed=7)
    async with session.enter(video="rgb", audio="pcm") as world:
        indices = await take(world, 10)
        [holder] = await workers_that(client, holds_one, 1)
        receipts = [world.say(f"sentence {number}") for number in range(3)]
        psutil.Process(pid_of(holder)).kill()
        receipts += [world.say(f"sentence {number}") for number in range(3, 6)]
        receipts.append(world.move(forward=1.0))
        for number in range(3):  # the dead one is in nobody's way, though Serve may not have noticed yet
            await (await client.create(prompt="an alley", seed=number + 1)).end()
        indices += await take(world, 40)

        [other] = await workers_that(client, lambda each: holds_one(each) and each.worker_id != holder.worker_id, 1)
        command = ("drain", other.worker_id, "--timeout", str(DRAIN_TIMEOUT_S))
        draining = asyncio.create_task(asyncio.to_thread(pair.nacre, *command))
        indices += await take_until(world, draining)
        assert draining.result().returncode == 0, draining.result()
        receipts.append(world.say("night falls"))
        indices += await take(world, 10)
        outcomes = [await receipt for receipt in receipts]

    assert indices == list(range(len(indices)))
    assert [type(outcome) for outcome in outcomes] == [nacre.Applied] * len(receipts)
    left = (holder.worker_id, other.worker_id)
    await workers_that(client, lambda each: holds_one(each) and each.worker_id not in left, 1)
    await workers_that(client, lambda each: holds_one(each) and each.worker_id in left, 0)
    replayed = await asyncio.to_thread(pair.nacre, "replay", session.id, "--model", "tests.fakes_model:load")
    assert replayed.returncode == 0, replayed
    await session.end()
    assert pair.nacre("drain", other.worker_id, "--undo").returncode == 0
    await workers_that(client, is_up, 2)
    assert {each.worker_id: each.state for each in await client.admin.workers()}[holder.worker_id] == "lost"


async def test_frames_go_on_when_the_controller_dies(pair: Pair, client: nacre.Client) -> None:
    await workers_that(client, is_up, 2)
    session = await client.create(prompt="a quiet street at dusk", seed=7)
    async with session.enter(video="rgb", audio="pcm") as world:
        indices = await take(world, 5)
        controller = pair.service.replica("ServeController")
        controller.kill()
        receipt = world.say("it starts to rain")
        indices += await take(world, 40)
        assert isinstance(await receipt, nacre.Applied)
        assert not controller.is_running()
    assert indices == list(range(45))
    await session.end()
    again = await client.create(prompt="a quiet street at dusk", seed=8)
    async with again.enter(video="rgb", audio="pcm") as world:
        assert await take(world, 3) == [0, 1, 2]
    await again.end()


async def test_p01_a_client_goes_on_when_another_gateway_takes_the_dead_ones_place(
    pair: Pair, client: nacre.Client
) -> None:
    """What the client saw before and after is one session without a seam, of which nothing comes twice. What it said
    to the one that died took effect, or is lost and the client is told so: it always learns which."""
    await workers_that(client, is_up, 2)
    session = await client.create(prompt="a quiet street at dusk", seed=9)
    policy = ResumePolicy(max_attempts=400, max_delay_s=0.5)
    indices: list[int] = []
    async with asyncio.timeout(WAIT_S), session.enter(video="rgb", audio="pcm", resume=policy) as world:
        receipts = [world.move(forward=1.0)]
        last_words: nacre.Receipt | None = None
        gateway = pair.service.replica("ServeReplica:nacre:Gateway")
        async for chunk in world:
            indices.append(chunk.index)
            if chunk.index == 15 and gateway.is_running():
                last_words = world.say("it starts to rain")
                gateway.kill()
            if world.num_attachments == 2 and len(receipts) == 1:
                receipts.append(world.say("fog rolls in"))  # as early as can be
            if chunk.index >= 60:
                break
        receipts.append(world.say("night falls"))
        outcomes = [await receipt for receipt in receipts]
    assert indices == list(range(len(indices)))
    applied = [outcome for outcome in outcomes if isinstance(outcome, nacre.Applied)]
    assert len(applied) == len(receipts), outcomes
    assert all(outcome.chunk_index > 15 for outcome in applied[1:]), "what was shown stays as it was"
    assert last_words is not None
    last = last_words.outcome
    assert isinstance(last, nacre.Applied | nacre.ControlRejected)
    assert isinstance(last, nacre.Applied) or last.reason == "CONTROL_LOST"
    await session.end()
    replayed = await asyncio.to_thread(pair.nacre, "replay", session.id, "--model", "tests.fakes_model:load")
    assert replayed.returncode == 0, replayed


def test_all_workers_end_in_order_with_the_service(pair: Pair) -> None:
    """The last here. Those that were killed never said that they end."""
    ended = {each["worker_id"] for each in json.loads(pair.nacre("workers", "--json").stdout) if each["state"] == "up"}
    assert len(ended) == 2
    assert pair.service.stop(signal.SIGTERM) == 0, pair.service.text
    assert "did not end in order" not in pair.service.text
    left = {each["worker_id"] for each in json.loads(pair.nacre("workers", "--json").stdout)}
    assert not left & ended
