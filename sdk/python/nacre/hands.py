"""Who else is in a session, and who has it in hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from nacre.enums import name_of, value_of
from nacre.v1 import session_pb2

_POLICY_PREFIX, _ROLE_PREFIX = "ARBITRATION_POLICY_", "CLIENT_ROLE_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """A client that is attached to a session."""

    client_id: str
    subject_id: str  # who that is, as far as the service knows
    role: str  # "player", "director" or "viewer"
    in_control: bool  # its controls are taken
    asks_control: bool
    joined_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """Those who may control a session, as it stood when one came, went, asked for control or got it."""

    participants: tuple[Participant, ...]  # without viewers
    num_viewers: int


def to_participant(message: session_pb2.Participant) -> Participant:
    return Participant(
        client_id=message.client_id,
        subject_id=message.subject_id,
        role=to_role(message.role),
        in_control=message.in_control,
        asks_control=message.asks_control,
        joined_at=message.join_time.ToDatetime(tzinfo=UTC),
    )


def to_hands(message: session_pb2.Hands) -> Hands:
    return Hands(participants=tuple(map(to_participant, message.participants)), num_viewers=message.num_viewers)


def to_role(value: int) -> str:
    return name_of(session_pb2.ClientRole, value, _ROLE_PREFIX).lower()


def role_value(role: str) -> session_pb2.ClientRole:
    """Empty for as much as the token allows. Raises ValueError."""
    return value_of(session_pb2.ClientRole, role, _ROLE_PREFIX) if role else session_pb2.CLIENT_ROLE_UNSPECIFIED


def to_policy(value: int) -> str:
    return name_of(session_pb2.ArbitrationPolicy, value, _POLICY_PREFIX).lower()


def policy_value(policy: str) -> session_pb2.ArbitrationPolicy:
    """Raises ValueError."""
    return value_of(session_pb2.ArbitrationPolicy, policy, _POLICY_PREFIX)
