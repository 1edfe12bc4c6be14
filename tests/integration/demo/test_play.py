"""The player against a real gateway over a real connection: what it gets, and what it says when it does not."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bench.demo_report import WrittenPlay, write_film
from bench.measure import MeasuredPlay
from bench.play import Player, Start
from bench.recording import Answer, Recording
from bench.report import faults_of
from bench.script import STREET
from bench.service import HOST
from serving.gateway.config import GatewayConfig
from serving.gateway.server import GatewayServer
from tests.fakes import FakeWorldPlane
from tests.ports import free_port

SCRIPT = STREET.scaled_to(2.4)
NUM_CHUNKS = 30
START = Start(prompt="a quiet street at dusk")


@pytest.fixture
def plane() -> FakeWorldPlane:
    return FakeWorldPlane()


@pytest.fixture
async def gateway(plane: FakeWorldPlane) -> AsyncIterator[GatewayServer]:
    async with GatewayServer(plane, GatewayConfig(host=HOST, port=0, drain_s=0.0)) as server:
        yield server


def written(recording: Recording, folder: pytest.TempPathFactory) -> WrittenPlay:
    play = MeasuredPlay(start=START, recording=recording, stages=None, processes=(), peak_rss_bytes=0)
    return write_film(play, folder.mktemp("play"))


async def test_a_whole_play_lacks_nothing(gateway: GatewayServer, tmp_path_factory: pytest.TempPathFactory) -> None:
    recording = await Player(gateway.address).play(SCRIPT, START)
    assert len(recording.chunks) == recording.planned_chunks == NUM_CHUNKS
    # In so short a play two looks may fall into one chunk, and the later one wins.
    answers = {control.answer for control in recording.controls}
    assert Answer.APPLIED in answers
    assert answers <= {Answer.APPLIED, Answer.SUPERSEDED}
    assert len(recording.controls) == len(SCRIPT.cues)
    assert faults_of(written(recording, tmp_path_factory).session) == []


async def test_the_session_is_ended_when_the_play_is_over(gateway: GatewayServer, plane: FakeWorldPlane) -> None:
    await Player(gateway.address).play(SCRIPT, START)
    assert [link.is_closed for link in plane.links] == [True]


async def test_progress_is_told_chunk_by_chunk(gateway: GatewayServer) -> None:
    told: list[float] = []
    await Player(gateway.address, lambda now: told.append(now.world_time_s)).play(SCRIPT, START)
    assert told == pytest.approx([idx * 0.08 for idx in range(NUM_CHUNKS)])


async def test_a_lost_worker_is_told_with_all_that_came_before(
    gateway: GatewayServer, plane: FakeWorldPlane, tmp_path_factory: pytest.TempPathFactory
) -> None:
    plane.faults.lose_worker_at_chunk = 12
    recording = await Player(gateway.address).play(SCRIPT, START)
    assert len(recording.chunks) == 12
    assert "SessionEnded" in recording.failure
    faults = faults_of(written(recording, tmp_path_factory).session)
    assert any("chunks 0 to 29 expected, held 0-11" in fault for fault in faults), faults
    assert any("was never" in fault for fault in faults), faults


async def test_a_service_that_is_not_there_is_told(tmp_path_factory: pytest.TempPathFactory) -> None:
    recording = await Player(f"{HOST}:{free_port()}").play(SCRIPT, START)
    assert "Unavailable" in recording.failure
    faults = faults_of(written(recording, tmp_path_factory).session)
    assert "text: no session came about" in faults
