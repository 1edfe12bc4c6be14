"""What a page tells of a play on a lossy line."""

from __future__ import annotations

from typing import Any

from bench.lossy.figures import WEBSOCKET

FRAME_MS = 40.0
LINE = {"num_packets": 1_000, "num_lost": 51, "num_not_taken": 0, "lag_p50_ms": 0.2, "lag_p99_ms": 12.0}


def play(face: str = WEBSOCKET, missing: range = range(0), **fields: Any) -> dict[str, Any]:
    """Ten seconds, a picture every 40 ms but for those that are missing, and a turn every second, seen 100 ms later."""
    painted = [[1_000 + FRAME_MS * idx, idx] for idx in range(251) if idx not in missing]
    turns = [[1_000.0 * second, round(25 * (second - 1) + 2.5)] for second in range(1, 10)]
    return {
        "face": face,
        "began_ms": 1_000.0,
        "ended_ms": 11_000.0,
        "frame_rate": 25.0,
        "painted": painted,
        "turns": turns,
        "num_chunks": 125,
        "num_late_chunks": 1,
        "num_attachments": 1,
    } | fields
