"""Keeps what is shown. Whoever shows it says so and goes on; all else happens in a thread, every second or two."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from model.interface import ModelInfo
from serving.errors import NacreError
from serving.export.accounts import Accounts
from serving.export.config import DAY_S, RecordingConfig
from serving.export.segment import Header, as_run
from serving.export.session_recorder import SessionRecorder
from serving.export.store import PartName, RecordingStore
from serving.export.track import Cut, Shot, Track, recording_codecs
from serving.gateway.media import MediaConfig

logger = logging.getLogger(__name__)

WRITE_EVERY_S = 2.0
SWEEP_EVERY_S = 3_600.0


class Recorder:
    """Of all sessions of a gateway."""

    def __init__(
        self,
        store: RecordingStore,
        config: RecordingConfig,
        media: MediaConfig,
        clock: Callable[[], float] = time.time,
        on_error: Callable[[str], None] = lambda reason: None,
        accounts: Accounts | None = None,
    ) -> None:
        """`on_error` is told the reason of whatever could not be kept. `accounts`: None where there are no quotas."""
        self.store = store
        self.config = config
        self._media = media
        self._clock = clock
        self._on_error = on_error
        self._accounts = accounts
        self._name = secrets.token_hex(4)
        self._sessions: list[SessionRecorder] = []  # one that left and came back is there twice for a while
        self._pool = ThreadPoolExecutor(1, "recorder")
        self._hurry = asyncio.Event()
        self._next_sweep_s = 0.0
        self._task: asyncio.Task[None] | None = None

    def open(self, session_id: str, prompt: str, info: ModelInfo) -> SessionRecorder | None:
        """None for a model whose pictures cannot be kept."""
        codecs = recording_codecs(info)
        if codecs is None:
            return None
        header = Header.of(session_id, prompt, info, has_sound=codecs.audio is not None)
        track = Track(header, codecs, info, self._media, self.config.segment_s)
        session = SessionRecorder(track, session_id, codecs, self._clock, self._hurry.set)
        self._sessions.append(session)
        return session

    def start(self) -> None:
        # Owned by this object, from here to `stop`.
        self._task = asyncio.create_task(self._run(), name="recorder")

    async def stop(self) -> None:
        """Write what is left. Nothing may be shown any more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        for session in self._sessions:
            session.close()
        await self.write()
        self._pool.shutdown(wait=False)

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(WRITE_EVERY_S):
                    await self._hurry.wait()
            self._hurry.clear()
            await self.write()
            await self._sweep()

    async def write(self) -> None:
        """What waits, of every session."""
        for session in [each for each in self._sessions if each.has_work]:
            is_last = session.is_closed
            await self._write(session, is_cut=is_last)
            if is_last and not session.cuts:
                self._sessions.remove(session)

    async def flush(self, session_id: str) -> None:
        """Until now, so that it can be read. Where the session runs at another gateway, as far as that one wrote."""
        for session in [each for each in self._sessions if each.session_id == session_id]:
            await self._write(session, is_cut=True)

    async def forget(self, session_id: str) -> None:
        """Delete what there is; what is shown from now on is kept anew."""
        await self.flush(session_id)
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._pool, self._delete_all, session_id)
        for session in self._sessions:
            if session.session_id == session_id:
                session.stored = []
                session.halt_reason = ""

    async def _write(self, session: SessionRecorder, *, is_cut: bool) -> None:
        async with session.lock:
            shots, num_lost = session.take()
            if num_lost:
                logger.warning("%d chunks of session %s came too quickly to be recorded", num_lost, session.session_id)
            loop = asyncio.get_running_loop()
            try:
                await loop.run_in_executor(self._pool, self._work, session, shots, is_cut)
            except NacreError as error:  # it waits for the next time, as far as there is room
                logger.warning("the recording of session %s waits: %s", session.session_id, error.message)
                self._on_error(error.reason)
            except Exception:  # a defect here must not end what is played
                logger.exception("the recording of session %s has a gap", session.session_id)
                self._on_error("INTERNAL")
                session.break_off()

    def _work(self, session: SessionRecorder, shots: list[Shot], is_cut: bool) -> None:
        """In the thread."""
        session.cuts += session.track.add(shots)
        if is_cut:
            session.cuts += session.track.cut()
        self._bound(session)
        while session.cuts:
            self._store(session, session.cuts[0])
            session.cuts.popleft()

    def _bound(self, session: SessionRecorder) -> None:
        """What the store does not take is not held for ever."""
        limit_bytes = self.config.max_waiting_bytes // max(1, len(self._sessions))
        while len(session.cuts) > 1 and sum(len(cut.data) for cut in session.cuts) > limit_bytes:
            lost = session.cuts.popleft()
            session.has_gap = True
            logger.warning("%d frames of session %s could not be kept", lost.num_frames, session.session_id)

    def _store(self, session: SessionRecorder, cut: Cut) -> None:
        if session.stored is None:
            session.stored = [(part.name, part.num_bytes) for part in self.store.parts(session.session_id)]
        if self._is_halted(session, cut):
            session.has_gap = True
            return
        start_ms, number = int(cut.start_s * 1000), session.num_parts
        name = PartName(start_ms=start_ms, gateway=self._name, number=number, num_frames=cut.num_frames)
        self.store.put(session.session_id, name, as_run(cut.data) if session.has_gap else cut.data)
        session.num_parts, session.has_gap = session.num_parts + 1, False
        session.stored.append((name, len(cut.data)))
        self._let_go(session, session.stored)

    def _let_go(self, session: SessionRecorder, stored: list[tuple[PartName, int]]) -> None:
        """Of what is more than one session may have."""
        oldest = []
        while len(stored) > 1 and sum(size for _, size in stored) > self.config.max_session_bytes:
            oldest.append(stored.pop(0)[0])
        self.store.delete(session.session_id, oldest)
        self._note(session)

    def _is_halted(self, session: SessionRecorder, cut: Cut) -> bool:
        """Whether there is no room for the part. The session plays on; once there is room, it is recorded again."""
        if self._accounts is None:
            return False
        reason = self._accounts.refusal(session.session_id, len(cut.data))
        if reason != session.halt_reason:
            session.halt_reason = reason
            self._note(session)
            if reason:
                logger.warning("session %s is not recorded any more: %s", session.session_id, reason)
                self._on_error(reason)
        return bool(reason)

    def _note(self, session: SessionRecorder) -> None:
        if self._accounts is not None:
            num_bytes = sum(size for _, size in session.stored or ())
            self._accounts.note(session.session_id, num_bytes, session.halt_reason)

    def _delete_all(self, session_id: str) -> None:
        self.store.delete(session_id, [part.name for part in self.store.parts(session_id)])
        if self._accounts is not None:
            self._accounts.forget(session_id)

    async def _sweep(self) -> None:
        """What is older than is kept goes, and what is left is counted, now and then. Several gateways may do it: it is
        gone once."""
        now_s = self._clock()
        if now_s < self._next_sweep_s:
            return
        self._next_sweep_s = now_s + SWEEP_EVERY_S
        before_s = now_s - self.config.max_age_days * DAY_S if self.config.max_age_days else -math.inf
        with contextlib.suppress(NacreError):
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._pool, self._look_through, before_s)

    def _look_through(self, before_s: float) -> None:
        left = self.store.sweep(before_s)
        if self._accounts is not None:
            self._accounts.settle(left)
