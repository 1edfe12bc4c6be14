"""How many sessions a worker's engine takes, and what it does for them by itself."""

from __future__ import annotations

from dataclasses import dataclass, field

from serving.engine.overload import OverloadConfig
from serving.engine.residence import PARK_AFTER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    num_slots: int = 2
    # Sessions whose states may lie where the model steps them, at the same time; the others' lie with the host. 0 for
    # as many as there are slots.
    num_resident: int = 0
    park_after_s: float = PARK_AFTER_S  # of a session that could make room
    # Directives and images that may wait for a boundary, per session.
    max_waiting_instructions: int = 64
    # Chunks between the snapshots that are stored of every session on record; 0 for none.
    snapshot_every_chunks: int = 0
    # Refuse a session, although there is a slot, when steps of all would take more than this share of the time, as
    # they were measured; 0 asks for slots alone.
    max_load: float = 0.0
    overload: OverloadConfig = field(default_factory=OverloadConfig)

    @property
    def is_short_of_room(self) -> bool:
        return 0 < self.num_resident < self.num_slots

    @property
    def num_rooms(self) -> int:
        """For so many states the model needs memory."""
        return self.num_resident if self.is_short_of_room else self.num_slots

    def __post_init__(self) -> None:
        if self.num_resident < 0 or self.park_after_s < 0:
            raise ValueError("num_resident and park_after_s must not be negative")
        if self.num_slots < 1 or self.max_waiting_instructions < 1:
            raise ValueError("num_slots and max_waiting_instructions must be at least 1")
        if self.snapshot_every_chunks < 0:
            raise ValueError(f"snapshot_every_chunks must not be negative, got {self.snapshot_every_chunks}")
        if self.max_load < 0:
            raise ValueError(f"max_load must not be negative, got {self.max_load}")
