"""Takes out all that an owner has, and what is personal in the books, and says in a certificate what went.

The rows of the books stay, with their hashes: what was used and what was done is on record, but not by whom. The last
row of each book names those that lost their personal fields and the certificate's SHA-256.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, delete, exists

from serving.access.tokens import KEY_SUBJECT
from serving.books.chain import Book, BookId
from serving.books.ledger import Ledger
from serving.books.owner import Holdings, Owner, holdings_of
from serving.catalogue.database import Database
from serving.catalogue.library import Library
from serving.catalogue.schema import api_keys, shares, world_access, world_names, worlds
from serving.errors import SessionNotFoundError, SessionStateError, WorldNotFoundError
from serving.sessions.records import canonical

FORMAT, VERSION = "nacre-erasure", 1
# Another owner's session goes on from it: without it that one could not be made again. Its name and link are gone.
KEPT_BECAUSE = "another owner's session or world goes on from it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    fields: Mapping[str, Any]  # JSON

    @property
    def certificate_id(self) -> str:
        return self.fields["certificate_id"]

    @property
    def is_complete(self) -> bool:
        return not self.fields["kept_sessions"]

    @property
    def sha256(self) -> str:
        """Of the canonical JSON of `fields`, as the books have it."""
        return hashlib.sha256(canonical(self.fields).encode()).hexdigest()


class Eraser:
    """Blocking."""

    def __init__(self, database: Database, library: Library, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._library = library
        self._ledger = Ledger(database, clock)
        self._clock = clock

    def erase(self, owner: Owner) -> Certificate:
        """Again after it was cut short: the rest. Raises `SessionStateError` while sessions of the owner run, and then
        nothing is gone, or `StorageUnavailableError`."""
        held = holdings_of(self._database, owner, self._clock())
        if held.running:
            running = ", ".join(held.running)
            raise SessionStateError(f"sessions are running; end them first: {running}", field="session_id")
        self._remove(owner, held)
        kept = holdings_of(self._database, owner, self._clock())
        certificate = self._certificate(owner, held, kept)
        for book in Book:
            body = {"certificate_id": certificate.certificate_id, "certificate_sha256": certificate.sha256}
            self._ledger.erase(BookId(book, owner.tenant_id), certificate.certificate_id, owner.subject_id, body)
        return certificate

    def _remove(self, owner: Owner, held: Holdings) -> None:
        for world_id in held.worlds:
            try:
                self._library.delete_world(world_id)
            except WorldNotFoundError:
                continue
        for session_id in reversed(held.sessions):  # those that came from others before those
            try:
                self._library.delete_session(session_id)
            except SessionNotFoundError:
                continue
        with self._database.write() as connection:
            connection.execute(delete(shares).where(*owner.owns(shares)))
            if owner.subject_id is not None:
                listed = world_access.c.tenant_id == owner.tenant_id, world_access.c.subject_id == owner.subject_id
                connection.execute(delete(world_access).where(*listed))
            _forget_names(connection, owner)

    def _certificate(self, owner: Owner, held: Holdings, kept: Holdings) -> Certificate:
        books = {book.value: self._ledger.head(BookId(book, owner.tenant_id)) for book in Book}
        fields = {
            "format": FORMAT,
            "version": VERSION,
            "certificate_id": f"erasure-{secrets.token_hex(8)}",
            "time": datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="seconds"),
            "tenant_id": owner.tenant_id,
            "subject_id": owner.subject_id,
            "sessions": [each for each in held.sessions if each not in kept.sessions],
            "worlds": [each for each in held.worlds if each not in kept.worlds],
            "share_links": list(held.shares),
            "kept_sessions": [{"session_id": each, "because": KEPT_BECAUSE} for each in kept.sessions],
            # Where each book ended before its personal fields went: these rows, and no others, were looked through.
            "books": {name: {"num_rows": head.length, "last_hash": head.hash.hex()} for name, head in books.items()},
        }
        return Certificate(fields=fields)


def _forget_names(connection: Connection, owner: Owner) -> None:
    """Of worlds that are gone, so that a new one of that name begins at 1; and of keys, which go on without."""
    is_left = exists().where(worlds.c.tenant_id == world_names.c.tenant_id, worlds.c.name == world_names.c.name)
    connection.execute(delete(world_names).where(world_names.c.tenant_id == owner.tenant_id, ~is_left))
    named = [api_keys.c.tenant_id == owner.tenant_id]
    if owner.subject_id is not None:
        named.append(api_keys.c.key_id == owner.subject_id.removeprefix(KEY_SUBJECT))
    connection.execute(api_keys.update().where(*named).values(name=""))
