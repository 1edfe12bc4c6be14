"""What an owner may ask for: all that it has, as a file; and that all of it goes."""

from __future__ import annotations

import asyncio
import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update
from typer.testing import CliRunner

from serving.access.ownership import Ownership
from serving.access.principal import Principal
from serving.access.roles import Role
from serving.books.archive import ArchiveDamagedError, check_archive, export_all, read_lines
from serving.books.audit import CallNote, audit_entry
from serving.books.chain import Book, BookId, Entry
from serving.books.erasure import Eraser
from serving.books.ledger import Ledger
from serving.books.owner import Owner
from serving.catalogue.database import Database
from serving.catalogue.library import Library
from serving.catalogue.plane import catalogued
from serving.catalogue.schema import sessions
from serving.catalogue.sessions import NewSession, Sessions
from serving.catalogue.storage import StorageConfig, prepare_storage, storage_config
from serving.catalogue.worlds import NewWorld
from serving.cli.app import app
from serving.cli.asking import FAULT
from serving.engine.config import EngineConfig
from serving.errors import SessionStateError
from serving.local import LocalPlane
from serving.sessions.contract import DecodedChunk, SessionSpec, WorldSpec
from serving.sessions.snapshot_store import SnapshotStore
from serving.stages.host import WorkerConfig
from serving.stages.stage import Stage
from tests.fakes_model import FakeModel

ACME, BETA = Ownership(tenant_id="acme", owner_id="key:a"), Ownership(tenant_id="beta", owner_id="key:b")
OTHER = Ownership(tenant_id="acme", owner_id="key:other")
OWNERS = {"s-acme": ACME, "s-other": OTHER, "s-beta": BETA}
NUM_CHUNKS = 6


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with three owners' sessions, played, snapshotted and saved; their books written."""
    folder = tmp_path_factory.mktemp("data")
    storage = storage_config(str(folder), snapshot_every_chunks=2)
    prepare_storage(storage)
    asyncio.run(_play(storage))
    with Database(storage.catalogue_url) as database:
        library = Library(database, storage)
        for session_id, ownership in OWNERS.items():
            _save(library, session_id, ownership)
            maker = Principal(tenant_id=ownership.tenant_id, subject_id=ownership.owner_id, role=Role.OWNER)
            library.shares.create(session_id=session_id, scope="view", maker=maker)
            _write_books(Ledger(database), session_id, ownership)
    return folder


@pytest.fixture
def storage(played: Path, tmp_path: Path) -> StorageConfig:
    """A copy, to take things out of."""
    shutil.copytree(played, tmp_path / "data")
    return storage_config(str(tmp_path / "data"), snapshot_every_chunks=2)


@pytest.fixture
def database(storage: StorageConfig) -> Iterator[Database]:
    with Database(storage.catalogue_url) as database:
        yield database


async def _play(storage: StorageConfig) -> None:
    engine = EngineConfig(num_slots=3, snapshot_every_chunks=2)
    config = WorkerConfig(stages=frozenset(Stage), storage=storage, engine=engine)
    async with LocalPlane(FakeModel(), config) as local, catalogued(local, storage) as plane:
        for session_id, ownership in OWNERS.items():
            world = WorldSpec(model="fake", seed=5, prompt=f"the secret garden of {session_id}")
            link = await plane.open(SessionSpec(session_id=session_id, world=world, ownership=ownership))
            await link.grant(NUM_CHUNKS)
            async for event in link.events():
                if isinstance(event, DecodedChunk) and event.chunk_idx == NUM_CHUNKS - 1:
                    break
            await link.close()


def _save(library: Library, session_id: str, ownership: Ownership) -> None:
    row = library.sessions.find(session_id)
    library.worlds.add(
        NewWorld(
            world_id=f"w-{session_id}",
            name="garden",
            session_id=session_id,
            epoch=row.lease.epoch,
            chunk_idx=row.num_chunks,
            num_bytes=1,
            model=row.model,
            weights_sha256=row.weights_sha256,
            spec=row.spec,
            note="",
            ownership=ownership,
        )
    )


def _write_books(ledger: Ledger, session_id: str, ownership: Ownership) -> None:
    note = CallNote(method="/nacre.v1.SessionService/CreateSession", time_s=1.0, peer="ipv4:192.0.2.7:9")
    _, call = audit_entry(note, f"call-{session_id}", "salt")
    used = Entry(
        key=f"used-{session_id}",
        kind="session",
        time_s=2.0,
        session_id=session_id,
        body={"num_frames": 6},
        personal={"subject_id": ownership.owner_id},
        salt="salt",
    )
    personal = {**call.personal, "subject_id": ownership.owner_id}
    own_call = Entry(key=call.key, kind=call.kind, time_s=1.0, body=call.body, personal=personal, salt="salt")
    tenant_id = ownership.tenant_id
    ledger.append({BookId(Book.USAGE, tenant_id): [used], BookId(Book.AUDIT, tenant_id): [own_call]})


def traces_of(storage: StorageConfig, words: tuple[bytes, ...]) -> list[tuple[str, bytes]]:
    """Files that hold any of the words, in their names or in themselves."""
    root = Path(storage.snapshots).parent
    found = []
    for file in sorted(each for each in root.rglob("*") if each.is_file()):
        data = file.read_bytes() + str(file.relative_to(root)).encode()
        found += [(file.name, word) for word in words if word in data]
    return found


def eraser_of(database: Database, storage: StorageConfig) -> Eraser:
    return Eraser(database, Library(database, storage))


def vacuum(database: Database) -> None:
    """SQLite leaves what was deleted in free pages until they are used again."""
    with database.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("VACUUM")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def test_x06_nothing_of_a_tenant_is_left_but_what_was_used(database: Database, storage: StorageConfig) -> None:
    words = (b"garden of s-acme", b"key:a", b"key:other")
    assert {word for _, word in traces_of(storage, words)} == set(words)
    certificate = eraser_of(database, storage).erase(Owner(tenant_id="acme"))
    vacuum(database)
    assert traces_of(storage, words) == []
    assert set(certificate.fields["sessions"]) == {"s-acme", "s-other"}
    assert set(certificate.fields["worlds"]) == {"w-s-acme", "w-s-other"}
    assert len(certificate.fields["share_links"]) == 2
    assert certificate.is_complete
    ledger = Ledger(database)
    for book in Book:
        book_id = BookId(book, "acme")
        assert ledger.verify(book_id) is None
        mark = ledger.latest(book_id, limit=1)[0]
        assert mark.fields["certificate_sha256"] == certificate.sha256
        assert mark.fields["num_rows"] == 2
    assert Library(database, storage).sessions.find("s-beta").ownership.tenant_id == "beta"
    assert ledger.read(BookId(Book.USAGE, "beta"))[0].subject_id == "key:b"


def test_x06_one_subject_goes_and_the_rest_of_its_tenant_stays(database: Database, storage: StorageConfig) -> None:
    certificate = eraser_of(database, storage).erase(Owner(tenant_id="acme", subject_id="key:a"))
    vacuum(database)
    assert certificate.fields["sessions"] == ["s-acme"]
    assert traces_of(storage, (b"garden of s-acme", b"key:a")) == []
    library = Library(database, storage)
    assert library.sessions.find("s-other").ownership.owner_id == "key:other"
    assert list(SnapshotStore.open(storage.snapshots).objects("s-acme")) == []
    assert list(SnapshotStore.open(storage.snapshots).objects("s-other"))
    rows = Ledger(database).read(BookId(Book.USAGE, "acme"))
    assert [row.subject_id for row in rows] == [None, "key:other", None]


def test_x06_what_runs_is_not_erased(database: Database, storage: StorageConfig) -> None:
    with database.write() as connection:
        running = update(sessions).where(sessions.c.session_id == "s-acme")
        connection.execute(running.values(lease_until_s=9e12))
    with pytest.raises(SessionStateError, match="s-acme"):
        eraser_of(database, storage).erase(Owner(tenant_id="acme"))
    assert Sessions(database).find("s-other")


def test_x06_what_anothers_session_goes_on_from_is_kept_and_told(database: Database, storage: StorageConfig) -> None:
    table = Sessions(database)
    parent = table.find("s-acme")
    new = NewSession(
        session_id="s-fork", model=parent.model, weights_sha256=parent.weights_sha256, spec=parent.spec, ownership=BETA
    )
    table.fork(new, "s-acme", 3)
    certificate = eraser_of(database, storage).erase(Owner(tenant_id="acme"))
    assert [each["session_id"] for each in certificate.fields["kept_sessions"]] == ["s-acme"]
    assert not certificate.is_complete


def test_b09_an_archive_holds_all_of_a_tenant_and_nothing_of_another(
    database: Database, storage: StorageConfig, tmp_path: Path
) -> None:
    file = tmp_path / "acme.zip"
    store = SnapshotStore.open(storage.snapshots)
    num_files = export_all(database, store, "acme", file)
    manifest = check_archive(file)
    assert len(manifest["files"]) == num_files
    with zipfile.ZipFile(file) as archive:
        assert {row["session_id"] for row in read_lines(archive, "tables/sessions.jsonl")} == {"s-acme", "s-other"}
        assert {row["world_id"] for row in read_lines(archive, "tables/worlds.jsonl")} == {"w-s-acme", "w-s-other"}
        for session_id in ("s-acme", "s-other"):
            for path, data in store.objects(session_id):
                assert archive.read(f"store/{path}") == data
        everything = b"".join(archive.read(name) for name in archive.namelist())
    assert b"s-beta" not in everything
    assert b"token_sha256" not in everything
    assert b"garden of s-acme" in everything


@pytest.mark.parametrize("name", ["books/audit.jsonl", "tables/journal.jsonl", "books/usage.end.json"])
def test_b09_an_archive_that_was_altered_is_told(
    database: Database, storage: StorageConfig, tmp_path: Path, name: str
) -> None:
    file, forged = tmp_path / "acme.zip", tmp_path / "forged.zip"
    export_all(database, SnapshotStore.open(storage.snapshots), "acme", file)
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(forged, "w") as target:
        for each in source.namelist():
            data = source.read(each)
            target.writestr(each, data.replace(b":", b": ") if each == name else data)
    with pytest.raises(ArchiveDamagedError, match="altered"):
        check_archive(forged)
    forged.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ArchiveDamagedError):
        check_archive(forged)


def test_b09_the_commands_do_the_same(storage: StorageConfig, tmp_path: Path) -> None:
    runner, options = CliRunner(), ["--data-folder", str(Path(storage.snapshots).parent)]
    file, paper = tmp_path / "acme.zip", tmp_path / "certificate.json"

    def run(*words: str, code: int = 0) -> str:
        result = runner.invoke(app, [*words, *options])
        assert result.exit_code == code, result.output
        return result.output

    assert "whole" in run("export-all", "acme", str(file))
    listed = [each["method"] for each in json.loads(run("audit", "list", "--tenant", "acme", "--json"))]
    assert listed == ["nacre export-all", *2 * ["/nacre.v1.SessionService/CreateSession"]]
    assert "192.0.2.7" in run("audit", "list", "--tenant", "acme")
    assert json.loads(run("usage", "--tenant", "acme", "--session", "s-acme", "--json"))["usage"]["num_frames"] == 6
    run("erase", "acme", "--subject", "key:a", "--yes", "--certificate", str(paper))
    assert json.loads(paper.read_text())["sessions"] == ["s-acme"]
    run("tenants", "create", "acme")
    run("keys", "create", "--tenant", "acme", "--json")
    done = json.loads(run("audit", "list", "--tenant", "acme", "--json"))
    commands = ["nacre erase", "nacre tenants create", "nacre keys create"]
    assert [each["method"] for each in reversed(done)][-3:] == commands
    assert done[0]["ids"]["key_id"]
    assert done[0]["subject_id"].startswith("cli:")
    verified = json.loads(run("audit", "verify", "--json"))
    assert {(each["book"], each["tenant_id"], each["fault"]) for each in verified} == {
        (book, tenant, None) for book in ("audit", "usage") for tenant in ("acme", "beta")
    }
    with Database(storage.catalogue_url) as database, database.write() as connection:
        connection.exec_driver_sql("UPDATE book_rows SET record = replace(record, 'num_frames', 'num_frame5')")
    assert "row 0 was altered" in run("audit", "verify", code=FAULT)
