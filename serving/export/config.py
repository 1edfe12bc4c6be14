"""Settings of recordings.

[recording]
is_on = true
max_session_mib = 256
max_age_days = 7.0
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MIB = 1 << 20
DAY_S = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingConfig:
    """On by default, and bounded: an hour of the embedded model takes 110 to 145 MB."""

    is_on: bool = True
    max_session_mib: int = 256  # then the oldest part goes as new ones come
    max_age_days: float = 7.0  # of each part; 0 for no limit
    # What lies between two of these is lost when a gateway dies, and waits in its memory until then.
    segment_s: float = 10.0
    max_waiting_mib: int = 32  # of all sessions together, while the store is slow or away

    def __post_init__(self) -> None:
        if self.max_session_mib < 1 or self.max_waiting_mib < 1:
            raise ValueError("recording: max_session_mib and max_waiting_mib must be at least 1")
        if not (math.isfinite(self.max_age_days) and self.max_age_days >= 0):
            raise ValueError(f"recording: max_age_days must not be negative, got {self.max_age_days}")
        if not (math.isfinite(self.segment_s) and self.segment_s > 0):
            raise ValueError(f"recording: segment_s must be a positive number of seconds, got {self.segment_s}")

    @property
    def max_session_bytes(self) -> int:
        return self.max_session_mib * MIB

    @property
    def max_waiting_bytes(self) -> int:
        return self.max_waiting_mib * MIB


def read_recording(table: Any) -> RecordingConfig:
    """From the settings file. Raises ValueError."""
    if not isinstance(table, Mapping):
        raise ValueError("recording must be a table")
    try:
        return RecordingConfig(**table)
    except TypeError as error:
        raise ValueError(f"recording: {error}") from error
