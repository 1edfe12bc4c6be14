"""How a durable session goes on with other workers: each time with its next epoch, which fences off those before."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_exponential

from serving.catalogue.delivered import Delivered
from serving.catalogue.link_home import LinkHome, Turn
from serving.catalogue.worker_line import WorkerLine
from serving.errors import CapacityExhaustedError, SessionEndedError, SessionFencedError, UnavailableError
from serving.sessions.contract import LinkEvent, Rewound, SessionSpec
from serving.sessions.journal import JournalEntry

# A worker that was killed is back, or another one has room, within this time; then the session is given up.
RECOVERY_TIMEOUT_S = 60.0
MIN_RETRY_S, MAX_RETRY_S = 0.05, 1.0


class Succession:
    def __init__(self, home: LinkHome, line: WorkerLine, delivered: Delivered, spec: SessionSpec) -> None:
        self.spec = spec  # with the present epoch
        self._home = home
        self._line = line
        self._delivered = delivered

    async def go_on(self, turn: Turn) -> list[LinkEvent]:
        """Open the next link. Gives what is to be told before its events. Raises `NacreError` when there is no going
        on."""
        await self._reopen(turn)
        return await self._after(turn)

    async def _reopen(self, turn: Turn) -> None:
        attempts = AsyncRetrying(
            stop=stop_after_delay(RECOVERY_TIMEOUT_S),
            wait=wait_exponential(min=MIN_RETRY_S, max=MAX_RETRY_S),
            retry=retry_if_exception_type((UnavailableError, CapacityExhaustedError)),
            reraise=True,
        )
        async for attempt in attempts:
            with attempt:
                await self._reopen_once(turn)

    async def _reopen_once(self, turn: Turn) -> None:
        try:
            epoch = await self._home.take_over(self.spec.session_id, self.spec.epoch)
        except SessionFencedError as error:
            raise SessionEndedError("another gateway has the session") from error
        self.spec = replace(self.spec, epoch=epoch)
        self._line.link = await self._home.open_workers(replace(turn.spec, epoch=epoch), turn.snapshot)

    async def _after(self, turn: Turn) -> list[LinkEvent]:
        if turn.branch_session_id:
            return await self._after_rewind(turn)
        entries: Mapping[str, JournalEntry] = {}
        if not turn.snapshot and self._line.waiting.controls:
            entries = await self._home.entries(self.spec.session_id, tuple(self._line.waiting.controls))
        self._line.begin_anew()
        return list(self._line.waiting.take_up(entries, self._home.info))

    async def _after_rewind(self, turn: Turn) -> list[LinkEvent]:
        session_id, chunk_idx = self.spec.session_id, turn.spec.resume_from
        assert chunk_idx is not None, "a rewind says where to"
        rejected = self._line.waiting.reject_all()
        self._line.go_back(chunk_idx)
        await asyncio.wrap_future(self._home.write_rewound(session_id, self.spec.epoch, chunk_idx))
        before = await self._home.receipt(session_id, chunk_idx - 1) if chunk_idx else None
        self._delivered.begin_after(before)
        return [*rejected, Rewound(chunk_idx=chunk_idx, branch_session_id=turn.branch_session_id)]
