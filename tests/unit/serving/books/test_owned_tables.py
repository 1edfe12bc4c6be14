"""Every table was thought of: what an owner gets, and what goes when it asks for that."""

from __future__ import annotations

import zipfile
from pathlib import Path

from sqlalchemy import func, select

from serving.access.principal import Principal
from serving.access.roles import Role
from serving.books.archive import export_all, read_lines
from serving.books.audit import CALL, CallNote, audit_entry, audit_record
from serving.books.chain import Book, BookId
from serving.books.ledger import Ledger, RowFilter
from serving.books.owned_tables import BY_SESSION, BY_TENANT, TREATMENTS
from serving.books.owner import Owner
from serving.catalogue.api_keys import ApiKeys
from serving.catalogue.database import Database
from serving.catalogue.revocations import RevocationTable
from serving.catalogue.schema import metadata, recordings, sessions, world_access, world_names, worlds
from serving.catalogue.storage import StorageConfig
from serving.catalogue.tenants import Tenants
from serving.export.store import PartName, RecordingStore
from serving.sessions.snapshot_store import SnapshotStore
from tests.unit.serving.books.test_owner import database, eraser_of, played, storage, traces_of, vacuum

__all__ = ["database", "played", "storage"]


def test_b09_every_table_was_considered() -> None:
    assert set(TREATMENTS) == set(metadata.tables), "say in owned_tables.py what an owner gets of a new table"


def test_b09_every_table_that_says_whose_it_is_is_exported_or_says_why_not() -> None:
    exported = {table.name for table in (*BY_TENANT, *BY_SESSION, world_access)}
    assert exported == {name for name, treatment in TREATMENTS.items() if treatment.is_exported}
    for name, table in metadata.tables.items():
        if {"tenant_id", "session_id"} & set(table.c.keys()):
            assert name in exported or TREATMENTS[name].why, name


def test_b09_of_each_there_is_a_file_and_no_secret(database: Database, storage: StorageConfig, tmp_path: Path) -> None:
    _, text = named_key(database)
    RevocationTable(database).add("acme", "oidc:alice@example")
    file = tmp_path / "acme.zip"
    export_all(database, SnapshotStore.open(storage.snapshots), "acme", file)
    with zipfile.ZipFile(file) as archive:
        names = set(archive.namelist())
        everything = b"".join(archive.read(name) for name in names)
    assert {f"tables/{name}.jsonl" for name, each in TREATMENTS.items() if each.is_exported} <= names
    assert b"server of alice" in everything
    assert b"oidc:alice@example" in everything
    assert b"sha256" not in b"".join(name.encode() for name in names)
    assert text.encode() not in everything
    assert b"secret_sha256" not in everything


def test_x06_what_is_erased_leaves_no_row_in_any_table(database: Database, storage: StorageConfig) -> None:
    named_key(database)
    before = num_rows(database)
    eraser_of(database, storage).erase(Owner(tenant_id="acme"))
    after = num_rows(database)
    assert {name: left for name, left in after.items() if left} == {}
    # The rest had nothing in this folder: their rows go with their sessions', as a foreign key demands.
    assert {"worlds", "world_names", "sessions", "journal", "snapshots", "receipts", "shares"} <= {
        name for name, num in before.items() if num
    }
    vacuum(database)
    assert traces_of(storage, (b"garden of s-acme", b"server of alice")) == []


def test_b09_what_was_recorded_is_in_the_archive_and_goes_with_its_session(
    database: Database, storage: StorageConfig, tmp_path: Path
) -> None:
    part = PartName(start_ms=1, gateway="01234567", number=0, num_frames=1)
    RecordingStore.open(storage).put("s-acme", part, b"a film of s-acme")
    with database.write() as connection:
        values = {"session_id": "s-acme", "num_bytes": 16, "halt_reason": "", "updated_s": 1.0}
        connection.execute(recordings.insert().values(**values))
    file = tmp_path / "acme.zip"
    export_all(database, SnapshotStore.open(storage.snapshots), "acme", file)
    with zipfile.ZipFile(file) as archive:
        assert [row["num_bytes"] for row in read_lines(archive, "tables/recordings.jsonl")] == [16]
        [path] = [name for name in archive.namelist() if name.endswith(str(part))]
        assert archive.read(path) == b"a film of s-acme"
    file.unlink()
    eraser_of(database, storage).erase(Owner(tenant_id="acme"))
    assert num_rows(database)["recordings"] == 0
    assert traces_of(storage, (b"a film of s-acme",)) == []


def test_x06_of_one_subject_the_name_of_its_key_goes_and_names_that_others_use_stay(
    database: Database, storage: StorageConfig
) -> None:
    key_id, _ = named_key(database)
    eraser_of(database, storage).erase(Owner(tenant_id="acme", subject_id="key:a"))
    assert num_rows(database)["world_names"] == 1, "another's world has it too"
    assert [key.name for key in ApiKeys(database).of("acme")] == ["server of alice"]
    eraser_of(database, storage).erase(Owner(tenant_id="acme", subject_id=f"key:{key_id}"))
    assert [key.name for key in ApiKeys(database).of("acme")] == [""]


def test_x06_whoever_something_was_done_to_is_forgotten_too(database: Database, storage: StorageConfig) -> None:
    """A token that was taken back names whose it was."""
    admin = Principal(tenant_id="acme", subject_id="key:admin", role=Role.OWNER)
    ledger, book_id = Ledger(database), BookId(Book.AUDIT, "acme")
    for number, subject_id in enumerate(("oidc:alice@example", "oidc:alicea")):
        note = CallNote(method="/nacre.v1.AccessService/RevokeToken", time_s=3.0, principal=admin)
        note.ids = {"subject_id": subject_id, "tenant_id": "acme"}
        ledger.append({book_id: [audit_entry(note, f"revoked-{number}", "salt")[1]]})
    revoking = RowFilter(kind=CALL, from_s=3.0)
    assert next(audit_record(row).ids["subject_id"] for row in ledger.read(book_id, revoking)) == "oidc:alice@example"
    eraser_of(database, storage).erase(Owner(tenant_id="acme", subject_id="oidc:alice@example"))
    vacuum(database)
    assert traces_of(storage, (b"alice@example",)) == []
    erased, other = [audit_record(row) for row in ledger.read(book_id, revoking)]
    assert (erased.is_erased, erased.ids) == (True, {"tenant_id": "acme"})
    assert (other.subject_id, other.ids["subject_id"]) == ("key:admin", "oidc:alicea")
    assert ledger.verify(book_id) is None


def named_key(database: Database) -> tuple[str, str]:
    Tenants(database).create("acme")
    row, text = ApiKeys(database).create("acme", Role.OWNER, name="server of alice")
    return row.key_id, text


def num_rows(database: Database) -> dict[str, int]:
    """Of the tenant, in each table that erasing takes rows out of."""
    own_sessions = select(sessions.c.session_id).where(sessions.c.tenant_id == "acme")
    own_worlds = select(worlds.c.world_id).where(worlds.c.tenant_id == "acme")
    found = {}
    with database.read() as connection:
        for name, treatment in TREATMENTS.items():
            if not treatment.is_erased:
                continue
            table = metadata.tables[name]
            if table is world_access:
                whose = table.c.world_id.in_(own_worlds)
            elif "tenant_id" in table.c:
                whose = table.c.tenant_id == "acme"
            else:
                whose = table.c.session_id.in_(own_sessions)
            found[name] = connection.execute(select(func.count()).select_from(table).where(whose)).scalar_one()
    return found


def test_a_table_of_sessions_cannot_outlive_them() -> None:
    """The database itself refuses to leave their rows behind."""
    for table in BY_SESSION:
        assert any(key.column is sessions.c.session_id for key in table.c.session_id.foreign_keys), table.name
    assert world_names.c.tenant_id.primary_key
