"""Writes into the audit book what a command changed: those who run the service are no exception."""

from __future__ import annotations

import getpass
import secrets
import time

import click

from serving.access.principal import DEFAULT_TENANT, Principal
from serving.access.roles import Role
from serving.books.audit import CallNote, audit_entry
from serving.books.ledger import Ledger
from serving.catalogue.database import Database

# The last words of commands that only look.
READ_ONLY = frozenset({"list", "show", "sessions", "controls", "worlds", "workers", "verify", "replay", "usage"})
IDS = ("tenant", "tenant_id", "key_id", "worker_id", "session_id", "subject", "region")


def record_command(database: Database) -> None:
    """Of the command that is running, once it is done. Raises `StorageUnavailableError`."""
    context = click.get_current_context(silent=True)
    if context is None or context.info_name in READ_ONLY:
        return
    given = {name: str(context.params[name]) for name in IDS if context.params.get(name)}
    if context.info_name == "residency" and not given:
        return
    tenant_id = given.get("tenant_id") or given.get("tenant") or DEFAULT_TENANT
    subject_id = f"cli:{_user()}"
    note = CallNote(
        method=f"nacre {' '.join(_words(context))}",
        time_s=time.time(),
        principal=Principal(tenant_id=tenant_id, subject_id=subject_id, role=Role.ADMIN),
        # Whose names went is not written down again.
        ids={name: value for name, value in given.items() if name != "subject"},
    )
    book_id, entry = audit_entry(note, secrets.token_hex(12), secrets.token_hex(16))
    Ledger(database).append({book_id: [entry]})


def _words(context: click.Context) -> list[str]:
    """As they were typed after the program's name."""
    words: list[str] = []
    while context.parent is not None:
        words.insert(0, context.info_name or "")
        context = context.parent
    return words


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without a name for its user
        return "unknown"
