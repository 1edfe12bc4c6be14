"""A worker's spools: one for the sessions of each region, on a disk that lies there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from serving.catalogue.journal import Batch
from serving.catalogue.spool import Slice, Spool
from serving.sessions.names import region_of


class RegionalSpool:
    """As a `Spool`. What belongs to one session stays in order; sessions of several regions have none in common."""

    def __init__(self, folders: Mapping[str, Path], file_name: str) -> None:
        self._spools = {region: Spool(folder / file_name) for region, folder in folders.items()}
        self._given: Spool | None = None  # where the last slice came from

    @property
    def num_records(self) -> int:
        return sum(spool.num_records for spool in self._spools.values())

    @property
    def is_full(self) -> bool:
        return any(spool.is_full for spool in self._spools.values())

    def add(self, batches: Sequence[Batch]) -> None:
        for region, spool in self._spools.items():
            if own := [batch for batch in batches if region_of(batch.session_id) == region]:
                spool.add(own)

    def oldest(self) -> Slice:
        """Of whichever holds any. Raises `SpoolUnusableError`."""
        holding = [spool for spool in self._spools.values() if spool.num_records]
        self._given = holding[0] if holding else None
        return Slice(last_position=0, batches=()) if self._given is None else self._given.oldest()

    def remove(self, taken: Slice) -> None:
        """The slice that `oldest` gave last. Raises `SpoolUnusableError`."""
        if self._given is not None:
            self._given.remove(taken)

    def set_aside(self, session_id: str, epoch: int) -> None:
        """Raises `SpoolUnusableError`."""
        self._spools[region_of(session_id)].set_aside(session_id, epoch)

    def close(self) -> None:
        for spool in self._spools.values():
            spool.close()
