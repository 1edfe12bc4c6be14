"""With a spare worker to go on with: kills and moves. Every frame is compared with what the record alone makes."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import os
import random
import signal
import time
from typing import Any

import numpy as np
from rich.progress import Progress

from bench.durability.player import Player
from bench.durability.rig import Bench, wait_for_spare
from bench.statistics import percentile
from nacre.v1 import admin_pb2
from serving.catalogue.histories import whole_history
from serving.gateway.media import to_pcm_s16le
from serving.models import load_model
from serving.sessions.replay import replay


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


def _unlike_the_record(bench: Bench, player: Player) -> list[str]:
    """Chunks that are not what the journal alone makes, without any kill or move."""
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
        late = player.num_late - before
    bench.faults += player.faults
    bench.faults += _unlike_the_record(bench, player)
    return {
        "moves": len(delays),
        "chunks": len(player.hashes),
        "late_chunks": late,
        "delay_p50_s": percentile(delays, 50),
        "delay_p95_s": percentile(delays, 95),
        "delay_max_s": max(delays),
        "delays_s": delays,  # in order: the first goes to a worker that nobody has played on
        "chunk_duration_s": chunk_s,
    }
