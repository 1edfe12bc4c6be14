"""A session's client as others see it."""

from __future__ import annotations

from dataclasses import dataclass

from serving.gateway.roles import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    client_id: str
    subject_id: str
    role: Role
    is_in_control: bool
    asks_control: bool
    joined_s: float  # time.time()
