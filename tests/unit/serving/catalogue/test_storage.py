from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from serving.catalogue.database import Database, sqlite_url
from serving.catalogue.sessions import Sessions
from serving.catalogue.storage import default_data_folder, prepare_storage, storage_config, worker_name
from serving.errors import StorageUnavailableError
from serving.gateway.validation import check_id


def test_everything_lies_in_the_data_folder_unless_said_otherwise(tmp_path: Path) -> None:
    config = storage_config(str(tmp_path))
    assert config.catalogue_url == sqlite_url(tmp_path / "catalogue.db")
    assert config.snapshots == str(tmp_path / "snapshots")
    elsewhere = storage_config(str(tmp_path), "postgresql://nacre@db/nacre", "s3://bucket/nacre")
    assert (elsewhere.catalogue_url, elsewhere.snapshots) == ("postgresql://nacre@db/nacre", "s3://bucket/nacre")


def test_the_usual_folder_is_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_data_folder() == tmp_path / "nacre"


def test_preparing_makes_what_is_missing_for_the_owner_alone(tmp_path: Path) -> None:
    config = storage_config(str(tmp_path / "deep" / "data"))
    prepare_storage(config)
    prepare_storage(config)
    assert stat.S_IMODE((tmp_path / "deep" / "data").stat().st_mode) == 0o700
    assert sorted(each.name for each in (tmp_path / "deep" / "data").iterdir()) == ["catalogue.db", "snapshots"]
    with Database(config.catalogue_url) as database:
        assert Sessions(database).latest() == []


def test_a_folder_that_cannot_be_written_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageUnavailableError, match="file/data cannot be written.*NACRE_DATA_FOLDER"):
        prepare_storage(storage_config(str(tmp_path / "file" / "data")))


def test_settings_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not in mysql"):
        storage_config(str(tmp_path), "mysql://db/nacre")
    with pytest.raises(ValueError, match="snapshot_every_chunks"):
        storage_config(str(tmp_path), snapshot_every_chunks=-1)


def test_no_two_workers_have_one_name() -> None:
    assert worker_name() != worker_name()


@pytest.mark.parametrize("host", ["box", "node-1.rack.example.org", "x" * 64, "_ü_"])
def test_a_workers_name_is_an_id_that_tells_its_process(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: host)
    assert check_id(worker_name(), "worker_id").split("-")[-2] == str(os.getpid())
