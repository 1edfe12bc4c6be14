"""Workers as an operator sees them."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from rich.table import Table
from rich.text import Text

from serving.catalogue.workers import DRAINED, DRAINING, LOST, UP, WorkerRow
from serving.cli.session_table import utc

STYLES = {UP: "green", DRAINING: "yellow", DRAINED: "cyan", LOST: "red"}


def worker_fields(row: WorkerRow) -> dict[str, Any]:
    return {
        "worker_id": row.worker_id,
        "state": row.state,
        "wanted": row.wanted,
        "model": row.model,
        "weights_sha256": row.weights_sha256,
        "num_slots": row.num_slots,
        "num_used_slots": row.num_used_slots,
        "state_bytes": row.state_bytes,
        "started": utc(row.started_s),
        "seen": utc(row.seen_s),
    }


def worker_table(rows: Iterable[WorkerRow], now_s: float | None = None) -> Table:
    now_s = time.time() if now_s is None else now_s
    table = Table(box=None, pad_edge=False)
    rows = list(rows)
    id_chars = max((len(row.worker_id) for row in rows), default=0)
    table.add_column("worker", no_wrap=True, min_width=id_chars)  # ids are for copying
    for name in ("state", "slots used", "memory", "model", "started (UTC)", "seen"):
        table.add_column(name, no_wrap=True)
    for row in rows:
        seen = f"{max(0.0, now_s - row.seen_s):.0f} s ago"
        state = Text(row.state, STYLES.get(row.state, ""))
        slots = f"{row.num_used_slots} of {row.num_slots}"
        memory = f"{row.state_bytes / 1e6:.1f} MB"
        table.add_row(Text(row.worker_id), state, slots, memory, Text(row.model), utc(row.started_s)[:19], seen)
    return table
