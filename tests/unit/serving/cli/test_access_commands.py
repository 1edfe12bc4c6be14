"""`nacre access`, and whose things are in the lists of operators."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from serving.access.ownership import Ownership
from serving.catalogue.database import Database, sqlite_url
from serving.catalogue.sessions import Sessions
from serving.catalogue.worlds import NewWorld, Worlds
from serving.cli.app import app
from tests.catalogues import new_session


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with Database(sqlite_url(tmp_path / "catalogue.db")) as database:
        database.migrate()
        for number, tenant_id in enumerate(("acme", "other")):
            ownership = Ownership(tenant_id=tenant_id, owner_id="key:1", licence="CC0-1.0", inputs=("words",))
            new = replace(new_session(f"s-{number}"), ownership=ownership)
            Sessions(database).create(new)
            Worlds(database).add(
                NewWorld(
                    world_id=f"w-{number}",
                    name="dusk",
                    model="fake",
                    weights_sha256="0" * 64,
                    spec={"prompt": "a quiet street"},
                    session_id=new.session_id,
                    epoch=1,
                    chunk_idx=5,
                    ownership=ownership,
                )
            )
    return tmp_path


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, [*arguments, "--data-folder", str(folder)], env={"COLUMNS": "200"})
    return result.exit_code, result.output


def test_e03_operators_say_who_else_may_do_what_with_a_world(folder: Path) -> None:
    assert json.loads(run(folder, "access", "w-0", "--json")[1]) == []
    run(folder, "access", "w-0", "--allow", "viewer=other")
    status, output = run(folder, "access", "w-0", "--allow", "owner=other/key:2", "--json")
    assert status == 0
    assert json.loads(output) == [
        {"role": "viewer", "tenant_id": "other", "subject_id": ""},
        {"role": "owner", "tenant_id": "other", "subject_id": "key:2"},
    ]
    assert "everybody" in run(folder, "access", "w-0")[1]
    assert json.loads(run(folder, "access", "w-0", "--clear", "--json")[1]) == []


@pytest.mark.parametrize("line", ["viewer", "friend=other", "admin=other", "viewer=", "viewer=other/", "viewer=No"])
def test_e03_a_line_that_makes_no_sense_is_refused_and_changes_nothing(folder: Path, line: str) -> None:
    run(folder, "access", "w-0", "--allow", "viewer=other")
    assert run(folder, "access", "w-0", "--clear", "--allow", line)[0] == 2
    assert len(json.loads(run(folder, "access", "w-0", "--json")[1])) == 1


def test_e03_a_world_that_is_not_there_has_no_list(folder: Path) -> None:
    status, output = run(folder, "access", "w-9", "--allow", "viewer=other")
    assert status == 2
    assert "no world w-9" in output


@pytest.mark.parametrize(("command", "name"), [("sessions", "session_id"), ("worlds", "world_id")])
def test_x06_lists_tell_whose_things_are(folder: Path, command: str, name: str) -> None:
    rows = json.loads(run(folder, command, "--json")[1])
    assert {row["tenant_id"] for row in rows} == {"acme", "other"}
    [row] = json.loads(run(folder, command, "--tenant", "acme", "--json")[1])
    assert row[name].endswith("-0")
    assert (row["owner_id"], row["licence"], row["inputs"]) == ("key:1", "CC0-1.0", ["words"])
    assert "acme" in run(folder, command)[1]
