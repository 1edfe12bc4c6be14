"""Between a session's clients and its worker: whose controls get there, as what, and who hears what became of them."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace

from serving.errors import NacreError
from serving.gateway.arbitration import LossReason, Policy
from serving.gateway.arrivals import ArrivalQueue
from serving.gateway.audience import Audience, Member
from serving.gateway.config import GatewayConfig
from serving.gateway.handover import HandVerb
from serving.gateway.hands import Hands, is_sent
from serving.gateway.roles import Role
from serving.gateway.seen import Seen
from serving.sessions.contract import Control, Outcome, SessionLink, Superseded

# The most that a vote waits for a gateway to count it. One that was killed never does.
UNCOUNTED_S = 3.0
# A worker is not further ahead of what arrived than it was let, and by what is being decoded.
DECODING_CHUNKS = 3


class Floor:
    def __init__(
        self,
        policy: Policy,
        audience: Audience,
        link: SessionLink,
        config: GatewayConfig,
        clock: Callable[[], float],
        arrivals: ArrivalQueue,
        chunk_duration_s: float,
    ) -> None:
        self._arrivals = arrivals
        self._ahead_chunks = config.window_chunks + DECODING_CHUNKS
        self._uncounted_chunks = self._ahead_chunks + math.ceil((config.vote_window_s + UNCOUNTED_S) / chunk_duration_s)
        self.hands = Hands(policy, config.take_control_after_s, clock, self._uncounted_until)
        self._audience = audience
        self._link = link
        self._vote_window_s = config.vote_window_s
        self._unsent: deque[Control] = deque()  # bounded: a few for each client that comes or goes, and the votes
        self._is_unsent = asyncio.Event()
        self._counting: asyncio.TimerHandle | None = None

    @property
    def policy(self) -> Policy:
        return self.hands.policy

    @property
    def seen(self) -> list[Seen]:
        """Those who drive come first."""
        return [self.see(member) for member in self._audience.members]

    async def run(self) -> None:
        """Send what nobody sent just now: votes that were counted, and what is let go. For ever."""
        while True:
            await self._is_unsent.wait()
            self._is_unsent.clear()
            while self._unsent:
                try:
                    await self._link.send(self._unsent.popleft())
                except NacreError:  # the session ends, and says so to those who sent something
                    self._unsent.clear()

    # --- clients ---

    def enter(self, member: Member) -> None:
        self._audience.enter(member)
        self._send_soon(self.hands.enter(member))
        if member.role is not Role.VIEWER:
            self._tell_hands(but=member)

    def leave(self, member: Member) -> None:
        self._audience.leave(member)
        self._send_soon(self.hands.leave(member))
        if member.role is not Role.VIEWER:
            self._tell_hands()

    def hand_over(self, member: Member, verb: HandVerb) -> None:
        """Raises as `Hands.hand_over` does."""
        self._send_soon(self.hands.hand_over(member, verb))
        self._tell_hands()

    def _tell_hands(self, but: Member | None = None) -> None:
        """To those who may control the session, how it stands between them."""
        told = [each for each in self._audience.members if each.role is not Role.VIEWER]
        seen = [self.see(each) for each in told]
        num_viewers = len(self._audience.members) - len(told)
        for member in told:
            if member is not but:
                member.client.hands_changed([each.as_told_to(member.viewpoint) for each in seen], num_viewers)

    def see(self, member: Member) -> Seen:
        return Seen(
            client_id=member.client_id,
            subject_id=member.subject_id,
            role=member.role,
            is_in_control=self.hands.is_in_control(member),
            asks_control=self.hands.asks_control(member),
            joined_s=member.joined_s,
        )

    # --- controls ---

    async def send(self, control: Control, member: Member) -> None:
        """Give an admitted control to the worker. Its outcomes go to whoever sent it."""
        self._audience.note_sender(control.control_id, member)
        axes = self.hands.axes
        ordered = self.hands.arrange(member, control)
        if axes.has_ballots and self._counting is None:
            self._counting = asyncio.get_running_loop().call_later(self._vote_window_s, self._count)
        if axes.has_plans:
            ordered += axes.coming(self._arrivals.num_arrived + self._ahead_chunks)
        for each in ordered:
            await self._link.send(each)

    def chunk_came(self) -> None:
        """What is planned for soon may be due with others' axes than when it was sent."""
        if self.hands.axes.has_plans:
            self._send_soon(self.hands.axes.coming(self._arrivals.num_arrived + self._ahead_chunks))

    def _uncounted_until(self) -> int:
        return self._arrivals.num_arrived + self._uncounted_chunks

    def forget(self, control_id: str) -> None:
        """It never reached the worker."""
        self.hands.axes.forget(control_id)
        self._audience.forget_sender(control_id)

    def close(self) -> None:
        if self._counting is not None:
            self._counting.cancel()

    def _count(self) -> None:
        self._counting = None
        self._send_soon(self.hands.axes.count_votes())

    def _send_soon(self, controls: Iterable[Control]) -> None:
        """Behind what was sent before: the link takes controls in order."""
        self._unsent.extend(controls)
        if self._unsent:
            self._is_unsent.set()

    # --- outcomes ---

    def read(self, outcome: Outcome) -> list[Outcome]:
        """For those who sent something, and with what they can be told about it."""
        told = [self._explained(each) for each in self.hands.read(outcome) if is_sent(each.control_id)]
        self._send_soon(self.hands.axes.amends())
        return told

    def _explained(self, outcome: Outcome) -> Outcome:
        if not isinstance(outcome, Superseded):
            return outcome
        by = self._audience.sender(outcome.by_control_id) or self.hands.holder_of(outcome.by_control_id)
        sender = self._audience.sender(outcome.control_id)
        is_directed = (
            self.policy is Policy.DIRECTOR
            and by is not None
            and by.role is Role.DIRECTOR
            and (sender is None or sender.role is not Role.DIRECTOR)
        )
        reason = outcome.reason or (LossReason.DIRECTOR if is_directed else LossReason.LATER)
        return replace(outcome, reason=reason, by_client_id="" if by is None else by.client_id)
