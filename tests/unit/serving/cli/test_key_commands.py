"""`nacre keys` and `nacre tenants` on a catalogue."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from serving.access.keys import read_key
from serving.access.roles import Role
from serving.catalogue.api_keys import ApiKeys
from serving.catalogue.database import Database, sqlite_url
from serving.cli.app import app
from serving.cli.asking import USAGE_ERROR
from serving.cli.duration import parse_duration_s


def run(*arguments: str, folder: Path) -> tuple[int, str, str]:
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, [*arguments, "--data-folder", str(folder)])
    return result.exit_code, result.stdout, result.stderr


def run_json(*arguments: str, folder: Path) -> Any:
    status, output, _ = run(*arguments, "--json", folder=folder)
    assert status == 0
    return json.loads(output)


def test_b12_the_first_key_is_made_before_any_service_ran_and_printed_alone(tmp_path: Path) -> None:
    status, output, _ = run("keys", "create", "--role", "admin", folder=tmp_path)
    assert status == 0
    secret = read_key(output.strip())
    assert secret is not None
    with Database(sqlite_url(tmp_path / "catalogue.db")) as database:
        known = ApiKeys(database).find(secret.key_id)
    assert known is not None
    assert secret.fits(known.secret_sha256)
    assert (known.row.role, known.row.tenant_id) == (Role.ADMIN, "default")


def test_b12_the_secret_is_nowhere_in_the_catalogue(tmp_path: Path) -> None:
    made = run_json("keys", "create", folder=tmp_path)
    secret = made["secret"].split("_", 2)[2].encode()
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir() if file.is_file())
    assert made["key_id"].encode() in kept
    assert secret not in kept


def test_keys_are_listed_with_what_became_of_them(tmp_path: Path) -> None:
    run("tenants", "create", "acme", "--name", "Acme", folder=tmp_path)
    first = run_json(
        "keys", "create", "--tenant", "acme", "--name", "[bold]game[/]", "--expires-in", "90d", folder=tmp_path
    )
    second = run_json("keys", "create", "--role", "viewer", folder=tmp_path)
    assert run_json("keys", "revoke", second["key_id"], folder=tmp_path)["revoked"] is not None
    listed = run_json("keys", "list", folder=tmp_path)
    assert {row["key_id"] for row in listed} == {first["key_id"], second["key_id"]}
    assert not [row for row in listed if "secret" in row]
    assert [row["key_id"] for row in run_json("keys", "list", "--tenant", "acme", folder=tmp_path)] == [first["key_id"]]
    _, table, _ = run("keys", "list", folder=tmp_path)
    assert "[bold]game[/]" in table
    assert "revoked" in table


def test_a_rotated_key_has_a_follower_that_allows_the_same(tmp_path: Path) -> None:
    old = run_json("keys", "create", "--role", "player", "--name", "game", folder=tmp_path)
    new = run_json("keys", "rotate", old["key_id"], "--grace", "1h", folder=tmp_path)
    assert (new["role"], new["name"], new["expires"]) == ("player", "game", None)
    assert new["secret"] != old["secret"]
    by_id = {row["key_id"]: row for row in run_json("keys", "list", folder=tmp_path)}
    assert by_id[old["key_id"]]["expires"] is not None


def test_tenants_are_made_suspended_and_restored(tmp_path: Path) -> None:
    assert run_json("tenants", "create", "acme", folder=tmp_path)["suspended"] is None
    assert run_json("tenants", "suspend", "acme", folder=tmp_path)["suspended"] is not None
    _, table, _ = run("tenants", "list", folder=tmp_path)
    assert "suspended" in table
    assert run_json("tenants", "restore", "acme", folder=tmp_path)["suspended"] is None
    assert [row["tenant_id"] for row in run_json("tenants", "list", folder=tmp_path)] == ["acme", "default"]


@pytest.mark.parametrize(("arguments", "words"), [
    (("keys", "create", "--tenant", "globex"), "no tenant of that id"),
    (("keys", "create", "--expires-in", "soon"), "no duration"),
    (("keys", "revoke", "nosuchkey"), "no key of that id"),
    (("keys", "rotate", "nosuchkey"), "no key of that id"),
    (("tenants", "create", "default"), "already"),
    (("tenants", "create", "Acme Inc"), "a-z"),
    (("tenants", "suspend", "globex"), "no tenant of that id"),
])  # fmt: skip
def test_what_cannot_be_done_is_said_in_a_line(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    run("tenants", "list", folder=tmp_path)
    run("keys", "create", folder=tmp_path)
    status, _, told = run(*arguments, folder=tmp_path)
    assert status == USAGE_ERROR
    assert words in told
    assert "Traceback" not in told


@pytest.mark.parametrize(
    ("text", "seconds"), [("45s", 45), ("30m", 1800), ("12h", 43200), ("1.5d", 129600), ("2w", 1209600)]
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "90", "d", "-1d", "1 d", "1y", "1e3s"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="no duration"):
        parse_duration_s(text)
