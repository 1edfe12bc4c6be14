"""Rows of usage as CloudEvents 1.0, told to whoever bills: to a file of JSON lines, or by HTTP POST, one by one.

Each is told at least once and in the order of its book. `id` is the row's place (tenant, book, number), so that a
receiver that has seen it can drop what comes again. Nothing personal is in it.
"""

from __future__ import annotations

import logging
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from cloudevents.core.bindings.http import to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from serving.books.chain import Book, BookId, Row
from serving.books.ledger import Ledger, RowFilter
from serving.catalogue.database import Database
from serving.catalogue.schema import book_exports

logger = logging.getLogger(__name__)

SOURCE = "nacre"
ROWS_AT_ONCE = 200
POST_TIMEOUT_S = 5.0
NUM_ATTEMPTS = 4
MAX_WAIT_S = 5.0


class NotToldError(Exception):
    """The receiver did not take it; it is told again later."""


class Destination(Protocol):
    def tell(self, events: Sequence[CloudEvent]) -> None:
        """All of them, in order. Raises `NotToldError`: then some may have come."""
        ...


class LinesFile:
    """On the disk when `tell` returns."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def tell(self, events: Sequence[CloudEvent]) -> None:
        lines = b"".join(_json(event) + b"\n" for event in events)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab") as file:
                file.write(lines)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise NotToldError(f"{self._path}: {error.strerror}") from error


class HttpPost:
    """Structured mode. Whatever is not an answer of 2xx is asked again a few times, and then later."""

    def __init__(self, url: str, max_wait_s: float = MAX_WAIT_S) -> None:
        self._url = url
        self._attempts = Retrying(
            stop=stop_after_attempt(NUM_ATTEMPTS),
            wait=wait_exponential(multiplier=0.2, max=max_wait_s),
            retry=retry_if_exception_type(NotToldError),
            reraise=True,
        )

    def tell(self, events: Sequence[CloudEvent]) -> None:
        for event in events:
            self._attempts(self._post, event)

    def _post(self, event: CloudEvent) -> None:
        message = to_structured(event, JSONFormat())
        body = message.body.encode() if isinstance(message.body, str) else message.body
        request = urllib.request.Request(self._url, data=body, headers=dict(message.headers), method="POST")
        try:
            with urllib.request.urlopen(request, timeout=POST_TIMEOUT_S):
                return
        except urllib.error.HTTPError as error:
            with error:
                raise NotToldError(f"the receiver of usage answered {error.code}") from error
        except OSError as error:
            raise NotToldError(f"the receiver of usage does not answer: {error}") from error


def destination_of(url: str) -> Destination:
    """`file:///...`, or `http(s)://...`."""
    parts = urlsplit(url)
    return LinesFile(Path(unquote(parts.path))) if parts.scheme == "file" else HttpPost(url)


class Exporter:
    """Blocking."""

    def __init__(self, database: Database, ledger: Ledger, name: str, destination: Destination) -> None:
        """`name` is remembered: what was told to another is not told to this one any less."""
        self._database = database
        self._ledger = ledger
        self._name = name
        self._destination = destination

    def export(self) -> int:
        """All that is new. Gives the number of rows. Raises `NotToldError` or `StorageUnavailableError`; what was told
        before stays told."""
        usage_books = [book_id for book_id in self._ledger.books() if book_id.book is Book.USAGE]
        return sum(self._export_book(book_id) for book_id in usage_books)

    def _export_book(self, book_id: BookId) -> int:
        length = self._told(book_id)
        num_told = 0
        while rows := self._ledger.read(book_id, RowFilter(after_seq=length - 1), ROWS_AT_ONCE):
            self._destination.tell([to_event(book_id, row) for row in rows])
            length, num_told = rows[-1].seq + 1, num_told + len(rows)
            self._note_told(book_id, length)
        return num_told

    def _told(self, book_id: BookId) -> int:
        query = select(book_exports.c.length).where(
            book_exports.c.destination == self._name,
            book_exports.c.book == book_id.book.value,
            book_exports.c.tenant_id == book_id.tenant_id,
        )
        with self._database.read() as connection:
            return connection.execute(query).scalar_one_or_none() or 0

    def _note_told(self, book_id: BookId, length: int) -> None:
        insert = sqlite.insert if self._database.is_sqlite else postgresql.insert
        new = insert(book_exports).values(
            destination=self._name, book=book_id.book.value, tenant_id=book_id.tenant_id, length=length
        )
        columns = ["destination", "book", "tenant_id"]
        # Of two gateways that tell at once, the one that is behind takes nothing back.
        later = new.on_conflict_do_update(
            index_elements=columns, set_={"length": length}, where=book_exports.c.length < length
        )
        with self._database.write() as connection:
            connection.execute(later)


def to_event(book_id: BookId, row: Row) -> CloudEvent:
    attributes: dict[str, object] = {
        "id": f"{book_id.tenant_id}/{book_id.book}/{row.seq}",
        "source": f"{SOURCE}/{book_id.tenant_id}",
        "type": f"nacre.{book_id.book}.{row.kind}",
        "specversion": "1.0",
        "time": datetime.fromtimestamp(row.time_s, UTC),
        "datacontenttype": "application/json",
    }
    if row.session_id:
        attributes["subject"] = row.session_id
    return CloudEvent(attributes=attributes, data={**row.fields, "sha256": row.hash.hex()})


def _json(event: CloudEvent) -> bytes:
    body = JSONFormat().write(event)
    return body.encode() if isinstance(body, str) else body


def make_exporter(database: Database, ledger: Ledger, url: str) -> Callable[[], int]:
    return Exporter(database, ledger, url, destination_of(url)).export
