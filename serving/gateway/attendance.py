"""Clients that come to a session and go: whether there is a place for them, and what changes by it."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from serving.access.principal import current
from serving.errors import CapacityExhaustedError, SessionControlledError, SessionEndedError
from serving.gateway.arbitration import Policy
from serving.gateway.audience import Audience, Client, Member
from serving.gateway.broadcast import Broadcast
from serving.gateway.config import GatewayConfig
from serving.gateway.floor import Floor
from serving.gateway.guests import attender
from serving.gateway.lifetime import Lifetime
from serving.gateway.media_channel import Codecs
from serving.gateway.metrics import GatewayMetrics
from serving.gateway.roles import Role
from serving.gateway.seen import Viewpoint
from serving.gateway.validation import AttachSpec

CONTROLLED = (
    'another client controls the session: look on (role="viewer"), stand by until it is handed over (stand_by=True), '
    'or create a session that several control together (arbitration="merge")'
)


class Attendance:
    def __init__(
        self,
        audience: Audience,
        broadcast: Broadcast,
        floor: Floor,
        lifetime: Lifetime,
        config: GatewayConfig,
        metrics: GatewayMetrics,
        clock: Callable[[], float],
    ) -> None:
        self._audience = audience
        self._broadcast = broadcast
        self._floor = floor
        self._lifetime = lifetime
        self._config = config
        self._metrics = metrics
        self._clock = clock

    def enter(self, client: Client, spec: AttachSpec) -> Member:
        """Let a client see the session, and drive it where its role lets it. Raises SessionEndedError,
        SessionControlledError or CapacityExhaustedError."""
        is_first = self._check(spec)
        asker = current()
        who = attender(asker.subject_id, spec.guest_token)
        seat = self._broadcast.take_seat(Codecs(spec.video_codec, spec.audio_codec), spec.credit, is_anew=is_first)
        member = Member(
            client=client,
            seat=seat,
            role=spec.role,
            client_id=spec.client_id or f"client-{secrets.token_hex(4)}",
            is_named=bool(spec.client_id),
            subject_id=who.subject_id,
            guest_token=who.guest_token,
            viewpoint=Viewpoint.of(asker, who.subject_id),
            joined_s=self._clock(),
        )
        if is_first:
            self._lifetime.attended()
            self._broadcast.attached_s = self._clock()
        self._floor.enter(member)
        if spec.role is Role.PLAYER:
            self._metrics.client_attached()
        self._broadcast.wake()
        return member

    def leave(self, member: Member) -> None:
        """Without any who drive, the session waits for one for the grace time."""
        self._floor.leave(member)
        self._broadcast.leave_seat(member.seat)
        if member.role.looks_on:
            return
        self._metrics.client_detached()
        if not self._lifetime.has_ended and not self._audience.players:
            self._lifetime.left_alone()

    def _check(self, spec: AttachSpec) -> bool:
        """Whether it is the first of those who drive."""
        if self._lifetime.has_ended:
            raise SessionEndedError("the session has ended", field="attach.session_id")
        if len(self._audience.members) >= self._config.max_clients:
            raise CapacityExhaustedError(f"{self._config.max_clients} clients are attached to the session already")
        if spec.role.looks_on:
            return False
        if not self._audience.players:
            return True
        if self._floor.policy is Policy.SINGLE and not spec.stands_by:
            raise SessionControlledError(CONTROLLED, field="attach.session_id")
        return False
