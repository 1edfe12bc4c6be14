"""`nacre sessions show`: what a session was told, by whom, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.table import Table

from serving.catalogue.journal import JournalTable
from serving.catalogue.sessions import Sessions
from serving.cli.asking import (
    AsJson,
    CatalogueUrl,
    ConfigFile,
    DataFolder,
    console,
    open_catalogue,
    print_json,
    service_settings,
)
from serving.cli.session_table import session_fields, utc
from serving.sessions.encoded import EncodedDirective, EncodedImage, EncodedKind
from serving.sessions.journal import JournalEntry
from serving.sessions.record_codec import control_name, read_entries

UNKNOWN = ""  # controls from before there were senders

SessionId = Annotated[str, typer.Argument(metavar="SESSION")]

app = typer.Typer(help="Look at sessions.")


@app.command()
def show(
    session_id: SessionId,
    as_json: AsJson = False,
    data_folder: DataFolder = None,
    catalogue_url: CatalogueUrl = None,
    config: ConfigFile = None,
) -> None:
    """A session and its controls, as they count now: who sent each, and what became of it."""
    with service_settings(data_folder, catalogue_url, config) as settings, open_catalogue(settings) as database:
        row = Sessions(database).find(session_id)
        entries = read_entries(JournalTable(database).read(session_id))
    if as_json:
        print_json({**session_fields(row), "controls": [control_fields(entry) for entry in entries]})
        return
    fields = session_fields(row)
    console.print(f"{session_id}: {fields['state']}, {row.num_chunks} chunks, {len(entries)} controls", markup=False)
    console.print(control_table(entries))


def control_fields(entry: JournalEntry) -> dict[str, Any]:
    control, sender = entry.control, entry.control.sender
    return {
        "control_id": control.control_id,
        "control": control_name(control.kind),
        "says": _words(control.kind),
        "received": utc(control.received_s),
        "subject_id": UNKNOWN if sender is None else sender.subject_id,
        "client_id": UNKNOWN if sender is None else sender.client_id,
        "schedule": None if control.schedule is None else asdict(control.schedule),
        "applied_chunk_idx": entry.applied_chunk_idx,
        "superseded_by": entry.superseded_by,
        "superseded_for": entry.superseded_for,
        "rejected_for": entry.rejected_for,
    }


def control_table(entries: Iterable[JournalEntry]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("received (UTC)", "who", "client", "control"):
        table.add_column(name, no_wrap=True)
    table.add_column("says", overflow="ellipsis", no_wrap=True)
    table.add_column("became", no_wrap=True)
    for entry in entries:
        fields = control_fields(entry)
        values = (fields["received"][:23], fields["subject_id"], fields["client_id"], fields["control"])
        table.add_row(*values, fields["says"], _fate(entry))
    return table


def _words(kind: EncodedKind) -> str:
    match kind:
        case EncodedDirective(text=text):
            return text
        case EncodedImage():
            return "(picture)"
        case _:
            return ", ".join(f"{name} {value}" for name, value in asdict(kind).items())


def _fate(entry: JournalEntry) -> str:
    if entry.applied_chunk_idx is not None:
        return f"chunk {entry.applied_chunk_idx}"
    if entry.superseded_by is not None:
        return f"superseded by {entry.superseded_by} {entry.superseded_for.lower()}".rstrip()
    return f"rejected {entry.rejected_for.lower()}" if entry.rejected_for is not None else "waits"
