"""Who is attached to a session: those who may drive it, and any who look on."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from serving.gateway.roles import Role
from serving.gateway.seats import Seat, Shown
from serving.gateway.seen import Seen, Viewpoint
from serving.sessions.contract import Accepted, Outcome, QualityChanged, Rewound

EVERYTHING = Viewpoint(subject_id="", sees_subjects=True)


class Client(Protocol):
    """A stream that is attached. Its methods never wait."""

    def tell(self, outcome: Outcome) -> None: ...

    def go_away(self, reason: str, time_left_s: float) -> None: ...

    def rewound(self, event: Rewound) -> None:
        """Chunks count from an earlier one again."""
        ...

    def quality_changed(self, event: QualityChanged) -> None:
        """The session gets less of its worker, or more again."""
        ...

    def hands_changed(self, seen: Sequence[Seen], num_viewers: int) -> None:
        """Somebody who may control the session came, went, asked for control or got it."""
        ...

    def wake(self) -> None:
        """A chunk waits at its seat, or the session ended."""
        ...


@dataclass(slots=True, kw_only=True, eq=False)
class Member:
    """A client, and where it sits."""

    client: Client
    seat: Seat
    role: Role = Role.PLAYER
    client_id: str = ""
    is_named: bool = False  # the client chose the id itself
    subject_id: str = ""
    guest_token: str = ""  # what a guest shows when it comes back
    viewpoint: Viewpoint = EVERYTHING
    joined_s: float = 0.0  # time.time()

    def is_same_as(self, other: Member) -> bool:
        """Whether it is the same client, maybe come back. A name alone can be anybody's."""
        return (self.client_id, self.subject_id) == (other.client_id, other.subject_id)


class _Untold(NamedTuple):
    sender: Member | None
    outcome: Outcome


class Audience:
    """Not more than words: who is to hear and to see what. Those who drive come first."""

    def __init__(self, max_untold: int) -> None:
        self.players: list[Member] = []  # in the order they came
        self.onlookers: list[Member] = []
        self._senders: dict[str, Member] = {}  # by control
        # Outcomes that came while their sender was away.
        self._untold: deque[_Untold] = deque(maxlen=max_untold)

    @property
    def members(self) -> list[Member]:
        return [*self.players, *self.onlookers]

    @property
    def credit(self) -> int:
        """As many chunks as the quickest of those who drive would take."""
        return max((member.seat.room for member in self.players), default=0)

    @property
    def can_take(self) -> bool:
        return any(member.seat.can_take for member in self.players)

    def enter(self, member: Member) -> None:
        """And hear what there was nobody to tell."""
        is_alone = not self.players
        (self.onlookers if member.role.looks_on else self.players).append(member)
        if member.role.looks_on:
            return
        untold, kept = list(self._untold), deque[_Untold](maxlen=self._untold.maxlen)
        self._untold = kept
        for each in untold:
            if is_alone or (each.sender is not None and member.is_same_as(each.sender)):
                member.client.tell(each.outcome)
            else:
                kept.append(each)

    def leave(self, member: Member) -> None:
        (self.onlookers if member.role.looks_on else self.players).remove(member)

    def note_sender(self, control_id: str, member: Member) -> None:
        """Its outcomes go to whoever sent it."""
        self._senders[control_id] = member

    def forget_sender(self, control_id: str) -> None:
        self._senders.pop(control_id, None)

    def sender(self, control_id: str) -> Member | None:
        """Of a control without a terminal outcome."""
        return self._senders.get(control_id)

    def tell(self, outcome: Outcome) -> None:
        sender = self._senders.get(outcome.control_id)
        if not isinstance(outcome, Accepted):
            self._senders.pop(outcome.control_id, None)
        listener = sender if sender in self.players or sender in self.onlookers else self._heir(sender)
        if listener is None:
            self._untold.append(_Untold(sender, outcome))
        else:
            listener.client.tell(outcome)

    def _heir(self, sender: Member | None) -> Member | None:
        """Who hears what one who left cannot: the same client, come back. Where there is no telling, whoever is alone
        most likely is."""
        if sender is not None and sender.is_named:
            return next((player for player in self.players if player.is_same_as(sender)), None)
        return self.players[0] if len(self.players) == 1 else None

    def show(self, shown: Shown) -> None:
        for member in self.members:
            member.seat.put(shown)
            member.client.wake()

    def rewound(self, event: Rewound) -> None:
        for member in self.members:
            member.seat.rewind(event.chunk_idx)
            member.client.rewound(event)

    def quality_changed(self, event: QualityChanged) -> None:
        for member in self.members:
            member.client.quality_changed(event)

    def go_away(self, reason: str, time_left_s: float) -> None:
        for member in self.members:
            member.client.go_away(reason, time_left_s)

    def wake(self) -> None:
        for member in self.members:
            member.client.wake()
