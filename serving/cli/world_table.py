"""Saved worlds as an operator sees them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.table import Table
from rich.text import Text

from serving.access.principal import DEFAULT_TENANT
from serving.catalogue.worlds import WorldRow
from serving.cli.session_table import ownership_fields, spec_words, utc

BYTES_PER_MB = 1_000_000


def world_fields(row: WorldRow) -> dict[str, Any]:
    return {
        "world_id": row.world_id,
        "name": row.name,
        "version": row.version,
        "session_id": row.session_id,
        "epoch": row.epoch,
        "chunk_idx": row.chunk_idx,
        "kind": row.kind,
        "num_bytes": row.num_bytes,
        "model": row.model,
        "weights_sha256": row.weights_sha256,
        "world": dict(row.spec),
        "note": row.note,
        "created": utc(row.created_s),
        **ownership_fields(row.ownership),
    }


def world_table(rows: Iterable[WorldRow]) -> Table:
    table = Table(box=None, pad_edge=False)
    rows = list(rows)
    id_chars = max((len(row.world_id) for row in rows), default=0)
    table.add_column("world", no_wrap=True, min_width=id_chars)  # ids are for copying
    has_tenants = any(row.ownership.tenant_id != DEFAULT_TENANT for row in rows)
    tenants = ["tenant"] if has_tenants else []
    for name in (*tenants, "name", "version", "created (UTC)", "kind", "MB", "session", "chunk"):
        table.add_column(name, no_wrap=True, overflow="ellipsis")
    table.add_column("began as", overflow="ellipsis", no_wrap=True)
    for row in rows:
        tenant = [row.ownership.tenant_id] if has_tenants else []
        values = (row.world_id, *tenant, row.name, row.version, utc(row.created_s)[:19], row.kind)
        moment = (f"{row.num_bytes / BYTES_PER_MB:.1f}", row.session_id or "", row.chunk_idx)
        table.add_row(*(Text(str(value)) for value in (*values, *moment, spec_words(row.spec))))
    return table
