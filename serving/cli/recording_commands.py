"""`nacre recording`: what was shown of a session, as a film."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from serving.catalogue.recorded import Recorded
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
from serving.cli.recording import record_command
from serving.cli.session_table import utc
from serving.export.exports import describe
from serving.export.maker import make_file
from serving.export.sound import Audio
from serving.export.store import RecordingStore

SessionId = Annotated[str, typer.Argument(metavar="SESSION")]


def recording(
    session_id: SessionId,
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="Write the film there, as MP4.")] = None,
    audio: Annotated[
        Audio, typer.Option(help="Of the file: as it was encoded, or anew as players like QuickTime want it.")
    ] = (Audio.OPUS),
    delete: Annotated[bool, typer.Option("--delete", help="Forget it.")] = False,
    as_json: AsJson = False,
    data_folder: DataFolder = None,
    catalogue_url: CatalogueUrl = None,
    config: ConfigFile = None,
) -> None:
    """Say what is recorded of a session, and write it into a file. Of one that runs, its last seconds are still on
    their way."""
    with service_settings(data_folder, catalogue_url, config) as settings, open_catalogue(settings) as database:
        if file is not None and file.exists():
            raise ValueError(f"{file} is there already")
        row = Sessions(database).find(session_id)
        store = RecordingStore.open(settings.storage)
        parts = store.parts(session_id)
        recorded = Recorded(database)
        found = describe(session_id, parts, settings.recording, recorded.halt_reason(session_id))
        if file is not None:
            make_file(store, session_id, file, audio)
            record_command(database, "recording", row.ownership.tenant_id, session_id=session_id)
        if delete:
            store.delete(session_id, [part.name for part in parts])
            recorded.forget(session_id)
            record_command(database, "recording --delete", row.ownership.tenant_id, session_id=session_id)
    fields = {
        "session_id": session_id,
        "num_frames": found.num_frames,
        "num_bytes": found.num_bytes,
        "start_time": utc(found.start_s),
        "expire_time": None if found.expires_s is None else utc(found.expires_s),
        "is_truncated": found.is_truncated,
        "halt_reason": found.halt_reason,
        "file": None if file is None else str(file),
        "is_deleted": delete,
    }
    if as_json:
        print_json(fields)
        return
    words = [f"{found.num_frames} frames since {fields['start_time']}, {found.num_bytes / (1 << 20):.1f} MiB"]
    words += ["its beginning is not kept any more"] if found.is_truncated else []
    words += [f"not recorded any more: {found.halt_reason}"] if found.halt_reason else []
    words += [f"written to {file}"] if file is not None else []
    words += ["deleted"] if delete else []
    console.print(f"{session_id}: {'; '.join(words)}", markup=False, soft_wrap=True)
