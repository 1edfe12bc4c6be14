"""A session's controls: from those who send them to its worker, and what became of them back."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from model.interface import ModelInfo
from serving.errors import ControlNotWaitingError, NacreError
from serving.export.session_recorder import SessionRecorder
from serving.gateway.arrivals import ArrivalQueue
from serving.gateway.audience import Audience, Member
from serving.gateway.controls import ControlBook
from serving.gateway.floor import Floor
from serving.gateway.handover import HandVerb
from serving.gateway.metrics import GatewayMetrics
from serving.gateway.roles import Role
from serving.gateway.session_identity import SessionIdentity
from serving.gateway.timing import Wish, plan
from serving.gateway.unanswered import answers
from serving.sessions.attribution import Schedule
from serving.sessions.contract import Accepted, Applied, Cancel, Control, Outcome, Rejected, SessionLink

logger = logging.getLogger(__name__)


class ControlFlow:
    """Each control is admitted once, and whoever sent it hears one outcome."""

    def __init__(
        self,
        identity: SessionIdentity,
        info: ModelInfo,
        arrivals: ArrivalQueue,
        audience: Audience,
        floor: Floor,
        book: ControlBook,
        metrics: GatewayMetrics,
    ) -> None:
        self.recording: SessionRecorder | None = None  # where the service keeps what is shown
        self._identity = identity
        self._info = info
        self._arrivals = arrivals
        self._audience = audience
        self._floor = floor
        self._book = book
        self._metrics = metrics

    def check(self, member: Member, kind: object, schedule: Schedule | None) -> None:
        """Whether a client may send it now. Raises as `Hands.check` does, and `ControlNotWaitingError`."""
        self._floor.hands.check(member, kind, is_scheduled=schedule is not None)
        if isinstance(kind, Cancel):
            sender = self._audience.sender(kind.control_id)
            # Of what was sent before this gateway had the session nobody knows here whose it is: those who play may.
            is_own = member.role is Role.PLAYER if sender is None else member.is_same_as(sender)
            if not is_own:
                raise ControlNotWaitingError("the control is not this client's", field="control.cancel.control_id")

    def plan(self, wish: Wish | None) -> Schedule | None:
        """Raises `InvalidFieldError` or `PredecessorLostError`."""
        if wish is None:
            return None
        fate = self._book.fate(wish.after_control_id)
        return plan(wish, self._arrivals.num_taken, self._info.chunk_duration_s, fate)

    async def send(self, control: Control, member: Member) -> None:
        """Give an admitted control to the worker. Its outcomes go to whoever sent it."""
        await self._floor.send(control, member)
        if self.recording is not None:
            self.recording.said(control)

    def hand_over(self, member: Member, control_id: str, verb: HandVerb, received_s: float) -> None:
        """Ask for control, give it or take it: answered at once. Raises as `Hands.hand_over` does."""
        self._book.admit(control_id, received_s, is_timed=False)
        try:
            self._floor.hand_over(member, verb)
        except NacreError:
            self._book.forget(control_id)
            raise
        self._audience.note_sender(control_id, member)
        self._tell(Accepted(control_id=control_id))
        chunk_idx, info = self._arrivals.num_arrived, self._info
        self._tell(
            Applied(
                control_id=control_id,
                chunk_idx=chunk_idx,
                frame_idx=chunk_idx * info.frames_per_chunk,
                world_time_s=chunk_idx * info.chunk_duration_s,
            )
        )

    def forget(self, control_id: str) -> None:
        """It was admitted, and refused on the way to the worker."""
        self._book.forget(control_id)
        self._floor.forget(control_id)

    async def answers(self, member: Member, control_ids: Sequence[str], link: SessionLink) -> list[Outcome]:
        """As `serving.gateway.unanswered.answers`."""
        return await answers(control_ids, member, self._book, self._audience, link, self._info)

    def came(self, outcome: Outcome) -> None:
        """From the worker."""
        for each in self._floor.read(outcome):
            self._tell(each)

    def reject_pending(self, reason: str, message: str) -> None:
        for control_id in self._book.pending_ids:
            self._tell(Rejected(control_id=control_id, reason=reason, message=message))

    def _tell(self, outcome: Outcome) -> None:
        if self._book.settle(outcome):
            self._metrics.control_outcome(type(outcome).__name__.lower())
        elif not self._identity.first_chunk_idx:  # else it may have come by way of the gateway before this one
            logger.error("session %s: outcome of unknown control %s", self._identity.session_id, outcome.control_id)
            return
        self._audience.tell(outcome)
        if self.recording is not None:
            self.recording.heard(outcome)
