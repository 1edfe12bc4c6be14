"""How long the parts of something took, for a line in the log."""

from __future__ import annotations

import time
from collections.abc import Callable

MS = 1_000


class Laps:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since_s = clock()
        self._laps: list[tuple[str, float]] = []

    def end(self, name: str) -> None:
        """What went on since the last one ended was that."""
        now_s = self._clock()
        self._laps.append((name, now_s - self._since_s))
        self._since_s = now_s

    @property
    def last_s(self) -> float:
        return self._laps[-1][1] if self._laps else 0.0

    def __str__(self) -> str:
        return ", ".join(f"{name} {seconds * MS:.0f} ms" for name, seconds in self._laps)
