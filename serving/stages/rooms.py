"""The workers that are kept for sessions which are about to move there."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from serving.errors import WorkerUnavailableError
from serving.stages.pipe import is_reached
from serving.stages.placement import Placement, Placer
from serving.stages.transformer import RESERVATION_TIMEOUT_S

# A session that plays does not wait for a worker that takes longer to be reached: it stays where it is.
REACH_TIMEOUT_S = 2.0


class Rooms:
    def __init__(self, placer: Placer, secret: str = "") -> None:
        """`secret`: what workers ask for."""
        self._placer = placer
        self._secret = secret
        self._kept: dict[str, Placement] = {}

    async def make(self, session_id: str, present: Collection[Placement]) -> None:
        """As `WorldPlane.make_room`, elsewhere than at `present` where that can be."""
        placement = await self._placer.place(session_id)
        if placement.transformer in {each.transformer for each in present}:
            placement = await self._placer.place(session_id)  # another one's turn, where another has room
        if not await is_reached(placement.transformer, REACH_TIMEOUT_S, self._secret):
            raise WorkerUnavailableError(f"the worker {placement.transformer} does not answer")
        self.keep(session_id, placement)

    def keep(self, session_id: str, placement: Placement) -> None:
        """For as long as a worker does."""
        self._kept[session_id] = placement
        asyncio.get_running_loop().call_later(RESERVATION_TIMEOUT_S, self._kept.pop, session_id, None)

    def find(self, session_id: str) -> Placement | None:
        return self._kept.get(session_id)

    def take(self, session_id: str) -> Placement | None:
        """It goes there now, or never."""
        return self._kept.pop(session_id, None)
