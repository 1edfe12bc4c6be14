"""`nacre audit`: who did what, and whether the books are as they were written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from serving.access.principal import DEFAULT_TENANT
from serving.books.audit import AuditRecord
from serving.books.chain import BookId
from serving.books.ledger import Ledger
from serving.books.reading import AuditQuestion, VerifiedBook, latest_records
from serving.cli.asking import (
    FAULT,
    AsJson,
    CatalogueUrl,
    ConfigFile,
    DataFolder,
    Limit,
    console,
    open_catalogue,
    print_json,
    service_settings,
)
from serving.cli.session_table import utc
from serving.sessions.records import JournalHead

app = typer.Typer(help="Who did what, and whether the books are as they were written.", no_args_is_help=True)

Tenant = Annotated[str, typer.Option(help='Whose book; "-" for callers who were not known.')]


@app.command("list")
def list_entries(
    tenant: Tenant = DEFAULT_TENANT,
    limit: Limit = 50,
    subject: Annotated[str | None, typer.Option(help="Only what this one did.")] = None,
    session: Annotated[str | None, typer.Option(help="Only what was done to this one.")] = None,
    refused: Annotated[bool, typer.Option("--refused", help="Only what was refused.")] = False,
    as_json: AsJson = False,
    data_folder: DataFolder = None,
    catalogue_url: CatalogueUrl = None,
    config: ConfigFile = None,
) -> None:
    """List what was done, the newest first."""
    question = AuditQuestion(
        tenant_id=tenant, limit=limit, subject_id=subject, session_id=session, is_refused_only=refused
    )
    with service_settings(data_folder, catalogue_url, config) as settings, open_catalogue(settings) as database:
        records = latest_records(Ledger(database), question)
    if as_json:
        print_json([record_fields(record) for record in records])
    else:
        console.print(audit_table(records))


@app.command()
def verify(
    tenant: Annotated[str | None, typer.Option(help="Only this one's books.")] = None,
    known: Annotated[str | None, typer.Option(help="An end kept elsewhere: BOOK:ROWS:HASH, as this prints it.")] = None,
    as_json: AsJson = False,
    data_folder: DataFolder = None,
    catalogue_url: CatalogueUrl = None,
    config: ConfigFile = None,
) -> None:
    """Find the first row of each book that was altered or is missing."""
    with service_settings(data_folder, catalogue_url, config) as settings, open_catalogue(settings) as database:
        ledger = Ledger(database)
        found = [each for each in ledger.books() if tenant in (None, each.tenant_id)]
        ends = {} if known is None else dict([_known(known)])
        verified = {
            each: VerifiedBook(fault=ledger.verify(each, ends.get(each.book)), head=ledger.head(each)) for each in found
        }
    if as_json:
        print_json([verified_fields(book_id, each) for book_id, each in verified.items()])
    elif not verified:
        console.print("nothing is in the books")
    else:
        for book_id, each in verified.items():
            _print_verified(book_id, each)
    raise typer.Exit(FAULT if any(each.fault for each in verified.values()) else 0)


def record_fields(record: AuditRecord) -> dict[str, Any]:
    return {
        "seq": record.seq,
        "time": utc(record.time_s),
        "tenant_id": record.tenant_id,
        "subject_id": record.subject_id,
        "role": record.role,
        "method": record.method,
        "allowed": record.is_allowed,
        "reason": record.reason,
        "ids": dict(record.ids),
        "peer": record.peer,
        "user_agent": record.user_agent,
        "request_id": record.request_id,
        "trace_id": record.trace_id,
        "erased": record.is_erased,
    }


def audit_table(records: Iterable[AuditRecord]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("time (UTC)", "who", "what", "outcome", "which", "from"):
        table.add_column(name, no_wrap=name != "which")
    for record in records:
        who = Text("erased", "dim") if record.is_erased else Text(record.subject_id or "unknown")
        outcome = Text("allowed", "green") if record.is_allowed else Text(record.reason, "red")
        which = " ".join(f"{name}={value}" for name, value in record.ids.items())
        what = record.method.rpartition("/")[2]
        table.add_row(utc(record.time_s)[:19], who, Text(what), outcome, Text(which), Text(record.peer))
    return table


def verified_fields(book_id: BookId, verified: VerifiedBook) -> dict[str, Any]:
    fault = verified.fault
    return {
        "book": book_id.book.value,
        "tenant_id": book_id.tenant_id,
        "num_rows": verified.head.length,
        "last_hash": verified.head.hash.hex(),
        "fault": None if fault is None else {"seq": fault.seq, "problem": fault.problem},
    }


def _print_verified(book_id: BookId, verified: VerifiedBook) -> None:
    place, head = f"{book_id.book} of {book_id.tenant_id}", verified.head
    if verified.fault is not None:
        text = f"{place}: row {verified.fault.seq} {verified.fault.problem}"
        console.print(text, style="red", markup=False, soft_wrap=True)
        return
    end = f"{book_id.book}:{head.length}:{head.hash.hex()}"
    console.print(f"{place}: {head.length} rows, all as they were written; {end}", markup=False, soft_wrap=True)


def _known(text: str) -> tuple[str, JournalHead]:
    try:
        book, length, digest = text.split(":")
        return book, JournalHead(length=int(length), hash=bytes.fromhex(digest))
    except ValueError as error:
        raise ValueError("an end is BOOK:ROWS:HASH, such as audit:120:9f86...") from error
