"""What a session survives and how quickly: kills, moves, forks, rewinds, parking, saving. Every frame is compared with
what the record alone makes."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import os
import random
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import grpc.aio
import numpy as np
import psutil
from rich.progress import Progress

import nacre
from bench.hardware import ROOT
from bench.results import Result
from bench.service import RunningService, ServiceConfig
from bench.statistics import percentile
from nacre.v1 import admin_pb2, admin_pb2_grpc
from serving.catalogue.database import Database
from serving.catalogue.histories import whole_history
from serving.catalogue.sessions import Sessions
from serving.catalogue.storage import storage_config
from serving.gateway.media import to_pcm_s16le
from serving.models import load_model
from serving.sessions.replay import replay

LOG = ROOT / "out" / "bench" / "durability.log"
POLICY = nacre.ResumePolicy(max_attempts=200, max_delay_s=0.5)
CHUNK_TIMEOUT_S = 90.0
POLL_S = 0.2
NUM_WITH_SPARE = 2
SNAPSHOT_EVERY_CHUNKS = 16
SENTENCES = ("it starts to rain", "night falls", "the sun comes out", "it snows", "a grey morning")


@dataclass(frozen=True, slots=True, kw_only=True)
class DurabilityConfig:
    kills: int = 50
    moves: int = 20
    forks: int = 20
    saves: int = 20
    rewinds: int = 3
    rewind_s: float = 60.0
    parked: int = 64
    seed: int = 1
    model: str = "pearl-xs"


@dataclass(slots=True)
class Bench:
    """A service with a warm spare, and one who plays it."""

    client: nacre.Client
    admin: admin_pb2_grpc.AdminServiceAsyncStub
    database: Database
    config: DurabilityConfig
    faults: list[str] = field(default_factory=list)

    async def worker_pid(self, session_id: str) -> int:
        """The worker process that holds a session. The gateway holds it until the worker renews the lease for the
        first time. Raises TimeoutError."""
        async with asyncio.timeout(CHUNK_TIMEOUT_S):
            while True:
                pid = self._owner_pid(session_id)
                if pid is not None and is_worker(pid):
                    return pid
                await asyncio.sleep(POLL_S)

    async def create(self) -> nacre.Session:
        return await self.client.create(prompt="a quiet street at dusk", seed=7)

    def _owner_pid(self, session_id: str) -> int | None:
        owner = Sessions(self.database).find(session_id).lease.owner
        return pid_of(owner) if owner else None


def pid_of(worker_id: str) -> int:
    """It ends with the pid and a few random digits."""
    return int(worker_id.split("-")[-2])


def is_worker(pid: int) -> bool:
    """Whether a transformer lives there; Ray writes a replica's name where its command was."""
    with suppress(psutil.NoSuchProcess):
        return "Transformer" in " ".join(psutil.Process(pid).cmdline())
    return False


@asynccontextmanager
async def rig(config: DurabilityConfig, replicas: int) -> AsyncIterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="nacre-bench-") as folder:
        arguments = (
            f"--model={config.model}",
            f"--replicas={replicas}",
            f"--data-folder={folder}",
            f"--snapshot-every-chunks={SNAPSHOT_EVERY_CHUNKS}",
        )
        service = RunningService(ServiceConfig(log=LOG, arguments=arguments))
        await asyncio.to_thread(service.__enter__)
        try:
            url = storage_config(folder).catalogue_url
            with Database(url) as database:
                async with (
                    nacre.connect(service.address, timeout_s=60) as client,
                    grpc.aio.insecure_channel(service.address) as channel,
                ):
                    yield Bench(client, admin_pb2_grpc.AdminServiceStub(channel), database, config)
        finally:
            await asyncio.to_thread(service.stop)


class Player:
    """Plays one session for as long as it is entered, and notes what came when."""

    def __init__(self, session: nacre.Session, seed: int = 0) -> None:
        self.session = session
        self.hashes: dict[int, bytes] = {}
        self.received_s: list[tuple[int, float]] = []
        self.num_late = 0
        self.receipts: list[nacre.Receipt] = []
        self.faults: list[str] = []
        self._came = asyncio.Condition()
        self._is_over = False
        self._random = random.Random(seed)
        self._task: asyncio.Task[None] | None = None
        self.world: nacre.World | None = None

    async def __aenter__(self) -> Player:
        self.world = await self.session.enter(video="rgb", audio="pcm", resume=POLICY).__aenter__()
        self._task = asyncio.create_task(self._play())
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._task is not None
        assert self.world is not None
        self._task.cancel()
        await asyncio.wait([self._task])
        await self.world.__aexit__(None, None, None)
        await self.session.end()  # free its slot for what is measured next
        if not self._task.cancelled() and (failed := self._task.exception()) is not None:
            self.faults.append(f"the play ended: {failed}")

    @property
    def last_index(self) -> int:
        return self.received_s[-1][0] if self.received_s else -1

    async def next_chunk(self, after: int | None = None) -> tuple[int, float]:
        """The next one that comes: its index, and when it came."""
        number = len(self.received_s) if after is None else after
        async with asyncio.timeout(CHUNK_TIMEOUT_S), self._came:
            await self._came.wait_for(lambda: len(self.received_s) > number or self._is_over)
            if self._is_over and len(self.received_s) <= number:
                assert self.world is not None
                raise RuntimeError(f"the play of {self.session.id} is over: {self.world.end}")
            return self.received_s[number]

    async def play(self, num_chunks: int) -> None:
        for _ in range(num_chunks):
            await self.next_chunk()

    def steer(self) -> None:
        """One of many controls, by chance."""
        assert self.world is not None
        kind = self._random.randrange(3)
        if kind == 0:
            self.receipts.append(self.world.move(forward=self._random.choice((-1.0, 0.0, 1.0))))
        elif kind == 1:
            self.receipts.append(self.world.look(yaw=self._random.choice((-0.5, 0.0, 0.5))))
        else:
            self.receipts.append(self.world.say(self._random.choice(SENTENCES)))

    async def _play(self) -> None:
        assert self.world is not None
        try:
            async for chunk in self.world:
                self._note(chunk)
                async with self._came:
                    self._came.notify_all()
        finally:
            self._is_over = True
            async with self._came:
                self._came.notify_all()

    def _note(self, chunk: nacre.Chunk) -> None:
        if chunk.index != self.last_index + 1 and self.received_s and not self._has_rewound(chunk.index):
            self.faults.append(f"chunk {chunk.index} came after {self.last_index}")
        self.num_late += chunk.is_late
        self.received_s.append((chunk.index, chunk.received_s))
        self.hashes[chunk.index] = chunk_hash(chunk)

    def _has_rewound(self, index: int) -> bool:
        assert self.world is not None
        return any(rewind.chunk_index == index for rewind in self.world.rewinds)


def chunk_hash(chunk: nacre.Chunk) -> bytes:
    digest = hashlib.sha256(b"".join(frame.data for frame in chunk.frames))
    if chunk.sound is not None:
        digest.update(b"".join(chunk.sound.packets))
    return digest.digest()


async def measure_kills(bench: Bench, progress: Progress) -> dict[str, Any]:
    """Kill the worker that holds the session, at random moments, again and again."""
    chance = random.Random(bench.config.seed)
    session = await bench.create()
    seconds: list[float] = []
    task = progress.add_task("kills", total=bench.config.kills)
    async with Player(session, bench.config.seed) as player:
        await player.play(10)
        for _ in range(bench.config.kills):
            for _ in range(chance.randrange(1, 6)):
                player.steer()
                await asyncio.sleep(chance.random() * 0.4)
            os.kill(await bench.worker_pid(session.id), signal.SIGKILL)
            killed_s = time.monotonic()
            # What was on its way to us before the kill came does not count.
            await asyncio.sleep(0.5)
            number = len(player.received_s)
            _, received_s = await player.next_chunk(number)
            seconds.append(received_s - killed_s)
            progress.advance(task)
            await wait_for_spare(bench)
        await asyncio.sleep(2.0)
        settled = [receipt for receipt in player.receipts if receipt.is_settled]
    bench.faults += player.faults
    bench.faults += _unlike_the_record(bench, player)
    lost = len(player.receipts) - len(settled)
    if lost:
        bench.faults.append(f"{lost} controls have no outcome")
    return {
        "kills": len(seconds),
        "chunks": len(player.hashes),
        "controls": len(player.receipts),
        "controls_lost": lost,
        "recovery_p50_s": percentile(seconds, 50),
        "recovery_p95_s": percentile(seconds, 95),
    }


async def wait_for_spare(bench: Bench) -> None:
    """Until two workers say that they live: the one that plays, and another that could."""
    async with asyncio.timeout(CHUNK_TIMEOUT_S):
        while True:
            listed = await bench.admin.ListWorkers(admin_pb2.ListWorkersRequest(), timeout=10)
            # One that was just killed counts as up for a while yet.
            alive = [worker for worker in listed.workers if is_worker(pid_of(worker.worker_id))]
            if sum(worker.state == admin_pb2.WORKER_STATE_UP for worker in alive) >= NUM_WITH_SPARE:
                return
            await asyncio.sleep(POLL_S)


def _unlike_the_record(bench: Bench, player: Player) -> list[str]:
    """Chunks that are not what the journal alone makes, without any kill."""
    model = load_model(bench.config.model)
    history = whole_history(bench.database, player.session.id)
    for chunk in replay(
        history.opening,
        history.entries,
        max(player.hashes) + 1,
        transformer=model.load_transformer(1),
        video_decoder=model.load_video_decoder(),
        audio_decoder=model.load_audio_decoder(),
    ):
        digest = hashlib.sha256(np.ascontiguousarray(chunk.frames_FHWC).tobytes())
        digest.update(to_pcm_s16le(chunk.samples_SC))
        if player.hashes.get(chunk.chunk_idx, digest.digest()) != digest.digest():
            return [f"chunk {chunk.chunk_idx} is not what the record makes"]
    return []


async def measure_moves(bench: Bench, progress: Progress) -> dict[str, Any]:
    """The longest wait for a chunk around each move, beyond the time a chunk lasts."""
    session = await bench.create()
    delays: list[float] = []
    task = progress.add_task("moves", total=bench.config.moves)
    async with Player(session) as player:
        await player.play(25)
        before = player.num_late
        chunk_s = player.session.capabilities.chunk_duration_s if player.session.capabilities else 0.08
        for _ in range(bench.config.moves):
            player.steer()
            start = len(player.received_s)
            await bench.admin.MoveSession(admin_pb2.MoveSessionRequest(session_id=session.id), timeout=30)
            await player.play(12)
            times = [each[1] for each in player.received_s[start - 1 :]]
            delays.append(max(b - a for a, b in itertools.pairwise(times)) - chunk_s)
            progress.advance(task)
    bench.faults += player.faults
    return {
        "moves": len(delays),
        "late_chunks": player.num_late - before,
        "delay_p50_s": percentile(delays, 50),
        "delay_p95_s": percentile(delays, 95),
        "delay_max_s": max(delays),
        "chunk_duration_s": chunk_s,
    }


async def measure_saves(bench: Bench, progress: Progress) -> dict[str, Any]:
    """Chunks that came late while the session was saved once a second, against as many seconds of the same walk
    without a save, taken by turns."""
    session = await bench.create()
    seconds: list[float] = []
    late = {True: 0, False: 0}
    task = progress.add_task("saves", total=bench.config.saves)
    saved: nacre.SavedWorld | None = None
    async with Player(session) as player:
        assert player.world is not None
        await player.play(25)
        for number in range(2 * bench.config.saves):
            is_saved, before, started_s = number % 2 == 0, player.num_late, time.monotonic()
            player.world.move(forward=0.3 if number % 4 < 2 else -0.3)
            if is_saved:
                saved = await session.save("bench")
                seconds.append(time.monotonic() - started_s)
                progress.advance(task)
            await asyncio.sleep(max(0.0, started_s + 1.0 - time.monotonic()))
            late[is_saved] += player.num_late - before
    bench.faults += player.faults
    return {
        "saves": len(seconds),
        "late_chunks": late[True],
        "late_chunks_without_saves": late[False],
        "save_p95_s": percentile(seconds, 95),
        "exact_bytes": 0 if saved is None else saved.num_bytes,
    }


async def _until_first_frame(session: nacre.Session) -> None:
    async with session.enter(video="rgb", audio="pcm") as world:
        await anext(world)


async def _timed(calls: Sequence[Callable[[], Awaitable[Any]]]) -> list[float]:
    seconds = []
    for call in calls:
        started_s = time.monotonic()
        await call()
        seconds.append(time.monotonic() - started_s)
    return seconds


async def measure_forks(bench: Bench, progress: Progress) -> dict[str, Any]:
    """From the call to the first frame of the fork, of a session that plays on."""
    session = await bench.create()
    task = progress.add_task("forks", total=bench.config.forks)

    async def fork() -> None:
        forked = await session.fork()
        await _until_first_frame(forked)
        forks.append(forked)

    forks: list[nacre.Session] = []
    seconds = []
    async with Player(session) as player:
        await player.play(50)
        for _ in range(bench.config.forks):
            seconds += await _timed([fork])
            await forks.pop().end()
            await player.play(5)
            progress.advance(task)
    bench.faults += player.faults
    return {
        "forks": len(seconds),
        "first_frame_p50_s": percentile(seconds, 50),
        "first_frame_p95_s": percentile(seconds, 95),
    }


async def measure_restores(bench: Bench, progress: Progress) -> dict[str, Any]:
    """From the call to an open session that goes on from a stored snapshot, on whichever worker."""
    session = await bench.create()
    async with Player(session) as player:
        assert player.world is not None
        player.world.move(forward=1.0)
        await player.play(75)
        saved = await session.save("restored")
        portable = await session.export()
    seconds, frame_seconds = [], []
    for _ in progress.track(range(bench.config.forks), description="restores"):
        started_s = time.monotonic()
        loaded = await bench.client.load(world_id=saved.world_id)
        seconds.append(time.monotonic() - started_s)
        await _until_first_frame(loaded)
        frame_seconds.append(time.monotonic() - started_s)
        await loaded.end()
    return {
        "restores": len(seconds),
        "restore_p50_s": percentile(seconds, 50),
        "restore_p95_s": percentile(seconds, 95),
        "first_frame_p95_s": percentile(frame_seconds, 95),
        "exact_bytes": saved.num_bytes,
        "portable_bytes": len(portable),
    }


async def measure_rewinds(bench: Bench, progress: Progress) -> dict[str, Any]:
    """From the call to the first new frame, of a session that plays."""
    session = await bench.create()
    config = bench.config
    seconds = []
    task = progress.add_task("rewinds", total=config.rewinds)
    async with Player(session) as player:
        assert player.world is not None
        player.world.look(yaw=0.2)
        capabilities = player.session.capabilities
        assert capabilities is not None
        length = round(config.rewind_s / capabilities.chunk_duration_s)
        await player.play(length + 20)
        for number in range(config.rewinds):
            if number:
                await player.play(length)
            started_s = time.monotonic()
            rewound = await session.rewind(seconds=config.rewind_s)
            while player.last_index > rewound.chunk_index + 20 or not player.world.rewinds[number:]:
                await player.next_chunk()
            first_s = next(at for index, at in reversed(player.received_s) if index == rewound.chunk_index)
            seconds.append(first_s - started_s)
            progress.advance(task)
    bench.faults += player.faults
    return {"rewinds": len(seconds), "rewind_s": config.rewind_s, "first_frame_max_s": max(seconds)}


async def measure_parking(bench: Bench, progress: Progress) -> dict[str, Any]:
    """Many sessions that are kept and hold nothing, each woken once."""
    sessions: list[nacre.Session] = []
    for number in progress.track(range(bench.config.parked), description="parking"):
        session = await bench.client.create(prompt="a quiet street at dusk", seed=1 + number)
        async with session.enter(video="rgb", audio="pcm") as world:
            for _ in range(4):
                await anext(world)
        await session.park()
        sessions.append(session)
    num_parked = len([each async for each in bench.client.sessions(states=["parked"])])
    seconds, frame_seconds = [], []
    for session in progress.track(sessions, description="waking"):
        started_s = time.monotonic()
        await session.wake()
        seconds.append(time.monotonic() - started_s)
        await _until_first_frame(session)
        frame_seconds.append(time.monotonic() - started_s)
        await session.end()
    return {
        "parked": num_parked,
        "wake_p50_s": percentile(seconds, 50),
        "wake_p95_s": percentile(seconds, 95),
        "first_frame_p95_s": percentile(frame_seconds, 95),
    }


Measure = Callable[[Bench, Progress], Awaitable[dict[str, Any]]]
# With a spare worker to go on with, and without one to be compared with what one worker does.
WITH_SPARE: dict[str, Measure] = {"kills": measure_kills, "moves": measure_moves}
ALONE: dict[str, Measure] = {
    "saves": measure_saves,
    "forks": measure_forks,
    "restores": measure_restores,
    "rewinds": measure_rewinds,
    "parking": measure_parking,
}


def bench_durability(config: DurabilityConfig, only: Sequence[str] = ()) -> Result:
    """Raises `ServiceError`. Runs services of its own."""
    figures: dict[str, Any] = {}
    faults: list[str] = []
    with Progress(transient=True) as progress:
        for measures, replicas in ((ALONE, 1), (WITH_SPARE, NUM_WITH_SPARE)):
            wanted = {name: measure for name, measure in measures.items() if not only or name in only}
            if wanted:
                asyncio.run(_measure(config, wanted, replicas, figures, faults, progress))
    return Result(
        benchmark="durability",
        model=config.model,
        settings={"snapshot_every_chunks": SNAPSHOT_EVERY_CHUNKS, "seed": config.seed},
        figures=figures,
        summary=tuple(_sentences(figures)),
        faults=tuple(faults),
    )


async def _measure(
    config: DurabilityConfig,
    measures: dict[str, Measure],
    replicas: int,
    figures: dict[str, Any],
    faults: list[str],
    progress: Progress,
) -> None:
    async with rig(config, replicas) as bench:
        for name, measure in measures.items():
            try:
                figures[name] = await measure(bench, progress)
            except (nacre.NacreError, grpc.aio.AioRpcError, TimeoutError, RuntimeError) as error:
                faults.append(f"{name}: {error or type(error).__name__}")
        faults += bench.faults


def _sentences(figures: dict[str, Any]) -> list[str]:
    lines = {
        "kills": "{kills} kills: {chunks} chunks, {controls} controls, {controls_lost} lost; recovery p50 "
        "{recovery_p50_s:.2f}, p95 {recovery_p95_s:.2f} s (aim: <= 5 s)",
        "moves": "{moves} moves: longest wait beyond a chunk p50 {delay_p50_s:.3f}, p95 {delay_p95_s:.3f}, "
        "most {delay_max_s:.3f} s (aim: <= {chunk_duration_s:.3f} s); {late_chunks} chunks late",
        "saves": "{saves} saves while playing: {late_chunks} chunks late, {late_chunks_without_saves} in as long "
        "without; save p95 {save_p95_s:.2f} s, {exact_bytes} bytes (aim: <= 20 MB)",
        "forks": "{forks} forks: first frame p50 {first_frame_p50_s:.2f}, p95 {first_frame_p95_s:.2f} s "
        "(aim: <= 0.5 s)",
        "restores": "{restores} restores from the store: p50 {restore_p50_s:.2f}, p95 {restore_p95_s:.2f} s "
        "(aim: <= 0.4 s), to the first frame {first_frame_p95_s:.2f} s; exact {exact_bytes}, portable "
        "{portable_bytes} bytes (aims: 20 MB, 1 MB)",
        "rewinds": "{rewinds} times back by {rewind_s:.0f} s: first new frame within {first_frame_max_s:.2f} s "
        "(aim: <= 1 s)",
        "parking": "{parked} sessions parked (aim: >= 64); wake p50 {wake_p50_s:.2f}, p95 {wake_p95_s:.2f} s "
        "(aim: <= 0.3 s), to the first frame {first_frame_p95_s:.2f} s",
    }
    return [line.format(**figures[name]) for name, line in lines.items() if name in figures]
