"""Sessions as an operator sees them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from rich.table import Table

from serving.access.ownership import Ownership
from serving.access.principal import DEFAULT_TENANT
from serving.catalogue.sessions import OPEN, SessionRow

INTERRUPTED = "interrupted"  # open, and nobody holds it any more
MAX_WORDS_CHARS = 48


def session_fields(row: SessionRow, now_s: float | None = None) -> dict[str, Any]:
    return {
        "session_id": row.session_id,
        "state": _state(row, time.time() if now_s is None else now_s),
        "end_reason": row.end_reason,
        "model": row.model,
        "weights_sha256": row.weights_sha256,
        "world": dict(row.spec),
        "created": utc(row.created_s),
        "updated": utc(row.updated_s),
        "num_chunks": row.num_chunks,
        "num_records": row.journal_length,
        "journal_sha256": row.journal_hash.hex(),
        "owner": row.lease.owner,
        "epoch": row.lease.epoch,
        **ownership_fields(row.ownership),
    }


def ownership_fields(ownership: Ownership) -> dict[str, Any]:
    return {
        "tenant_id": ownership.tenant_id,
        "owner_id": ownership.owner_id,
        "licence": ownership.licence,
        "inputs": list(ownership.inputs),
    }


def session_table(rows: Iterable[SessionRow]) -> Table:
    table = Table(box=None, pad_edge=False)
    rows = list(rows)
    id_chars = max((len(row.session_id) for row in rows), default=0)
    table.add_column("session", no_wrap=True, min_width=id_chars)  # ids are for copying
    has_tenants = any(row.ownership.tenant_id != DEFAULT_TENANT for row in rows)
    for name in (*(["tenant"] if has_tenants else []), "state", "created (UTC)", "model", "chunks", "records"):
        table.add_column(name, no_wrap=True)
    table.add_column("world", overflow="ellipsis", no_wrap=True)
    for row in rows:
        fields = session_fields(row)
        state = " ".join(part for part in (fields["state"], fields["end_reason"].lower()) if part)
        values = (fields["created"][:19], row.model, row.num_chunks, row.journal_length, spec_words(row.spec))
        tenant = [row.ownership.tenant_id] if has_tenants else []
        table.add_row(row.session_id, *tenant, state, *(str(value) for value in values))
    return table


def _state(row: SessionRow, now_s: float) -> str:
    return INTERRUPTED if row.state == OPEN and not row.lease.is_held(now_s) else row.state


def utc(time_s: float) -> str:
    return datetime.fromtimestamp(time_s, UTC).isoformat(timespec="milliseconds")


def spec_words(spec: Mapping[str, Any]) -> str:
    parts = (spec.get("prompt"), spec.get("character"), spec.get("scene"), "(picture)" if spec.get("has_image") else "")
    words = ", ".join(str(part) for part in parts if part)
    return words if len(words) <= MAX_WORDS_CHARS else words[: MAX_WORDS_CHARS - 1] + "…"
