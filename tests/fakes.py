"""Workers that need no model: moving colours and a tone, in real time and by credit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import numpy as np

from model.interface import CameraPose, FramesFHWC, ModelInfo, SamplesSC
from serving.errors import CapacityExhaustedError, NacreError, StorageUnavailableError, WorkerUnavailableError
from serving.sessions.contract import (
    Accepted,
    Applied,
    Control,
    DecodedChunk,
    LatestWins,
    LinkEnded,
    LinkEvent,
    Rejected,
    SessionSpec,
    Superseded,
    TakenSnapshot,
)

TONE_HZ = 440.0


def fake_info(**changes: object) -> ModelInfo:
    """The embedded model's shape: 128x80, 12.5 frames a second, one to a chunk, 16 kHz mono."""
    values: dict[str, object] = {
        "name": "fake-xs",
        "weights_sha256": "0" * 64,
        "width_px": 128,
        "height_px": 80,
        "frame_rate": 12.5,
        "frames_per_chunk": 1,
        "sample_rate_hz": 16_000,
        "audio_channels": 1,
        "samples_per_chunk": 1_280,
        "controls": ("move", "look", "directive", "image"),
        "perspectives": ("first_person",),
        "max_yaw_deg_per_s": 90.0,
        "max_pitch_deg_per_s": 45.0,
        "max_speed_m_per_s": 2.0,
        "licence": "Apache-2.0",
    }
    return ModelInfo(**{**values, **changes})  # type: ignore[arg-type]


def fake_frames(info: ModelInfo, chunk_idx: int) -> FramesFHWC:
    """Diagonal bands that move one pixel a frame."""
    rows = np.arange(info.height_px)[:, None]
    columns = np.arange(info.width_px)[None, :]
    frames = []
    for frame_idx in range(chunk_idx * info.frames_per_chunk, (chunk_idx + 1) * info.frames_per_chunk):
        phase = rows + columns + frame_idx
        frames.append(np.stack([phase % 256, (2 * phase) % 256, np.full_like(phase, frame_idx % 256)], axis=-1))
    return np.stack(frames).astype(np.uint8)


def fake_samples(info: ModelInfo, chunk_idx: int) -> SamplesSC:
    """A tone without seams between chunks."""
    sample_idx = np.arange(chunk_idx * info.samples_per_chunk, (chunk_idx + 1) * info.samples_per_chunk)
    tone_S = 0.5 * np.sin(2 * np.pi * TONE_HZ * sample_idx / max(1, info.sample_rate_hz))
    return np.repeat(tone_S[:, None], info.audio_channels, axis=1).astype(np.float32)


@dataclass(kw_only=True)
class FakeFaults:
    """What goes wrong, and when. May be changed while sessions run."""

    open_error: NacreError | None = None
    open_delay_s: float = 0.0
    lose_worker_at_chunk: int | None = None
    raise_at_chunk: int | None = None
    skip_chunk: int | None = None
    ignores_credit: bool = False
    send_error: NacreError | None = None
    close_hangs: bool = False
    late_s: float = 0.0  # every chunk comes this much after it was due
    rejects: dict[str, Rejected] = field(default_factory=dict)  # by control id


@dataclass(kw_only=True)
class FakeWorldPlane:
    """Implements `serving.sessions.contract.WorldPlane`. `links` are all that were ever opened."""

    info: ModelInfo = field(default_factory=fake_info)
    num_slots: int = 4
    speed: float = 1.0  # of world time against real time
    lead_s: float = 0.0  # between making a chunk and its due time
    faults: FakeFaults = field(default_factory=FakeFaults)
    clock: Callable[[], float] = time.time
    links: list[FakeLink] = field(default_factory=list)

    @property
    def num_open(self) -> int:
        return sum(not link.is_closed for link in self.links)

    async def open(self, spec: SessionSpec, snapshot: bytes = b"") -> FakeLink:
        await asyncio.sleep(self.faults.open_delay_s)
        if self.faults.open_error is not None:
            raise self.faults.open_error
        if self.num_open >= self.num_slots:
            raise CapacityExhaustedError(f"all {self.num_slots} slots are taken")
        link = FakeLink(self, spec)
        self.links.append(link)
        return link

    async def make_room(self, session_id: str) -> None:
        if self.num_open >= self.num_slots:
            raise CapacityExhaustedError(f"all {self.num_slots} slots are taken")

    async def rehearse(self, session_id: str, take_snapshot: Callable[[], Awaitable[bytes]]) -> None: ...


class FakeLink:
    """One session: applies controls at chunk boundaries, pauses without credit."""

    worker_id = "fake"

    def __init__(self, plane: FakeWorldPlane, spec: SessionSpec) -> None:
        self.spec = spec
        self.is_closed = False
        self.num_granted = 0
        self.num_made = 0
        self.received: list[Control] = []
        self._plane = plane
        self._mailbox: list[Control] = []
        self._outcomes: list[LinkEvent] = []
        self._changed = asyncio.Event()
        self._next_due_s = 0.0

    async def send(self, control: Control) -> None:
        if self._plane.faults.send_error is not None:
            raise self._plane.faults.send_error
        self.received.append(control)
        rejected = self._plane.faults.rejects.get(control.control_id)
        if rejected is not None:
            self._outcomes.append(rejected)
        else:
            self._outcomes.append(Accepted(control_id=control.control_id))
            self._supersede(control)
            self._mailbox.append(control)
        self._changed.set()

    async def snapshot(
        self, *, is_kept: bool = False, is_portable: bool = False, when_paused: bool = False
    ) -> TakenSnapshot:
        raise StorageUnavailableError("this plane keeps nothing")

    async def grant(self, chunks: int) -> None:
        assert chunks > 0
        self.num_granted += chunks
        self._changed.set()

    async def close(self) -> None:
        if self._plane.faults.close_hangs:
            await asyncio.Event().wait()
        self.is_closed = True
        self._changed.set()

    async def events(self) -> AsyncIterator[LinkEvent]:
        while not self.is_closed:
            while self._outcomes:
                yield self._outcomes.pop(0)
            if not self._may_make():
                await self._wait()
                continue
            await self._wait_until_made()
            if self._outcomes or self.is_closed:
                continue
            async for event in self._make_chunk():
                yield event
                if isinstance(event, LinkEnded):
                    return
        yield LinkEnded(reason="REQUESTED")

    def _may_make(self) -> bool:
        return self.num_made < self.num_granted or self._plane.faults.ignores_credit

    async def _wait(self) -> None:
        self._changed.clear()
        await self._changed.wait()
        if self._may_make():  # the world stood still: it goes on from now
            self._next_due_s = max(self._next_due_s, self._plane.clock() + self._plane.lead_s)

    async def _wait_until_made(self) -> None:
        made_s = self._next_due_s - self._plane.lead_s + self._plane.faults.late_s
        self._changed.clear()
        try:
            async with asyncio.timeout(max(0.0, made_s - self._plane.clock())):
                while not (self._outcomes or self.is_closed):
                    await self._changed.wait()
                    self._changed.clear()
        except TimeoutError:
            return

    async def _make_chunk(self) -> AsyncIterator[LinkEvent]:
        plane, chunk_idx = self._plane, self.num_made
        if chunk_idx == plane.faults.lose_worker_at_chunk:
            yield LinkEnded(reason="WORKER_LOST", message="the worker is gone")
            return
        if chunk_idx == plane.faults.raise_at_chunk:
            raise WorkerUnavailableError("the stream to the worker broke")
        world_time_s = chunk_idx * plane.info.chunk_duration_s
        for control in self._mailbox:
            yield Applied(
                control_id=control.control_id,
                chunk_idx=chunk_idx,
                frame_idx=chunk_idx * plane.info.frames_per_chunk,
                world_time_s=world_time_s,
            )
        self._mailbox.clear()
        due_s = self._next_due_s
        self._next_due_s += plane.info.chunk_duration_s / plane.speed
        self.num_made += 1
        shown_idx = chunk_idx + 1 if chunk_idx == plane.faults.skip_chunk else chunk_idx
        yield DecodedChunk(
            chunk_idx=shown_idx,
            frames_FHWC=fake_frames(plane.info, shown_idx),
            samples_SC=fake_samples(plane.info, shown_idx),
            pose=CameraPose(x_m=0.5 * chunk_idx, y_m=-1.0, yaw_deg=2.0, pitch_deg=-3.0),
            due_s=due_s,
            stage_seconds={"transformer": 0.02},
        )

    def _supersede(self, control: Control) -> None:
        """Held axes: the latest wins. Sentences and pictures all take effect."""
        if not isinstance(control.kind, LatestWins):
            return
        for earlier in [each for each in self._mailbox if type(each.kind) is type(control.kind)]:
            self._mailbox.remove(earlier)
            self._outcomes.append(Superseded(control_id=earlier.control_id, by_control_id=control.control_id))
