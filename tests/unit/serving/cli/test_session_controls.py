from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from serving.catalogue.plane import catalogued
from serving.catalogue.storage import prepare_storage, storage_config
from serving.cli.app import app
from serving.local import LocalPlane
from serving.sessions.attribution import Loss, Schedule, Sender
from serving.sessions.contract import Control, DecodedChunk, Directive, Move, SessionSpec, WorldSpec
from serving.stages.host import WorkerConfig
from serving.stages.stage import Stage
from tests.fakes_model import FakeModel

NUM_CHUNKS = 4
ANN = Sender(subject_id="key:ann", client_id="ann-1")
AHEAD = Move(forward=1.0, strafe=0.0)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a session that two clients told something, and somebody before there were names."""
    folder = tmp_path_factory.mktemp("data")
    asyncio.run(_play(folder))
    return folder


async def _play(folder: Path) -> None:
    storage = storage_config(str(folder))
    prepare_storage(storage)
    config = WorkerConfig(stages=frozenset(Stage), storage=storage)
    lost = Loss(by_control_id="go", reason="DIRECTOR")
    controls = [
        Control(control_id="go", kind=AHEAD, received_s=1.0, sender=ANN),
        Control(control_id="lost", kind=AHEAD, received_s=2.0, sender=ANN, loss=lost),
        Control(control_id="later", kind=Directive(text="it rains"), received_s=3.0, schedule=Schedule(chunk_idx=900)),
    ]
    async with LocalPlane(FakeModel(), config) as local, catalogued(local, storage) as plane:
        link = await plane.open(
            SessionSpec(session_id="s-1", world=WorldSpec(model="fake", seed=5, prompt="a quiet street"))
        )
        for each in controls:
            await link.send(each)
        await link.grant(NUM_CHUNKS)
        async for event in link.events():
            if isinstance(event, DecodedChunk) and event.chunk_idx == NUM_CHUNKS - 1:
                break
        await link.park()


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return result.output


def test_p_03_a_session_shows_who_sent_what_and_what_became_of_it(played: Path) -> None:
    shown = json.loads(run("sessions", "show", "s-1", "--json", "--data-folder", str(played)))
    controls = {each["control_id"]: each for each in shown["controls"]}
    assert list(controls) == ["go", "lost", "later"]
    assert (controls["go"]["subject_id"], controls["go"]["client_id"]) == ("key:ann", "ann-1")
    assert controls["go"]["applied_chunk_idx"] in range(NUM_CHUNKS)
    assert (controls["lost"]["superseded_by"], controls["lost"]["superseded_for"]) == ("go", "DIRECTOR")
    assert (controls["later"]["subject_id"], controls["later"]["schedule"]["chunk_idx"]) == ("", 900)


def test_a_session_is_shown_to_people(played: Path) -> None:
    shown = run("sessions", "show", "s-1", "--data-folder", str(played))
    assert "3 controls" in shown
    for words in ("key:ann", "it rains", "superseded by go director", "waits"):
        assert words in shown


def test_sessions_are_listed_as_before(played: Path) -> None:
    assert "s-1" in run("sessions", "--limit", "5", "--data-folder", str(played))
