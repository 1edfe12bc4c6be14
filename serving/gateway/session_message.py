"""A session as its gateway tells of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nacre.v1 import session_pb2
from serving.access.principal import current
from serving.admission.codec import to_limits
from serving.gateway import codec
from serving.gateway.provenance import to_provenance
from serving.gateway.seen import Viewpoint

if TYPE_CHECKING:
    from serving.gateway.session import Session


def session_message(session: Session) -> session_pb2.Session:
    """As whoever asks may see it."""
    identity, info, floor = session.identity, session.info, session.floor
    message = codec.to_session(
        session_id=identity.session_id,
        state=session.state.value,
        end_reason=session.end_reason,
        world=identity.world,
        info=info,
        create_s=identity.create_s,
        chunks_generated=session.arrivals.num_arrived,
        is_paused=session.is_paused,
        end_s=session.end_s,
    )
    viewpoint = Viewpoint.of(current())
    seen = [each.as_told_to(viewpoint) for each in floor.seen]
    codec.add_clients(message, floor.policy, seen, floor.hands.take_control_after_s)
    if session.grant.tenant_id:
        message.limits.CopyFrom(to_limits(session.grant.limits))
    if session.quality is not None:
        message.quality.CopyFrom(codec.to_quality(session.quality))
    message.provenance.CopyFrom(to_provenance(identity.ownership, info.name, info.weights_sha256, info))
    return message
