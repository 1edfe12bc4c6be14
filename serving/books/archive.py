"""All that a tenant has, as one file that any tool opens: a zip, described in docs/books.md.

Tables are JSON lines, a row each, with bytes as `{"base64": ...}`; journals and books are as they were written, so that
their chains can be checked from the file alone. What the snapshot store has lies under `store/`. The manifest comes
last: an archive without one was cut short.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
import zipfile
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Select, Table, select

from serving.books.chain import Book, BookId, Row, erased_seqs, find_fault
from serving.books.ledger import Ledger
from serving.books.owned_tables import BY_SESSION, BY_TENANT
from serving.catalogue.database import Database
from serving.catalogue.schema import journal, sessions, world_access, worlds
from serving.sessions.records import FIRST_HASH, JournalHead, SealedRecord
from serving.sessions.records import find_fault as find_journal_fault
from serving.sessions.snapshot_store import SnapshotStore

FORMAT, VERSION = "nacre-export", 1
MANIFEST = "manifest.json"
# What lets somebody in is no data of its owner's.
SECRETS = ("resume_token_sha256", "token_sha256", "secret_sha256")


class ArchiveDamagedError(ValueError):
    """The file is cut short, altered or no archive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    path: str
    sha256: str
    num_bytes: int


class _Writer:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.listed: list[_Listed] = []

    def add(self, path: str, parts: Iterable[bytes]) -> None:
        digest, num_bytes = hashlib.sha256(), 0
        with self._archive.open(path, "w", force_zip64=True) as file:
            for part in parts:
                file.write(part)
                digest.update(part)
                num_bytes += len(part)
        self.listed.append(_Listed(path=path, sha256=digest.hexdigest(), num_bytes=num_bytes))


def export_all(
    database: Database, store: SnapshotStore, tenant_id: str, file: Path, clock: Callable[[], float] = time.time
) -> int:
    """Gives how many files are in it. Raises `StorageUnavailableError` or OSError; then there is no file."""
    part = file.with_name(f".{file.name}.part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            writer = _Writer(archive)
            _add_tables(writer, database, tenant_id)
            _add_stored(writer, database, store, tenant_id)
            _add_books(writer, database, tenant_id)
            archive.writestr(MANIFEST, json.dumps(_manifest(writer.listed, tenant_id, clock()), indent=1))
        part.replace(file)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return len(writer.listed)


def check_archive(file: Path) -> dict[str, Any]:
    """Compares every file with the manifest, and every chain with its end. Gives the manifest. Raises
    `ArchiveDamagedError`."""
    try:
        with zipfile.ZipFile(file) as archive:
            manifest = json.loads(archive.read(MANIFEST))
            if (manifest.get("format"), manifest.get("version")) != (FORMAT, VERSION):
                raise ArchiveDamagedError(f"it is no {FORMAT} of version {VERSION}")
            for listed in manifest["files"]:
                if hashlib.sha256(archive.read(listed["path"])).hexdigest() != listed["sha256"]:
                    raise ArchiveDamagedError(f"{listed['path']} was altered")
            for book in Book:
                _check_book(archive, BookId(book, manifest["tenant_id"]))
            _check_journals(archive)
    except (KeyError, zipfile.BadZipFile, EOFError) as error:
        raise ArchiveDamagedError(f"a part is missing or damaged: {error}") from error
    return manifest


def read_lines(archive: zipfile.ZipFile, path: str) -> Iterator[dict[str, Any]]:
    """The rows of one of its files, with bytes as bytes."""
    with archive.open(path) as file:
        for line in file:
            yield json.loads(line, object_hook=_from_json)


def _add_tables(writer: _Writer, database: Database, tenant_id: str) -> None:
    own = select(sessions.c.session_id).where(sessions.c.tenant_id == tenant_id)
    own_worlds = select(worlds.c.world_id).where(worlds.c.tenant_id == tenant_id)
    queries: dict[Table, Select[Any]] = {
        **{table: _shown(table).where(table.c.tenant_id == tenant_id) for table in BY_TENANT},
        world_access: select(world_access).where(world_access.c.world_id.in_(own_worlds)),
        **{table: select(table).where(table.c.session_id.in_(own)) for table in BY_SESSION},
    }
    for table, query in queries.items():
        ordered = query.order_by(*table.primary_key.columns)
        with closing(_lines(database, ordered)) as lines:
            writer.add(f"tables/{table.name}.jsonl", lines)


def _add_stored(writer: _Writer, database: Database, store: SnapshotStore, tenant_id: str) -> None:
    with database.read() as connection:
        own = select(sessions.c.session_id).where(sessions.c.tenant_id == tenant_id).order_by(sessions.c.session_id)
        session_ids = list(connection.execute(own).scalars())
    for session_id in session_ids:
        for path, data in store.objects(session_id):
            writer.add(f"store/{path}", [data])


def _add_books(writer: _Writer, database: Database, tenant_id: str) -> None:
    ledger = Ledger(database)
    for book in Book:
        book_id = BookId(book, tenant_id)
        head = ledger.head(book_id)  # what is added from here on is not in the archive
        with ledger.reading(book_id, limit=head.length) as rows:
            writer.add(f"books/{book}.jsonl", (_line(_row_fields(row)) for row in rows))
        writer.add(f"books/{book}.end.json", [_line({"length": head.length, "hash": head.hash})])


def _manifest(listed: Iterable[_Listed], tenant_id: str, now_s: float) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "tenant_id": tenant_id,
        "time": datetime.fromtimestamp(now_s, UTC).isoformat(timespec="seconds"),
        "files": [{"path": each.path, "sha256": each.sha256, "num_bytes": each.num_bytes} for each in listed],
    }


def _check_book(archive: zipfile.ZipFile, book_id: BookId) -> None:
    [end] = read_lines(archive, f"books/{book_id.book}.end.json")
    rows = [Row(**fields) for fields in read_lines(archive, f"books/{book_id.book}.jsonl")]
    fault = find_fault(book_id, rows, JournalHead(**end), erased_seqs(rows))
    if fault is not None:
        raise ArchiveDamagedError(f"row {fault.seq} of {book_id.book} {fault.problem}")


def _check_journals(archive: zipfile.ZipFile) -> None:
    records: dict[str, list[SealedRecord]] = {}
    for row in read_lines(archive, f"tables/{journal.name}.jsonl"):
        record = SealedRecord(seq=row["seq"], text=row["record"], tensors=row["tensors"], hash=row["hash"])
        records.setdefault(row["session_id"], []).append(record)
    for row in read_lines(archive, f"tables/{sessions.name}.jsonl"):
        end = JournalHead(length=row["journal_length"], hash=row["journal_hash"] or FIRST_HASH)
        fault = find_journal_fault(row["session_id"], records.get(row["session_id"], []), end)
        if fault is not None:
            raise ArchiveDamagedError(f"record {fault.seq} of session {row['session_id']} {fault.problem}")


def _shown(table: Table) -> Select[Any]:
    columns: list[Column[Any]] = [column for column in table.columns if column.name not in SECRETS]
    return select(*columns)


def _lines(database: Database, query: Select[Any]) -> Generator[bytes, None, None]:
    with database.read() as connection, connection.execute(query, execution_options={"yield_per": 500}) as rows:
        for row in rows:
            yield _line(dict(row._mapping))


def _row_fields(row: Row) -> dict[str, Any]:
    return {name: getattr(row, name) for name in Row.__slots__}


def _line(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, sort_keys=True, ensure_ascii=False, default=_to_json).encode() + b"\n"


def _to_json(value: object) -> dict[str, str]:
    if isinstance(value, (bytes, memoryview)):
        return {"base64": base64.b64encode(bytes(value)).decode()}
    raise TypeError(f"{type(value).__name__} has no place in an archive")


def _from_json(fields: dict[str, Any]) -> Any:
    return base64.b64decode(fields["base64"]) if fields.keys() == {"base64"} else fields
