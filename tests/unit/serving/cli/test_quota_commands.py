"""`nacre quotas` on a catalogue."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from serving.cli.app import app
from serving.cli.asking import USAGE_ERROR


def run(*arguments: str, folder: Path) -> tuple[int, str]:
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["quotas", *arguments, "--data-folder", str(folder)])
    return result.exit_code, result.output


def run_json(*arguments: str, folder: Path) -> Any:
    status, output = run(*arguments, "--json", folder=folder)
    assert status == 0
    return json.loads(output)


def test_b12_what_is_said_of_a_tenant_stays_until_it_is_said_otherwise(tmp_path: Path) -> None:
    run("set", "acme", "--sessions", "4", "--weight", "2", folder=tmp_path)
    [state] = run_json("set", "acme", "--storage", "1000", folder=tmp_path)
    assert (state["limits"]["concurrent_sessions"], state["limits"]["storage_bytes"], state["weight"]) == (4, 1000, 2)
    assert state["left"]["storage_bytes"] == 1000
    [state] = run_json("set", "acme", "--reset", "--seconds", "60", folder=tmp_path)
    assert state["limits"]["concurrent_sessions"] is None
    assert (state["limits"]["session_seconds_per_day"], state["weight"]) == (60, 1)


def test_what_holds_for_all_comes_from_the_settings(tmp_path: Path) -> None:
    file = tmp_path / "nacre.toml"
    file.write_text("[gateway.admission]\nconcurrent_sessions = 3\n")
    run("set", "acme", "--storage", "5", folder=tmp_path)
    status, output = run("show", "--config", str(file), folder=tmp_path)
    assert status == 0
    assert "0 of 3" in output
    [state] = run_json("show", "other", "--config", str(file), folder=tmp_path)
    assert (state["tenant_id"], state["limits"]["concurrent_sessions"]) == ("other", 3)


def test_a_limit_that_is_none_is_refused(tmp_path: Path) -> None:
    assert run("set", "acme", "--sessions", "-1", folder=tmp_path)[0] == USAGE_ERROR
    assert run("set", "acme", "--weight", "0", folder=tmp_path)[0] == USAGE_ERROR
