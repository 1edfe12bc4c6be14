"""The commands, on a session that was really played with a small model."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from serving.catalogue.database import Database, sqlite_url
from serving.catalogue.histories import compare
from serving.catalogue.plane import catalogued
from serving.catalogue.sessions import Sessions
from serving.catalogue.storage import prepare_storage, storage_config
from serving.catalogue.worlds import NewWorld, Worlds
from serving.cli.app import app
from serving.cli.asking import FAULT, USAGE_ERROR
from serving.local import LocalPlane
from serving.sessions.contract import Control, DecodedChunk, Move, SessionSpec, WorldSpec
from serving.stages.host import WorkerConfig
from serving.stages.stage import Stage
from tests.catalogues import new_session
from tests.fakes_model import FakeModel

NUM_CHUNKS = 6
MODEL = "tests.fakes_model:load"


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with one session that was played to its end."""
    folder = tmp_path_factory.mktemp("data")
    asyncio.run(_play(folder))
    return folder


async def _play(folder: Path) -> None:
    storage = storage_config(str(folder))
    prepare_storage(storage)
    config = WorkerConfig(stages=frozenset(Stage), storage=storage)
    async with LocalPlane(FakeModel(), config) as local, catalogued(local, storage) as plane:
        world = WorldSpec(model="fake", seed=5, prompt="a quiet street at dusk")
        link = await plane.open(SessionSpec(session_id="s-1", world=world))
        await link.send(Control(control_id="go", kind=Move(forward=1.0, strafe=0.0), received_s=1.0))
        await link.grant(NUM_CHUNKS)
        async for event in link.events():
            if isinstance(event, DecodedChunk) and event.chunk_idx == NUM_CHUNKS - 1:
                break
        await link.close()


@pytest.fixture
def copy(played: Path, tmp_path: Path) -> Path:
    """A data folder to be tampered with."""
    shutil.copytree(played, tmp_path, dirs_exist_ok=True)
    return tmp_path


def tamper(folder: Path, statement: str) -> None:
    with Database(sqlite_url(folder / "catalogue.db")) as database, database.write() as connection:
        connection.execute(text(statement))


def run(*arguments: str, folder: Path) -> tuple[int, str]:
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, [*arguments, "--data-folder", str(folder)])
    return result.exit_code, result.output


def run_json(*arguments: str, folder: Path) -> tuple[int, dict]:
    status, output = run(*arguments, "--json", folder=folder)
    return status, json.loads(output)


def test_sessions_are_listed(played: Path) -> None:
    status, output = run("sessions", folder=played)
    assert status == 0
    assert "s-1" in output
    assert "a quiet street at dusk" in output
    status, output = run("sessions", "--json", folder=played)
    [session] = json.loads(output)
    assert (session["state"], session["num_chunks"], session["num_records"]) == ("ended", NUM_CHUNKS, 3)
    assert session["world"]["seed"] == 5


def test_nothing_is_cut_where_no_terminal_reads(copy: Path) -> None:
    session_id = f"s-{'long' * 12}"
    with Database(sqlite_url(copy / "catalogue.db")) as database:
        Sessions(database).create(replace(new_session(session_id), model="a-model-with-a-name-of-some-length"))
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    listed = subprocess.run(
        [sys.executable, "-m", "serving.cli.app", "sessions", "--data-folder", copy],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    (line,) = [each for each in listed.stdout.splitlines() if session_id in each]
    assert "a-model-with-a-name-of-some-length" in line
    assert len(line) > 120
    assert "…" not in listed.stdout


def test_a_parked_session_and_the_tree_around_it_are_shown(copy: Path) -> None:
    with Database(sqlite_url(copy / "catalogue.db")) as database:
        sessions = Sessions(database)
        sessions.fork(new_session("s-2"), "s-1", 4, label="what [bold]if")
        sessions.park("s-2", sessions.acquire("s-2", "worker").epoch, 9)
        sessions.fork(new_session("s-3"), "s-2", 2)
    _, output = run("sessions", "--json", folder=copy)
    assert {each["session_id"]: each["state"] for each in json.loads(output)}["s-2"] == "parked"
    assert "parked" in run("sessions", folder=copy)[1]
    status, output = run("sessions", "--tree", "s-3", folder=copy)
    assert status == 0
    assert [line.strip(" └─├│") for line in output.splitlines()] == [
        "s-1, ended, 6 chunks",
        's-2 from chunk 4, parked, 9 chunks "what [bold]if"',
        "s-3 from chunk 2, open, 2 chunks",
    ]
    _, output = run("sessions", "--tree", "s-1", "--json", folder=copy)
    assert [
        (node["session_id"], node["parent_session_id"], node["parent_chunk_idx"]) for node in json.loads(output)
    ] == [
        ("s-1", None, None),
        ("s-2", "s-1", 4),
        ("s-3", "s-2", 2),
    ]
    assert run("sessions", "--tree", "s-9", folder=copy)[0] == USAGE_ERROR


def test_w09_worlds_are_listed_with_their_versions(copy: Path) -> None:
    with Database(sqlite_url(copy / "catalogue.db")) as database:
        for number, name in enumerate(("dusk", "dawn", "dusk")):
            new = NewWorld(
                world_id=f"w-{number}",
                name=name,
                model="fake",
                weights_sha256="0" * 64,
                spec={"prompt": "a quiet street"},
                session_id="s-1",
                epoch=1,
                chunk_idx=5,
                num_bytes=3_300_000,
            )
            Worlds(database).add(new)
    status, output = run("worlds", "--name", "dusk", "--json", folder=copy)
    assert status == 0
    assert [(world["world_id"], world["version"]) for world in json.loads(output)] == [("w-2", 2), ("w-0", 1)]
    output = run("worlds", folder=copy)[1]
    assert all(word in output for word in ("w-0", "w-1", "dawn", "3.3", "a quiet street"))


def test_a_session_that_nobody_holds_was_interrupted(copy: Path) -> None:
    tamper(copy, "UPDATE sessions SET state = 'open'")
    _, output = run("sessions", "--json", folder=copy)
    assert json.loads(output)[0]["state"] == "interrupted"


def test_an_untouched_journal_is_verified(played: Path) -> None:
    assert run_json("verify", "s-1", folder=played) == (0, {"session_id": "s-1", "num_records": 3, "fault": None})
    assert "all as they were written" in run("verify", "s-1", folder=played)[1]


def test_a_journal_that_was_tampered_with_is_told_by_its_record(copy: Path) -> None:
    tamper(copy, "UPDATE journal SET record = replace(record, '1.0', '0.5') WHERE seq = 1")
    status, found = run_json("verify", "s-1", folder=copy)
    assert (status, found["fault"]["seq"]) == (FAULT, 1)
    assert "record 1 was altered" in run("verify", "s-1", folder=copy)[1]
    status, output = run("replay", "s-1", "--model", MODEL, folder=copy)
    assert status == USAGE_ERROR
    assert "record 1" in output


def test_a_replay_gives_what_was_delivered(played: Path) -> None:
    expected = {"session_id": "s-1", "num_chunks": NUM_CHUNKS, "num_compared": NUM_CHUNKS, "first_difference": None}
    assert run_json("replay", "s-1", "--model", MODEL, folder=played) == (0, expected)
    assert "all the same" in run("replay", "s-1", "--model", MODEL, "--chunks", "2", folder=played)[1]


def test_a_replay_names_the_first_chunk_that_differs(copy: Path) -> None:
    with Database(sqlite_url(copy / "catalogue.db")) as database, database.write() as connection:
        hashes = bytearray(connection.execute(text("SELECT hashes FROM receipts")).scalar_one())
        hashes[4 * 32] ^= 1
        connection.execute(text("UPDATE receipts SET hashes = :hashes"), {"hashes": bytes(hashes)})
    status, found = run_json("replay", "s-1", "--model", MODEL, folder=copy)
    assert (status, found["first_difference"]) == (FAULT, 4)
    assert "chunk 4 is the first" in run("replay", "s-1", "--model", MODEL, folder=copy)[1]


def test_x05_a_branch_is_replayed_with_what_it_shares(copy: Path) -> None:
    """It has nothing of its own yet; the control it shares was applied at an earlier chunk."""
    with Database(sqlite_url(copy / "catalogue.db")) as database:
        Sessions(database).fork(new_session("s-2"), "s-1", 4)
        comparison = compare(database, "s-2", FakeModel())
    assert (comparison.num_chunks, comparison.num_compared, comparison.is_same) == (4, 4, True)


def test_another_model_does_not_replay_a_session(played: Path) -> None:
    status, output = run("replay", "s-1", "--model", "tests.unit.serving.cli.test_app:other_model", folder=played)
    assert status == USAGE_ERROR
    assert "was made by fake" in output


def other_model() -> FakeModel:
    return FakeModel(info=replace(FakeModel().info, weights_sha256="1" * 64))


@pytest.mark.parametrize("command", ["verify", "replay"])
def test_an_unknown_session_is_told_in_a_line(played: Path, command: str) -> None:
    status, output = run(command, "s-9", folder=played)
    assert (status, output.count("\n")) == (USAGE_ERROR, 1)
    assert "no session" in output


def test_a_folder_without_a_catalogue_is_told_and_stays_empty(tmp_path: Path) -> None:
    status, output = run("sessions", folder=tmp_path)
    assert status == USAGE_ERROR
    assert "no catalogue" in output
    assert list(tmp_path.iterdir()) == []


def test_help_names_the_commands() -> None:
    output = CliRunner().invoke(app, ["--help"]).output
    assert all(command in output for command in ("sessions", "worlds", "workers", "drain", "verify", "replay"))
