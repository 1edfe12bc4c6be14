"""Workers and a record that do as the test says, to look at what lies between them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np

from model.interface import CameraPose, ModelInfo
from serving.errors import NacreError
from serving.sessions.contract import (
    Control,
    DecodedChunk,
    LinkEnded,
    LinkEvent,
    SessionSpec,
    TakenSnapshot,
)
from serving.sessions.journal import JournalEntry
from serving.sessions.receipts import Receipt
from tests.fakes import fake_info

POSE = CameraPose(x_m=0.0, y_m=0.0, yaw_deg=0.0, pitch_deg=0.0)


def chunk(chunk_idx: int) -> DecodedChunk:
    return DecodedChunk(
        chunk_idx=chunk_idx,
        frames_FHWC=np.full((1, 2, 2, 3), chunk_idx, np.uint8),
        samples_SC=np.zeros((4, 1), np.float32),
        pose=POSE,
        due_s=0.0,
    )


class ScriptedLink:
    """A `SessionLink` whose events are put in by the test."""

    def __init__(self, spec: SessionSpec, snapshot: bytes = b"") -> None:
        self.spec = spec
        self.worker_id = "w-1"
        self.snapshot_given = snapshot
        self.sent: list[Control] = []
        self.num_granted = 0
        self.is_closed = False
        self.lets_go = asyncio.Event()
        self.lets_go.set()
        self.snapshot_answer: TakenSnapshot | NacreError = TakenSnapshot(request_id="1", chunk_idx=0)
        self._events: asyncio.Queue[LinkEvent] = asyncio.Queue()

    def put(self, *events: LinkEvent) -> None:
        for event in events:
            self._events.put_nowait(event)

    async def send(self, control: Control) -> None:
        self.sent.append(control)

    async def grant(self, chunks: int) -> None:
        self.num_granted += chunks

    async def snapshot(
        self, *, is_kept: bool = False, is_portable: bool = False, when_paused: bool = False
    ) -> TakenSnapshot:
        if isinstance(self.snapshot_answer, NacreError):
            raise self.snapshot_answer
        return self.snapshot_answer

    async def events(self) -> AsyncIterator[LinkEvent]:
        while not isinstance(event := await self._events.get(), LinkEnded):
            yield event
        yield event

    async def close(self) -> None:
        if not self.is_closed:
            self.is_closed = True
            self.put(LinkEnded(reason="CLOSED"))
        await self.lets_go.wait()


@dataclass(kw_only=True)
class ScriptedHome:
    """A `LinkHome`. `links` are all that were opened after the first."""

    info: ModelInfo = field(default_factory=fake_info)
    links: list[ScriptedLink] = field(default_factory=list)
    on_record: dict[str, JournalEntry] = field(default_factory=dict)
    room_error: NacreError | None = None
    rehearsal_error: NacreError | None = None
    is_new: bool = False  # the next workers
    rehearsed: bytes = b""
    take_over_error: NacreError | None = None
    written: list[tuple[str, int]] = field(default_factory=list)  # what, and at which chunk
    receipts: list[tuple[int, list[int]]] = field(default_factory=list)  # epochs, and the chunks
    on_branch: Callable[[], Awaitable[None]] | None = None
    reopened: asyncio.Event = field(default_factory=asyncio.Event)

    async def take_over(self, session_id: str, epoch: int) -> int:
        if self.take_over_error is not None:
            raise self.take_over_error
        return epoch + 1

    async def make_room(self, session_id: str) -> None:
        if self.room_error is not None:
            raise self.room_error

    async def rehearse(self, session_id: str, take_snapshot: Callable[[], Awaitable[bytes]]) -> None:
        if self.rehearsal_error is not None:
            raise self.rehearsal_error
        if self.is_new:
            self.rehearsed = await take_snapshot()

    async def open_workers(self, spec: SessionSpec, snapshot: bytes) -> ScriptedLink:
        self.links.append(link := ScriptedLink(spec, snapshot))
        self.reopened.set()
        return link

    async def entries(self, session_id: str, control_ids: Collection[str]) -> Mapping[str, JournalEntry]:
        return {each: self.on_record[each] for each in control_ids if each in self.on_record}

    async def branch_off(self, session_id: str, chunk_idx: int) -> str:
        if self.on_branch is not None:
            await self.on_branch()
        return f"{session_id}-before-{chunk_idx}"

    async def receipt(self, session_id: str, chunk_idx: int) -> Receipt | None:
        return None

    def write_receipts(self, session_id: str, epoch: int, receipts: list[Receipt]) -> Future[None]:
        self.receipts.append((epoch, [each.chunk_idx for each in receipts]))
        return self._write("receipts", receipts[-1].chunk_idx + 1)

    def write_end(self, session_id: str, epoch: int, reason: str) -> Future[None]:
        return self._write(f"end {reason}", epoch)

    def write_rewound(self, session_id: str, epoch: int, num_chunks: int) -> Future[None]:
        return self._write("rewound", num_chunks)

    def write_parked(self, session_id: str, epoch: int, num_chunks: int) -> Future[None]:
        return self._write("parked", num_chunks)

    def _write(self, what: str, number: int) -> Future[None]:
        self.written.append((what, number))
        done: Future[None] = Future()
        done.set_result(None)
        return done
