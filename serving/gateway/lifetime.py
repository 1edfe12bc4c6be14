"""How long a session lasts at its gateway: its state, and the times after which it ends or is kept."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable

from serving.errors import NacreError
from serving.gateway.audience import Audience
from serving.gateway.config import GatewayConfig
from serving.gateway.session_identity import SessionIdentity
from serving.gateway.session_state import State, entered
from serving.sessions.contract import KeptLink, SessionLink

logger = logging.getLogger(__name__)

PARKED, STOPPING = "PARKED", "SERVICE_STOPPING"
ABANDONED, TIME_LIMIT = "ABANDONED", "TIME_LIMIT"


class Lifetime:
    def __init__(
        self,
        identity: SessionIdentity,
        config: GatewayConfig,
        audience: Audience,
        end: Callable[[str], None],
        clock: Callable[[], float],
    ) -> None:
        """`end`: ends the session for a reason."""
        self.state = State.READY
        self.end_reason = ""
        self.ended = asyncio.Event()
        self.closed = asyncio.Event()  # the slots are free, or were given up on
        self._identity = identity
        self._config = config
        self._audience = audience
        self._end = end
        self._clock = clock
        self._is_unattended = asyncio.Event()  # for longer than the grace time
        # One that has a past is kept, not given up.
        expire = self._is_unattended.set if identity.first_chunk_idx else functools.partial(end, ABANDONED)
        self._expiry = asyncio.get_running_loop().call_later(config.ready_grace_s, expire)

    @property
    def end_s(self) -> float | None:
        """When the operator's policy ends it, or the credential's of whoever began it (time.time)."""
        limits_s = [limit_s for limit_s in (self._config.max_session_s, self._identity.max_seconds) if limit_s]
        return self._identity.create_s + min(limits_s) if limits_s else None

    @property
    def has_ended(self) -> bool:
        """For this gateway; one that is parked can be woken."""
        return self.state in (State.ENDED, State.PARKED)

    def attended(self) -> None:
        """Somebody drives again."""
        self._enter(State.RUNNING)
        self._expiry.cancel()
        self._is_unattended.clear()

    def left_alone(self) -> None:
        """Nobody drives any more: it waits for somebody for the grace time."""
        self._enter(State.DETACHED)
        loop = asyncio.get_running_loop()
        self._expiry = loop.call_later(self._config.detach_grace_s, self._is_unattended.set)

    def over(self, reason: str, *, is_kept: bool) -> None:
        self._enter(State.PARKED if is_kept else State.ENDED)
        self.end_reason = reason
        self._expiry.cancel()
        self.ended.set()

    async def is_over_within(self, time_left_s: float) -> bool:
        try:
            async with asyncio.timeout(time_left_s):
                await self.ended.wait()
        except TimeoutError:
            return False
        return True

    async def end_in_time(self, end_s: float) -> None:
        """As the operator's policy has it, and not without a word before."""
        warn_s = max(self._clock(), end_s - self._config.warn_before_limit_s)
        await asyncio.sleep(warn_s - self._clock())
        self._audience.go_away(TIME_LIMIT, end_s - self._clock())
        await asyncio.sleep(end_s - self._clock())
        self._end(TIME_LIMIT)

    async def park_unattended(self, link: SessionLink) -> None:
        """Keep a session that its client left, where it can be kept, and free its slots."""
        while True:
            await self._is_unattended.wait()
            self._is_unattended.clear()
            if self._audience.players:
                continue
            if not isinstance(link, KeptLink):
                self._end(ABANDONED)
                return
            try:
                await link.park()
            except NacreError as error:
                logger.warning("session %s cannot be parked: %s", self._identity.session_id, error.message)
                self._end(ABANDONED)

    def _enter(self, state: State) -> None:
        self.state = entered(self._identity.session_id, self.state, state)
