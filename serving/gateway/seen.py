"""A session's client as others see it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from serving.access.principal import GUEST_PREFIX
from serving.gateway.roles import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    client_id: str
    subject_id: str
    role: Role
    is_in_control: bool
    asks_control: bool
    joined_s: float  # time.time()

    def as_told_to(self, subject_id: str) -> Seen:
        """Guests, whom a share link let in, learn nothing of whose keys and tokens the others hold."""
        is_hidden = subject_id.startswith(GUEST_PREFIX) and subject_id != self.subject_id
        return replace(self, subject_id="") if is_hidden else self
