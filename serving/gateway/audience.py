"""Who is attached to a session: at most one who controls it, and any who look on."""

from __future__ import annotations

from collections import deque
from typing import Protocol

from serving.gateway.arrivals import Arrival
from serving.gateway.seats import Seat
from serving.sessions.contract import Accepted, Outcome, Rewound


class Client(Protocol):
    """A stream that is attached. Its methods never wait."""

    def tell(self, outcome: Outcome) -> None: ...

    def go_away(self, reason: str, time_left_s: float) -> None: ...

    def rewound(self, event: Rewound) -> None:
        """Chunks count from an earlier one again."""
        ...

    def wake(self) -> None:
        """A chunk came, the session ended, or more chunks may be asked for."""
        ...


class Audience:
    """Not more than words: who is to hear what."""

    def __init__(self, max_untold: int) -> None:
        self.player: Client | None = None
        self._seats: dict[Client, Seat] = {}
        self._senders: dict[str, Client] = {}  # by control, where it was one who looks on
        # Outcomes that came while nobody controlled the session.
        self._untold: deque[Outcome] = deque(maxlen=max_untold)

    @property
    def clients(self) -> list[Client]:
        return [*([] if self.player is None else [self.player]), *self._seats]

    def enter(self, player: Client) -> None:
        """To control the session, and to hear what there was nobody to tell."""
        self.player = player
        while self._untold:
            player.tell(self._untold.popleft())

    def leave(self) -> None:
        self.player = None

    def sit_down(self, client: Client, next_chunk_idx: int) -> Seat:
        seat = self._seats[client] = Seat(next_chunk_idx)
        return seat

    def get_up(self, client: Client) -> None:
        self._seats.pop(client, None)
        self._senders = {control_id: each for control_id, each in self._senders.items() if each is not client}

    def note_sender(self, control_id: str, client: Client | None) -> None:
        """The outcome goes to one who looks on, if that is who sent it; else to whoever controls the session."""
        if client is not None and client in self._seats:
            self._senders[control_id] = client

    def tell(self, outcome: Outcome) -> None:
        client = self._senders.get(outcome.control_id, self.player)
        if not isinstance(outcome, Accepted):
            self._senders.pop(outcome.control_id, None)
        if client is None:
            self._untold.append(outcome)
        else:
            client.tell(outcome)

    def show(self, arrival: Arrival) -> None:
        """To those who look on."""
        for client, seat in self._seats.items():
            seat.put(arrival)
            client.wake()

    def rewound(self, event: Rewound) -> None:
        for seat in self._seats.values():
            seat.rewind(event.chunk_idx)
        for client in self.clients:
            client.rewound(event)

    def go_away(self, reason: str, time_left_s: float) -> None:
        for client in self.clients:
            client.go_away(reason, time_left_s)

    def wake(self) -> None:
        for client in self.clients:
            client.wake()
