"""What a durable link needs around it, and how it goes on when its workers end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from model.interface import ModelInfo
from serving.sessions.contract import SessionLink, SessionSpec
from serving.sessions.journal import JournalEntry
from serving.sessions.receipts import Receipt


class LinkHome(Protocol):
    """What a durable link needs of the plane it belongs to. What is written comes in order, and never fails."""

    @property
    def info(self) -> ModelInfo: ...

    async def take_over(self, session_id: str, epoch: int) -> int:
        """Take the session's next epoch, which is to follow `epoch`; gives it. Raises `SessionFencedError` when
        somebody else took the session meanwhile."""
        ...

    async def make_room(self, session_id: str) -> None:
        """As `WorldPlane.make_room`."""
        ...

    async def rehearse(self, session_id: str, take_snapshot: Callable[[], Awaitable[bytes]]) -> None:
        """As `WorldPlane.rehearse`."""
        ...

    async def open_workers(self, spec: SessionSpec, snapshot: bytes) -> SessionLink:
        """As `WorldPlane.open`."""
        ...

    async def entries(self, session_id: str, control_ids: Collection[str]) -> Mapping[str, JournalEntry]:
        """What the journal has of these controls, by id."""
        ...

    async def branch_off(self, session_id: str, chunk_idx: int) -> str:
        """Keep what there is up to `chunk_idx` as a session of its own. Gives its id."""
        ...

    async def receipt(self, session_id: str, chunk_idx: int) -> Receipt | None: ...

    def write_receipts(self, session_id: str, epoch: int, receipts: list[Receipt]) -> Future[None]: ...

    def write_end(self, session_id: str, epoch: int, reason: str) -> Future[None]: ...

    def write_rewound(self, session_id: str, epoch: int, num_chunks: int) -> Future[None]: ...

    def write_parked(self, session_id: str, epoch: int, num_chunks: int) -> Future[None]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """How a session goes on when its link to the workers ends."""

    spec: SessionSpec
    snapshot: bytes = b""
    branch_session_id: str = ""  # of a rewind
