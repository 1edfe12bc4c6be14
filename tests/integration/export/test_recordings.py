"""What is shown is recorded: all of it, in order, as it was encoded."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import av
import grpc.aio
import pytest
from typer.testing import CliRunner

import nacre
import nacre.blocking
from nacre.queueing import Limits
from nacre.v1 import media_pb2, session_pb2, session_pb2_grpc
from serving.cli.app import app as cli
from serving.export.config import RecordingConfig
from serving.export.maker import make_file
from serving.export.store import RecordingStore
from serving.gateway.config import GatewayConfig
from tests.integration.durable.harness import Service, service, take
from tests.integration.gateway.harness import Call

PROMPT = "a quiet street at dusk"


class Film(NamedTuple):
    """An MP4 file as a player reads it."""

    num_decoded: int
    num_frames: int
    seconds: float
    units: list[list[bytes]]  # the parts of each picture's access unit
    packets: list[bytes]  # of sound
    times: list[float]  # of pictures
    chapters: list[tuple[float, str]]
    sound_start_s: float


def read_film(path: Path) -> Film:
    with av.open(str(path), "r") as container:
        chapters = [
            (each["start"] * float(each["time_base"] or 0), each["metadata"]["title"]) for each in container.chapters()
        ]
        video, audio = container.streams.video[0], container.streams.audio[0]
        packets = [packet for packet in container.demux(video, audio) if packet.size]
        pictures = [packet for packet in packets if packet.stream is video]
        sounds = [packet for packet in packets if packet.stream is audio]
        seconds, num_frames = (container.duration or 0) / 1e6, video.frames
        times = [float(packet.pts * packet.time_base) for packet in pictures if packet.pts is not None]
        start_s = float((sounds[0].pts or 0) * (sounds[0].time_base or 0))
    with av.open(str(path), "r") as container:
        num_decoded = sum(1 for _ in container.decode(video=0))
    units = [length_prefixed(bytes(packet)) for packet in pictures]
    return Film(num_decoded, num_frames, seconds, units, [bytes(each) for each in sounds], times, chapters, start_s)


def length_prefixed(data: bytes) -> list[bytes]:
    """Access units in MP4 (ISO 14496-15): each part after its length in four bytes."""
    parts = []
    while data:
        size = int.from_bytes(data[:4], "big")
        parts.append(data[4 : 4 + size])
        data = data[4 + size :]
    return parts


def annex_b(data: bytes) -> list[bytes]:
    """Each part after a start code, of three bytes or of four."""
    return [part for part in data.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1") if part]


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Service]:
    async with service(tmp_path, config=GatewayConfig(port=0, drain_s=0.2)) as running:
        yield running


async def film_of(running: Service, session_id: str, folder: Path) -> Film:
    """Without the process that makes files in the service: the same work, here."""
    recorder = running.server.recorder
    assert recorder is not None
    await recorder.flush(session_id)
    file = folder / f"{session_id}.mp4"
    file.unlink(missing_ok=True)
    await asyncio.to_thread(make_file, RecordingStore.open(running.storage), session_id, file)
    return read_film(file)


async def watch(running: Service, session: nacre.Session, count: int, **attach: Any) -> list[media_pb2.MediaChunk]:
    """As a client of one's own does, to have the bytes that were sent."""
    async with grpc.aio.insecure_channel(running.server.address) as channel:
        call = Call(session_pb2_grpc.SessionServiceStub(channel).Play())
        values = {"session_id": session.id, "resume_token": session.resume_token, "initial_credit": count, **attach}
        call.gives_credit = False
        await call.send(attach=session_pb2.Attach(**values))
        async with asyncio.timeout(30):
            chunks = await call.chunks(count)
        await call.raw.done_writing()
        await call.rest()
    return chunks


async def test_n15_every_frame_that_was_delivered_is_in_the_file_as_it_was_sent(
    running: Service, tmp_path: Path
) -> None:
    session = await running.client.create(prompt=PROMPT)
    sent = [*await watch(running, session, 16), *await watch(running, session, 9)]
    film = await film_of(running, session.id, tmp_path)
    assert film.num_decoded == film.num_frames == len(sent) == 25
    assert film.units == [annex_b(frame.data) for chunk in sent for frame in chunk.frames]
    assert film.packets == [packet for chunk in sent for packet in chunk.audio.packets]
    assert film.times == pytest.approx([index / 12.5 for index in range(25)], abs=1e-3)
    assert film.seconds == pytest.approx(25 / 12.5, abs=0.05)
    assert abs(film.sound_start_s) < 0.01
    assert film.chapters == [(0.0, PROMPT)]


async def test_n15_chapters_begin_where_sentences_took_effect(running: Service, tmp_path: Path) -> None:
    session = await running.client.create(prompt=PROMPT)
    async with session.enter() as world:
        await take(world, 3)
        rain, dusk = world.say("it starts to rain"), None
        chunks = [*await take(world, 4)]
        dusk = world.say("night falls")
        chunks += await take(world, 6)
        first, second = await rain, await dusk
        assert isinstance(first, nacre.Applied)
        assert isinstance(second, nacre.Applied)
    film = await film_of(running, session.id, tmp_path)
    told = [(round(start_s * 12.5), title) for start_s, title in film.chapters]
    assert told == [(0, PROMPT), (first.chunk_index, "it starts to rain"), (second.chunk_index, "night falls")]


async def test_players_without_h264_are_recorded_too(running: Service, tmp_path: Path) -> None:
    session = await running.client.create(prompt=PROMPT)
    raw = {"video_codecs": [media_pb2.VIDEO_CODEC_RAW_RGB], "audio_codecs": [media_pb2.AUDIO_CODEC_PCM_S16LE]}
    await watch(running, session, 7, **raw)
    sent = await watch(running, session, 5)
    await watch(running, session, 6, **raw)
    film = await film_of(running, session.id, tmp_path)
    assert film.num_decoded == film.num_frames == 18
    assert film.units[7:12] == [annex_b(frame.data) for chunk in sent for frame in chunk.frames]


async def test_going_back_is_recorded_as_it_was_seen(running: Service, tmp_path: Path) -> None:
    session = await running.client.create(prompt=PROMPT)
    async with session.enter() as world:
        seen = [chunk.index for chunk in await take(world, 8)]
        await session.rewind(chunk_index=4)
        while len(seen) < 20:
            seen += [chunk.index for chunk in await take(world, 1)]
    assert seen[-1] < 19, "it went back"
    film = await film_of(running, session.id, tmp_path)
    # What was on its way to the client when it closed has left as well.
    assert len(seen) <= film.num_frames <= len(seen) + 4
    assert film.num_decoded == film.num_frames
    assert film.times == sorted(film.times)


async def test_a_recording_goes_on_after_a_park_and_a_lost_worker(tmp_path: Path) -> None:
    async with service(tmp_path, num_workers=2, config=GatewayConfig(port=0, drain_s=0.2)) as running:
        session = await running.client.create(prompt=PROMPT)
        sent = await watch(running, session, 5)
        await session.park()
        sent += await watch(running, session, 5)
        async with session.enter(resume=True) as world:
            await take(world, 2)
            running.break_worker(running.placer.num_placed % 2 - 1)
            await take(world, 8)
        film = await film_of(running, session.id, tmp_path)
        assert film.num_decoded == film.num_frames >= 20
        assert film.units[:10] == [annex_b(frame.data) for chunk in sent for frame in chunk.frames]


async def test_it_is_there_while_it_runs_after_its_end_and_for_another_gateway(tmp_path: Path) -> None:
    config = GatewayConfig(port=0, drain_s=0.2)
    async with service(tmp_path, config=config) as running:
        session = await running.client.create(prompt=PROMPT)
        with pytest.raises(nacre.NotFound):
            await session.recording()
        await watch(running, session, 5)
        assert (await session.recording()).info.num_frames == 5
        await watch(running, session, 5)
        await session.end()
        recording = await session.recording()
        assert (recording.info.num_frames, recording.info.seconds) == (10, 0.8)
    async with service(tmp_path, config=config) as running:
        recording = await running.client.recording(session.id)
        assert recording.info.num_frames == 10
        file = await recording.save(tmp_path / "film.mp4")
        assert read_film(file).num_decoded == 10
        await recording.delete()
        with pytest.raises(nacre.NotFound):
            await running.client.recording(session.id)


async def test_the_command_line_writes_the_film_and_forgets_it(running: Service, tmp_path: Path) -> None:
    session = await running.client.create(prompt=PROMPT)
    await watch(running, session, 6)
    await session.end()
    recorder = running.server.recorder
    assert recorder is not None
    await recorder.write()
    film, told = tmp_path / "film.mp4", ["recording", session.id, "--data-folder", str(tmp_path)]

    def say(*more: str) -> tuple[int, str]:
        done = CliRunner().invoke(cli, [*told, *more])
        return done.exit_code, done.stdout

    code, text = await asyncio.to_thread(say, "--json")
    assert (code, json.loads(text)["num_frames"], json.loads(text)["file"]) == (0, 6, None)
    code, text = await asyncio.to_thread(say, str(film))
    assert (code, read_film(film).num_decoded) == (0, 6), text
    assert "6 frames" in text
    quick = tmp_path / "quick.mp4"
    assert (await asyncio.to_thread(say, str(quick), "--audio", "aac"))[0] == 0
    with av.open(str(quick)) as container:
        assert container.streams.audio[0].codec_context.name == "aac"
    assert (await asyncio.to_thread(say, str(film)))[0] == 2, "nothing is written over"
    assert (await asyncio.to_thread(say, "--delete"))[0] == 0
    assert (await asyncio.to_thread(say))[0] == 2
    assert RecordingStore.open(running.storage).parts(session.id) == []


async def test_where_storage_is_full_a_session_plays_on_and_tells_why_it_is_not_recorded(running: Service) -> None:
    await running.client.admin.set_quota("default", Limits(storage_bytes=1))
    session = await running.client.create(prompt=PROMPT)
    assert len(await watch(running, session, 6)) == 6
    with pytest.raises(nacre.NotFound, match="storage is full"):
        await session.recording()
    await running.client.admin.set_quota("default", Limits())
    await watch(running, session, 6)
    recording = await session.recording()
    assert (recording.info.halt_reason, recording.info.num_frames) == ("", 6)
    quota = await running.client.quota()
    assert quota.use.storage_bytes >= recording.info.num_bytes > 0


async def test_scripts_without_asyncio_ask_too(running: Service, tmp_path: Path) -> None:
    session = await running.client.create(prompt=PROMPT)
    await watch(running, session, 4)

    def ask() -> int:
        with nacre.blocking.connect(running.server.address) as client:
            recording = client.recording(session.id)
            recording.save(tmp_path / "film.mp4")
            recording.delete()
            return recording.info.num_frames

    assert await asyncio.to_thread(ask) == read_film(tmp_path / "film.mp4").num_decoded == 4


async def test_a_recording_is_deleted_with_its_session(running: Service) -> None:
    session = await running.client.create(prompt=PROMPT)
    await watch(running, session, 3)
    fork = await session.fork()  # which needs the past of the other, and not its film
    await session.end()
    await session.delete()
    assert RecordingStore.open(running.storage).parts(session.id) == []
    await fork.end()


async def test_nothing_is_recorded_where_that_is_switched_off(tmp_path: Path) -> None:
    config = GatewayConfig(port=0, drain_s=0.2, recording=RecordingConfig(is_on=False))
    async with service(tmp_path, config=config) as running:
        session = await running.client.create(prompt=PROMPT)
        await watch(running, session, 3)
        with pytest.raises(nacre.NotFound) as caught:
            await session.recording()
        assert caught.value.reason == "RECORDING_NOT_FOUND"
