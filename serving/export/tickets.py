"""Tickets that open one recording once, for where a caller can show nothing else: a link that a browser follows."""

from __future__ import annotations

import secrets
from collections import OrderedDict

LIFETIME_S = 60.0
# Of a gateway: who asks for more loses the oldest, which nobody used.
MAX_TICKETS = 1_024
BYTES = 24


class Tickets:
    """No I/O and no clock. A ticket is good at the gateway that gave it."""

    def __init__(self) -> None:
        self._given: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def give(self, session_id: str, now_s: float) -> tuple[str, float]:
        """The ticket, and until when it is good."""
        while len(self._given) >= MAX_TICKETS:
            self._given.popitem(last=False)
        ticket, expires_s = secrets.token_urlsafe(BYTES), now_s + LIFETIME_S
        self._given[ticket] = (session_id, expires_s)
        return ticket, expires_s

    def redeem(self, ticket: str, session_id: str, now_s: float) -> bool:
        """Whether it opens that session's recording. It is no good any more afterwards, for any."""
        given = self._given.pop(ticket, None)
        return given is not None and given[0] == session_id and now_s < given[1]
