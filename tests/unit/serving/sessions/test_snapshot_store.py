"""Snapshots in a folder and in an object store of the S3 kind."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import boto3
import pytest

from serving.errors import (
    NacreError,
    SnapshotDamagedError,
    SnapshotForeignError,
    StorageUnavailableError,
)
from serving.sessions.manifest import PORTABLE
from serving.sessions.snapshot_store import SnapshotKey, SnapshotStore
from tests.fakes_model import INFO
from tests.snapshots import assert_same_snapshot, some_snapshot

KEY = SnapshotKey(session_id="s-1", epoch=1, chunk_idx=100)


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "folder":
        return str(tmp_path / "snapshots")
    endpoint = request.getfixturevalue("s3_endpoint")
    variables = {"ACCESS_KEY_ID": "key", "SECRET_ACCESS_KEY": "secret", "REGION": "us-east-1"}
    for name, value in {**variables, "ENDPOINT_URL": endpoint, "ALLOW_HTTP": "true"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    bucket = f"bucket-{uuid.uuid4().hex}"
    client = boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="k", aws_secret_access_key="s"
    )
    client.create_bucket(Bucket=bucket)
    client.close()
    return f"s3://{bucket}/nacre"


@pytest.fixture
def store(place: str) -> SnapshotStore:
    return SnapshotStore.open(place)


def test_a_snapshot_comes_back_bit_for_bit(store: SnapshotStore, place: str) -> None:
    saved = store.save(some_snapshot(), 1, INFO)
    assert saved.key == KEY
    assert saved.num_bytes == saved.num_new_bytes > 3 * 5 * 112 * 512
    assert_same_snapshot(some_snapshot(), SnapshotStore.open(place).load(KEY, INFO))


def test_what_did_not_change_is_stored_once(store: SnapshotStore) -> None:
    store.save(some_snapshot(chunk_idx=100, num_places=8), 1, INFO)
    later = store.save(some_snapshot(chunk_idx=200, num_places=8), 1, INFO)
    assert later.num_new_bytes < later.num_bytes / 10
    assert store.save(some_snapshot(chunk_idx=200, num_places=8), 1, INFO).num_new_bytes == 0


def test_what_is_there_is_listed_once_and_again_after_a_failure(
    store: SnapshotStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: list[str] = []
    sizes = SnapshotStore._sizes
    monkeypatch.setattr(SnapshotStore, "_sizes", lambda self, folder: listed.append(folder) or sizes(self, folder))
    for chunk_idx in (100, 200, 300):
        store.save(some_snapshot(chunk_idx=chunk_idx), 1, INFO)
    assert listed == ["sessions/s-1/1/parts"]
    store.drop([KEY], [replace(KEY, chunk_idx=200), replace(KEY, chunk_idx=300)], INFO)
    later = store.save(some_snapshot(chunk_idx=400), 1, INFO)
    assert len(listed) == 1, "it knows what it dropped"
    assert_same_snapshot(some_snapshot(chunk_idx=400), store.load(later.key, INFO))
    with monkeypatch.context() as patched, pytest.raises(StorageUnavailableError):
        patched.setattr("obstore.delete", failing)
        store.drop([replace(KEY, chunk_idx=200)], [], INFO)
    store.save(some_snapshot(chunk_idx=500), 1, INFO)
    assert len(listed) == 2
    store.save(some_snapshot(chunk_idx=400), 2, INFO)
    assert listed[2:] == ["sessions/s-1/2/parts"], "another epoch shares nothing"


def test_what_was_dropped_is_stored_again_where_it_is_needed_again(store: SnapshotStore) -> None:
    few, many = some_snapshot(chunk_idx=200, num_places=1), some_snapshot(chunk_idx=100, num_places=4)
    store.save(many, 1, INFO)
    kept = store.save(few, 1, INFO).key
    store.drop([KEY], [kept], INFO)
    again = replace(many, engine=replace(many.engine, next_chunk_idx=300))
    assert_same_snapshot(again, store.load(store.save(again, 1, INFO).key, INFO))


def test_another_snapshot_does_not_take_the_place_of_one(store: SnapshotStore) -> None:
    store.save(some_snapshot(num_places=2), 1, INFO)
    with pytest.raises(StorageUnavailableError, match="another snapshot"):
        store.save(some_snapshot(num_places=3), 1, INFO)
    assert_same_snapshot(some_snapshot(num_places=2), store.load(KEY, INFO))


def test_a_portable_snapshot_lies_beside_the_exact_one(store: SnapshotStore) -> None:
    store.save(some_snapshot(num_places=3), 1, INFO)
    saved = store.save(some_snapshot(num_places=1), 1, INFO, PORTABLE)
    assert saved.key.path.endswith("/000000000100.portable.json")
    assert_same_snapshot(some_snapshot(num_places=1), store.load(saved.key, INFO))
    store.drop([KEY], [saved.key], INFO)
    assert_same_snapshot(some_snapshot(num_places=1), store.load(saved.key, INFO))
    with pytest.raises(SnapshotDamagedError, match="missing"):
        store.load(KEY, INFO)


def test_holders_of_different_epochs_do_not_meet(store: SnapshotStore) -> None:
    store.save(some_snapshot(num_places=2), 1, INFO)
    store.save(some_snapshot(num_places=3), 2, INFO)
    store.drop([KEY], [], INFO)
    with pytest.raises(SnapshotDamagedError, match="missing"):
        store.load(KEY, INFO)
    assert_same_snapshot(
        some_snapshot(num_places=3), store.load(SnapshotKey(session_id="s-1", epoch=2, chunk_idx=100), INFO)
    )


def test_dropping_keeps_the_parts_that_others_need(store: SnapshotStore) -> None:
    for chunk_idx in (100, 200, 300):
        store.save(some_snapshot(chunk_idx=chunk_idx), 1, INFO)
    keys = [SnapshotKey(session_id="s-1", epoch=1, chunk_idx=chunk_idx) for chunk_idx in (100, 200, 300)]
    store.drop(keys[:2], keys[2:], INFO)
    store.drop(keys[:2], keys[2:], INFO)  # again, after having been interrupted
    assert_same_snapshot(some_snapshot(chunk_idx=300), store.load(keys[2], INFO))
    with pytest.raises(SnapshotDamagedError):
        store.load(keys[0], INFO)


def test_a_session_is_deleted_with_all_it_has(store: SnapshotStore) -> None:
    store.save(some_snapshot(), 1, INFO)
    store.save(some_snapshot(), 2, INFO)
    store.save(some_snapshot("s-10"), 1, INFO)
    store.delete_session("s-1")
    with pytest.raises(SnapshotDamagedError):
        store.load(KEY, INFO)
    store.load(SnapshotKey(session_id="s-10", epoch=1, chunk_idx=100), INFO)


def test_nothing_is_dropped_while_what_is_kept_cannot_be_read(
    store: SnapshotStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save(some_snapshot(chunk_idx=100), 1, INFO)
    store.save(some_snapshot(chunk_idx=200), 1, INFO)
    kept = SnapshotKey(session_id="s-1", epoch=1, chunk_idx=200)
    with monkeypatch.context() as patched, pytest.raises(StorageUnavailableError):
        patched.setattr("obstore.get", failing)
        SnapshotStore(store._store).drop([KEY], [kept], INFO)  # another worker's, which did not save them
    store.load(KEY, INFO)


def test_what_a_worker_saved_itself_it_drops_without_reading_it(
    store: SnapshotStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for chunk_idx in (100, 200):
        store.save(some_snapshot(chunk_idx=chunk_idx), 1, INFO)
    kept = SnapshotKey(session_id="s-1", epoch=1, chunk_idx=200)
    with monkeypatch.context() as patched:
        patched.setattr("obstore.get", failing)
        store.drop([KEY], [kept], INFO)
    assert_same_snapshot(some_snapshot(chunk_idx=200), store.load(kept, INFO))
    left = {path for path, _ in store.objects("s-1")}
    again = SnapshotStore(store._store)
    assert left == {kept.path, *again._part_paths(kept, None, INFO)}


def failing(*_: object) -> None:
    raise OSError("away")


@pytest.mark.parametrize(
    "session_id", ["../other", "a/b", "", ".", "..", "a\\b", "a" * 65, "a\n", "%2e%2e", "/etc", "é"]
)
def test_an_id_that_is_no_id_reaches_no_path(session_id: str) -> None:
    with pytest.raises(ValueError, match="session id"):
        SnapshotKey(session_id=session_id, epoch=1, chunk_idx=0)


# --- damage, by hand in a folder ---


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "snapshots"


@pytest.fixture
def saved(folder: Path) -> SnapshotStore:
    store = SnapshotStore.open(str(folder))
    store.save(some_snapshot(), 1, INFO)
    return store


def parts(folder: Path) -> list[Path]:
    return sorted(folder.glob("sessions/s-1/1/parts/*"))


def cut_short(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def flip_a_bit(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)


def grow(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"x")


@pytest.mark.parametrize("damage", [cut_short, flip_a_bit, grow, Path.unlink, lambda file: file.write_bytes(b"")])
def test_every_damaged_part_is_found(saved: SnapshotStore, folder: Path, damage: Callable[[Path], None]) -> None:
    for file in parts(folder):
        whole = file.read_bytes()
        damage(file)
        with pytest.raises(SnapshotDamagedError):
            saved.load(KEY, INFO)
        file.write_bytes(whole)
    saved.load(KEY, INFO)


def test_a_huge_manifest_is_not_read(saved: SnapshotStore, folder: Path) -> None:
    [manifest] = folder.glob("sessions/s-1/1/*.json")
    with manifest.open("r+b") as file:
        file.truncate(1 << 40)  # sparse: a terabyte that is nowhere
    with pytest.raises(SnapshotDamagedError, match="at most"):
        saved.load(KEY, INFO)


def test_a_snapshot_of_another_session_or_model_is_refused(saved: SnapshotStore, folder: Path) -> None:
    shutil.copytree(folder / "sessions/s-1", folder / "sessions/s-2")
    with pytest.raises(SnapshotDamagedError, match="another session"):
        saved.load(SnapshotKey(session_id="s-2", epoch=1, chunk_idx=100), INFO)
    with pytest.raises(SnapshotForeignError):
        saved.load(KEY, replace(INFO, weights_sha256="1" * 64))


def test_a_snapshot_is_of_the_kind_that_its_name_says(saved: SnapshotStore, folder: Path) -> None:
    [manifest] = folder.glob("sessions/s-1/1/*.json")
    manifest.rename(manifest.with_suffix(".portable.json"))
    with pytest.raises(SnapshotDamagedError, match="of kind exact"):
        saved.load(replace(KEY, kind=PORTABLE), INFO)
    with pytest.raises(ValueError, match="kind"):
        replace(KEY, kind="../other")


# --- a disk that is full ---


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk with room for one snapshot of three places, and not for two."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1200k", "nacre-test", disk], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("a disk of its own takes root: the test with a limit on files does without")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_disk_that_fills_up_fails_the_save_and_leaves_no_half_snapshot(small_disk: Path) -> None:
    store = SnapshotStore.open(str(small_disk / "snapshots"))
    store.save(some_snapshot(), 1, INFO)
    with pytest.raises(StorageUnavailableError, match="cannot be saved"):
        store.save(some_snapshot("s-2", num_places=5), 1, INFO)
    assert [each for each in small_disk.glob("snapshots/sessions/s-2/**/*") if each.is_file()] == []
    assert_same_snapshot(some_snapshot(), store.load(KEY, INFO))
    store.save(some_snapshot(chunk_idx=200), 1, INFO)  # there is room for what is new in it


@pytest.fixture
def full_disk() -> Iterator[None]:
    """No file may grow beyond 100 KB; the signal that comes with it is ignored by Python."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_fails_the_save_and_leaves_what_was_there(
    saved: SnapshotStore, folder: Path, request: pytest.FixtureRequest
) -> None:
    num_parts = len(parts(folder))
    request.getfixturevalue("full_disk")
    with pytest.raises(StorageUnavailableError, match="cannot be saved"):
        saved.save(some_snapshot(chunk_idx=200, num_places=5), 1, INFO)
    assert not list(folder.glob("sessions/s-1/1/*200.json"))
    assert len(parts(folder)) == num_parts
    assert_same_snapshot(some_snapshot(), saved.load(KEY, INFO))


def test_a_place_that_cannot_be_a_store_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageUnavailableError):
        SnapshotStore.open(str(tmp_path / "file"))
    with pytest.raises(StorageUnavailableError):
        SnapshotStore.open("gopher://bucket")


def test_a_store_that_is_away_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    from obstore.store import S3Store

    store = S3Store(
        "bucket",
        endpoint="http://127.0.0.1:9",
        access_key_id="key",
        secret_access_key="secret",
        client_options={"allow_http": True},
        retry_config={"max_retries": 0},
    )
    with pytest.raises(NacreError) as failed:
        SnapshotStore(store).save(some_snapshot(), 1, INFO)
    assert isinstance(failed.value, StorageUnavailableError)
