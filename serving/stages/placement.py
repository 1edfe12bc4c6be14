"""Which workers a session runs on, and who chooses them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from serving.stages.transformer import DecoderPlace


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """The workers of one session, by address."""

    encoder: str  # host:port of its gRPC server
    transformer: str  # of its connections, as decoders': see pipe.py
    decoders: tuple[DecoderPlace, ...]

    def shares_a_worker(self, other: Placement) -> bool:
        """One that holds something of a session."""
        return not self._holders.isdisjoint(other._holders)

    @property
    def _holders(self) -> frozenset[str]:
        return frozenset({self.transformer, *(place.address for place in self.decoders)})


class Placer(Protocol):
    """Chooses workers for sessions."""

    async def place(self, session_id: str) -> Placement:
        """Raises `CapacityExhaustedError` or `WorkerUnavailableError`."""
        ...


class StaticPlacer:
    """The same workers for every session."""

    def __init__(self, placement: Placement) -> None:
        self._placement = placement

    async def place(self, session_id: str) -> Placement:
        return self._placement
