"""Messages about the clients of a session, checked and turned into plain values. Pure."""

from __future__ import annotations

from nacre.v1 import control_pb2, session_pb2
from serving.errors import InvalidFieldError
from serving.gateway.arbitration import Policy
from serving.gateway.handover import AskControl, GiveControl, HandVerb, TakeControl
from serving.gateway.validation import check_id
from serving.sessions.contract import Cancel

POLICY_PREFIX = "ARBITRATION_POLICY_"


def check_policy(value: session_pb2.ArbitrationPolicy) -> Policy:
    if value == session_pb2.ARBITRATION_POLICY_UNSPECIFIED:
        return Policy.SINGLE
    known = session_pb2.ArbitrationPolicy
    name = known.Name(value).removeprefix(POLICY_PREFIX).lower() if value in known.values() else ""
    if name not in list(Policy):
        raise InvalidFieldError("there is no such policy", field="arbitration", allowed=tuple(Policy))
    return Policy(name)


def check_hand_verb(message: control_pb2.Control) -> HandVerb | None:
    """None for a control of the world."""
    match message.WhichOneof("kind"):
        case "ask_control":
            return AskControl()
        case "give_control":
            client_id = message.give_control.client_id
            field = "control.give_control.client_id"
            return GiveControl(client_id=check_id(client_id, field) if client_id else "")
        case "take_control":
            return TakeControl()
        case _:
            return None


def check_cancel(message: control_pb2.Control) -> Cancel | None:
    if not message.HasField("cancel"):
        return None
    return Cancel(control_id=check_id(message.cancel.control_id, "control.cancel.control_id"))
