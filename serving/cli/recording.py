"""Writes into the audit book what a command changed: those who run the service are no exception."""

from __future__ import annotations

import getpass
import secrets
import time

from serving.access.principal import DEFAULT_TENANT, Principal
from serving.access.roles import Role
from serving.books.audit import CallNote, audit_entry
from serving.books.ledger import Ledger
from serving.catalogue.database import Database


def record_command(database: Database, words: str, tenant_id: str = DEFAULT_TENANT, **ids: str | None) -> None:
    """Once it is done. `words` are those after the program's name. Raises `StorageUnavailableError`."""
    note = CallNote(
        method=f"nacre {words}",
        time_s=time.time(),
        principal=Principal(tenant_id=tenant_id, subject_id=f"cli:{_user()}", role=Role.ADMIN),
        ids={name: value for name, value in ids.items() if value},
    )
    book_id, entry = audit_entry(note, secrets.token_hex(12), secrets.token_hex(16))
    Ledger(database).append({book_id: [entry]})


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without a name for its user
        return "unknown"
